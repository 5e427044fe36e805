"""Settings from the environment and from files named there; every problem is found in one go."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from bot.arming import NotArmedError, armed_uid
from bot.domain import money
from bot.domain.cryptet import cookie_values
from bot.domain.mode import BASE_URLS, HOSTS, Mode, allows, host_of, is_bare_name
from bot.log import LEVELS
from bot.log_file import LogFile
from bot.settings_cryptet import read_cookies, read_site
from bot.settings_notices import NoticeSettings, read_notices
from bot.settings_telegram import TelegramSettings, read_hash, read_telegram

CONFIG_DIR = Path(__file__).parent.parent / "config"
CONTROL_DIR = Path(__file__).parent.parent / ".local" / "control"
ARM_FILE = "tradewatch-armed"
# What follows the scheme, stricter than libpq, which repeats in its error what it cannot understand.
_PART = r"(?:[^%/@?#\[\]\s]|%(?!00)[0-9a-fA-F]{2})*"
_DATABASE = re.compile(
    rf"(?:{_PART}@)?(?P<place>(?:\[[\da-fA-F:.]+\])?[^%/@?#\[\]\s]*(?:/{_PART})?)(?:\?[^#@\s]*)?"
)


class Secret:
    """A text that shows itself only when asked by name."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(hidden)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    mode: Mode
    trading_enabled: bool
    database_url: Secret
    database_pool_size: int
    sql_echo: bool
    http_host: str
    http_port: int
    admin_token: Secret | None
    bingx_base_url: str
    simulator_host: str
    bingx_api_key: Secret
    bingx_secret_key: Secret
    cryptet_cookies: Secret | None
    cryptet_base_url: str
    telegram_bot_token: Secret | None
    notices: NoticeSettings | None
    telegram_api_hash: Secret | None
    telegram_session: Secret | None
    telegram: TelegramSettings | None
    config_dir: Path
    control_dir: Path
    arm_file: Path
    armed_uid: str | None
    log_level: str
    log_file: LogFile | None
    time_scale: float
    config_endpoint: bool
    shown: Mapping[str, str | None]  # each variable with what holds, of a secret only whether it is set

    def secrets(self) -> list[str]:
        """What no log line may hold; the database's password and each cookie also by themselves."""
        held = [getattr(self, each.name) for each in fields(self)]
        url = urlsplit(self.database_url.reveal())
        passwords = [url.password or "", *parse_qs(url.query).get("password", [])]
        cookies = self.cryptet_cookies.reveal() if self.cryptet_cookies else ""
        return [
            *(each.reveal() for each in held if isinstance(each, Secret)),
            *cookie_values(cookies),
            *(form for each in passwords if each for form in (each, unquote(each))),
        ]


class Reader:
    """Reads variables one by one and keeps what is wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.problems: list[str] = []
        self.shown: dict[str, str | None] = {}

    def _given(self, name: str) -> str:
        return self._environment.get(name, "").strip()

    def text(self, name: str, default: str = "") -> str:
        value = self._given(name) or default
        self.shown[name] = value or None
        return value

    def secret(self, name: str) -> Secret | None:
        file, text = self._given(f"{name}_FILE"), self._given(name)
        self.shown[name] = "set" if file or text else "not set"
        if not file:
            return Secret(text) if text else None
        if text:
            self.problems.append(f"set {name} or {name}_FILE, not both")
            return None
        try:
            text = Path(file).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            # Not what it says: somebody may have put the secret itself there.
            self.problems.append(
                f"{name}_FILE: cannot read this file: {getattr(error, 'strerror', 'no text')}"
            )
            return None
        if not text:
            self.problems.append(f"{name}_FILE: this file is empty")
            return None
        return Secret(text)

    def needed(self, name: str) -> Secret:
        before = len(self.problems)
        secret = self.secret(name)
        if secret is None and len(self.problems) == before:
            self.problems.append(f"{name} is not set; set it or {name}_FILE")
        return secret or Secret("")

    def choice(self, name: str, allowed: Mapping[str, object], default: str) -> str:
        text = self.text(name, default)
        if text not in allowed:
            self.problems.append(f"{name} is {text!r}; set one of {', '.join(allowed)}")
            return default
        return text

    def switch(self, name: str) -> bool:
        yes_no = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        text = self.text(name, "false").lower()
        if text not in yes_no:
            self.problems.append(f"{name} is {text!r}; set true or false")
        return yes_no.get(text, False)

    def number(self, name: str, default: int, least: int, most: int) -> int:
        text = self.text(name, str(default))
        if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
            self.problems.append(f"{name} is {text!r}; set a whole number from {least} to {most}")
            return default
        return int(text)


def read_settings(
    environment: Mapping[str, str], *, arming: bool = False
) -> tuple[Settings | None, list[str]]:
    """`arming` is the one command for which live need not be armed yet."""
    reader = Reader(environment)
    mode = Mode(reader.choice("TRADING_MODE", {each.value: each for each in Mode}, Mode.SIMULATOR.value))
    _check_testnet(reader, mode)
    simulator = _simulator_host(reader, mode)
    api_key = reader.needed("BINGX_API_KEY")
    bot_token = reader.secret("TELEGRAM_BOT_TOKEN")
    api_hash, session = read_hash(reader), reader.secret("TELEGRAM_SESSION")
    control_dir = Path(reader.text("CONTROL_DIR", str(CONTROL_DIR)))
    arm_file = Path(reader.text("ARM_FILE", str(control_dir.parent / ARM_FILE)))
    settings = Settings(
        mode=mode,
        trading_enabled=reader.switch("TRADING_ENABLED"),
        database_url=_database_url(reader),
        database_pool_size=reader.number("DATABASE_POOL_SIZE", 5, 1, 100)
        + reader.number("DATABASE_MAX_OVERFLOW", 5, 0, 100),
        sql_echo=reader.switch("SQL_ECHO"),
        http_host=reader.text("HTTP_HOST", "127.0.0.1"),
        http_port=reader.number("HTTP_PORT", 8080, 1, 65535),
        admin_token=reader.secret("ADMIN_TOKEN"),
        bingx_base_url=_base_url(reader, mode, simulator),
        simulator_host=simulator,
        bingx_api_key=api_key,
        bingx_secret_key=reader.needed("BINGX_SECRET_KEY"),
        cryptet_cookies=read_cookies(reader),
        cryptet_base_url=read_site(reader, mode, simulator),
        telegram_bot_token=bot_token,
        notices=read_notices(reader, bot_token, mode, simulator),
        telegram_api_hash=api_hash,
        telegram_session=session,
        telegram=read_telegram(reader, api_hash, session, mode, simulator),
        config_dir=Path(reader.text("CONFIG_DIR", str(CONFIG_DIR))),
        control_dir=control_dir,
        arm_file=arm_file,
        armed_uid=None if arming or mode is not Mode.LIVE else _armed_uid(reader, arm_file, api_key),
        log_level=reader.choice("LOG_LEVEL", LEVELS, "INFO"),
        log_file=_log_file(reader),
        time_scale=_time_scale(reader, mode),
        config_endpoint=reader.switch("CONFIG_ENDPOINT"),
        shown=reader.shown,
    )
    return (None if reader.problems else settings), reader.problems


def _database_url(reader: Reader) -> Secret:
    url = reader.needed("DATABASE_URL").reveal()
    scheme, separator, rest = url.partition("://")
    # SQLAlchemy's spelling, as in postgresql+asyncpg://, names a driver that libpq does not know.
    scheme = scheme.partition("+")[0]
    if url and (scheme not in ("postgresql", "postgres") or not separator):
        reader.problems.append("DATABASE_URL must begin with postgresql://")
    elif url and (found := _DATABASE.fullmatch(rest)):
        reader.shown["DATABASE_URL"] = f"set, to {found['place']}"
    elif url:
        reader.problems.append(
            "DATABASE_URL must look like postgresql://user:password@host:port/database; write each of "
            "% / @ ? # [ ] and spaces in user and password as in a URL, %25 for %"
        )
    return Secret(f"{scheme}://{rest}")


def _log_file(reader: Reader) -> LogFile | None:
    name = reader.text("LOG_FILE")
    size, count = reader.number("LOG_FILE_MAX_MB", 10, 1, 10_000), reader.number("LOG_FILE_COUNT", 5, 1, 1000)
    if not name:
        return None
    file = LogFile(path=Path(name), max_bytes=size * 1_000_000, count=count)
    if problem := file.problem():
        reader.problems.append(f"LOG_FILE: cannot write {name}: {problem}")
    return file


def _check_testnet(reader: Reader, mode: Mode) -> None:
    """The guide's name for play money: it may be left out, but not contradict the mode."""
    told = reader.text("BINGX_TESTNET")
    problems = len(reader.problems)
    if (
        told
        and reader.switch("BINGX_TESTNET") != (mode is not Mode.LIVE)
        and len(reader.problems) == problems
    ):
        reader.problems.append(f"BINGX_TESTNET={told} contradicts TRADING_MODE={mode}; leave it out")


def _armed_uid(reader: Reader, file: Path, api_key: Secret) -> str | None:
    try:
        return armed_uid(file, api_key.reveal())
    except NotArmedError as error:
        reader.problems.append(f"TRADING_MODE=live is not armed: {error}; run `python -m bot arm-live`")
        return None


def _simulator_host(reader: Reader, mode: Mode) -> str:
    name = reader.text("SIMULATOR_HOST")
    if name and not is_bare_name(name):
        reader.problems.append(f"SIMULATOR_HOST is {name!r}; set a name without a dot, as of a container")
    elif name and mode is not Mode.SIMULATOR:
        reader.problems.append("SIMULATOR_HOST needs TRADING_MODE=simulator")
    return name


def _base_url(reader: Reader, mode: Mode, simulator: str) -> str:
    text = reader.text("BINGX_BASE_URL", BASE_URLS[mode]).rstrip("/")
    try:
        parts = urlsplit(text)
        host, port, good = host_of(parts), parts.port, parts.scheme in ("http", "https")
    except ValueError:
        host, port, good = "", None, False
    if not good or port == 0 or text != f"{parts.scheme}://{parts.netloc}" or "@" in parts.netloc:
        reader.problems.append(f"BINGX_BASE_URL must be a scheme and a host: {BASE_URLS[mode]}")
    elif not allows(mode, host, simulator):
        allowed = sorted(HOSTS[mode]) if mode in HOSTS else ["127.0.0.1", "SIMULATOR_HOST"]
        reader.problems.append(
            f"BINGX_BASE_URL names the host {host!r}; mode {mode} allows only {' and '.join(allowed)}"
        )
    elif mode is not Mode.SIMULATOR and (parts.scheme != "https" or port is not None):
        reader.problems.append(f"BINGX_BASE_URL must be https without a port in mode {mode}: https://{host}")
    return text


def _time_scale(reader: Reader, mode: Mode) -> float:
    text = reader.text("TIME_SCALE", "1")
    scale = money.read(text)
    if scale is None or not 1 <= scale <= 1000:
        reader.problems.append(f"TIME_SCALE is {text!r}; set a number from 1 to 1000")
    elif scale != 1 and mode is not Mode.SIMULATOR:
        reader.problems.append("TIME_SCALE is for drills and needs TRADING_MODE=simulator")
    return float(scale or 1)
