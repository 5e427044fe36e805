"""Settings of notices and commands in Telegram: a bot's token, a chat to write to, who may command."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.domain.mode import Mode, allows, host_of

if TYPE_CHECKING:
    from bot.settings import Reader, Secret

API = "https://api.telegram.org"
_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{30,100}")
_CHAT = re.compile(r"-?[1-9][0-9]{0,18}")
_USER = re.compile(r"[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeSettings:
    chat: int
    operators: frozenset[int]  # ids of people; nobody else is obeyed
    url: str


def read_notices(
    reader: "Reader", token: "Secret | None", mode: Mode, simulator: str
) -> NoticeSettings | None:
    """None without a token. `simulator` is the name of a host that is allowed beside this machine."""
    chat, operators = reader.text("TELEGRAM_NOTICE_CHAT"), _operators(reader)
    url = _url(reader, mode, simulator)
    if chat and not _CHAT.fullmatch(chat):
        reader.problems.append(
            f"TELEGRAM_NOTICE_CHAT is {chat!r}; set the number of a chat, as -1001234567890"
        )
        return None
    if token is None:
        if chat or operators:
            reader.problems.append(
                "TELEGRAM_NOTICE_CHAT and TELEGRAM_OPERATORS need TELEGRAM_BOT_TOKEN; set it or omit them"
            )
        return None
    if not _TOKEN.fullmatch(token.reveal()):
        reader.problems.append("TELEGRAM_BOT_TOKEN must look like 123456789:ABC..., as @BotFather gives it")
    if not chat:
        reader.problems.append(
            "TELEGRAM_BOT_TOKEN needs TELEGRAM_NOTICE_CHAT, the number of the chat to write to"
        )
        return None
    return NoticeSettings(chat=int(chat), operators=operators, url=url)


def _operators(reader: "Reader") -> frozenset[int]:
    names = [each.strip() for each in reader.text("TELEGRAM_OPERATORS").split(",") if each.strip()]
    if wrong := [each for each in names if not _USER.fullmatch(each)]:
        reader.problems.append(
            f"TELEGRAM_OPERATORS has {wrong[0]!r}; set numbers of people with commas between, as 123456789"
        )
        return frozenset()
    return frozenset(map(int, names))


def _url(reader: "Reader", mode: Mode, simulator: str) -> str:
    text = reader.text("TELEGRAM_API_URL", API).rstrip("/")
    if text == API:
        return text
    try:
        parts = urlsplit(text)
        host, port = host_of(parts), parts.port
    except ValueError:
        host, port = "", 0
    if mode is not Mode.SIMULATOR:
        reader.problems.append(f"TELEGRAM_API_URL must be {API} in mode {mode}; leave it out")
    elif port == 0 or not re.fullmatch(r"https?://[\w.:\[\]-]+", text):
        reader.problems.append(f"TELEGRAM_API_URL must be a scheme and a host: {API}")
    elif not allows(mode, host, simulator):
        reader.problems.append(
            f"TELEGRAM_API_URL names the host {host!r}; allowed are {API}, 127.0.0.1 and SIMULATOR_HOST"
        )
    return text
