"""Settings of cryptet: who is logged in there, and where a simulated site is."""

import re
from typing import TYPE_CHECKING

from bot.domain.mode import Mode
from bot.settings_simulated import simulated_url

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
    return simulated_url(reader, "CRYPTET_BASE_URL", mode, simulator, path="/cryptet")
