"""Settings of the source Telegram: the application's id and hash, a person's session, or a simulator."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.mode import Mode
from bot.settings_simulated import simulated_url

if TYPE_CHECKING:
    from bot.settings import Reader, Secret

# As Telethon writes it: a version, then an address and a key of 256 bytes.
_SESSION = re.compile(r"1[A-Za-z0-9_-]{351,380}={0,2}")
_HASH = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramSettings:
    """`simulator_url` is empty for Telegram itself."""

    api_id: int
    simulator_url: str


def read_hash(reader: "Reader") -> "Secret | None":
    api_hash = reader.secret("TELEGRAM_API_HASH")
    if api_hash is not None and not _HASH.fullmatch(api_hash.reveal()):
        reader.problems.append("TELEGRAM_API_HASH must be 32 hexadecimal digits, as my.telegram.org shows it")
    return api_hash


def read_id(reader: "Reader") -> int:
    """0: none is set, or it is wrong."""
    text = reader.text("TELEGRAM_API_ID")
    if text and not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        reader.problems.append(f"TELEGRAM_API_ID is {text!r}; set the number that my.telegram.org shows")
        return 0
    return int(text or 0)


def read_telegram(
    reader: "Reader", api_hash: "Secret | None", session: "Secret | None", mode: Mode, simulator: str
) -> TelegramSettings | None:
    """None: Telegram is off. `simulator` is the name of a host that is allowed beside this machine."""
    api_id, url = read_id(reader), simulated_url(reader, "TELEGRAM_SIMULATOR_URL", mode, simulator)
    given = {
        "TELEGRAM_API_ID": reader.text("TELEGRAM_API_ID"),
        "TELEGRAM_API_HASH": api_hash or reader.text("TELEGRAM_API_HASH_FILE"),
        "TELEGRAM_SESSION": session or reader.text("TELEGRAM_SESSION_FILE"),
    }
    there = [name for name, value in given.items() if value]
    missing = [name for name in given if name not in there]
    if url and there:
        reader.problems.append(f"set TELEGRAM_SIMULATOR_URL or {' and '.join(there)}, not both")
    elif there and missing:
        reader.problems.append(
            f"{' and '.join(there)} need {' and '.join(missing)}; `python -m bot login` makes the session"
        )
    elif session is not None and not _SESSION.fullmatch(session.reveal()):
        reader.problems.append("TELEGRAM_SESSION is no session; make one with `python -m bot login`")
    if not url and not there:
        return None
    return TelegramSettings(api_id=api_id, simulator_url=url)
