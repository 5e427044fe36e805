"""Settings of cryptet: who is logged in there, and where a simulated site is."""

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.domain.mode import Mode, allows

if TYPE_CHECKING:
    from bot.settings import Reader, Secret

# Printable, so that nothing ends the header or begins another.
_COOKIES = re.compile(r"[!-:<>-~]+=[ -~]*")


def read_cookies(reader: "Reader") -> "Secret | None":
    cookies = reader.secret("CRYPTET_COOKIES")
    if cookies is not None and not _COOKIES.fullmatch(cookies.reveal()):
        reader.problems.append(
            "CRYPTET_COOKIES must be a browser's header Cookie on one line: name=value; name=value"
        )
    return cookies


def read_site(reader: "Reader", mode: Mode, simulator: str) -> str:
    """Empty: cryptet.com itself. `simulator` is the name of a host that is allowed beside this machine."""
    text = reader.text("CRYPTET_BASE_URL").rstrip("/")
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", 0
    if mode is not Mode.SIMULATOR:
        reader.problems.append("CRYPTET_BASE_URL needs TRADING_MODE=simulator; leave it out")
    elif port == 0 or not re.fullmatch(r"https?://[\w.:\[\]-]+(?:/[\w/-]+)?", text, re.ASCII):
        reader.problems.append("CRYPTET_BASE_URL must be like http://127.0.0.1:8090/cryptet")
    elif not allows(mode, host, simulator):
        reader.problems.append(
            f"CRYPTET_BASE_URL names the host {host!r}; mode {mode} allows only 127.0.0.1 and SIMULATOR_HOST"
        )
    return text
