"""Where something other than the exchange is simulated: beside the simulated exchange, and nowhere else."""

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.domain.mode import Mode, allows, host_of

if TYPE_CHECKING:
    from bot.settings import Reader


def simulated_url(reader: "Reader", name: str, mode: Mode, simulator: str, *, path: str = "") -> str:
    """Empty: the true thing. `path` is an example of one, without which none may be given."""
    text = reader.text(name).rstrip("/")
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        host, port = host_of(parts), parts.port
    except ValueError:
        host, port = "", 0
    form = r"https?://[\w.:\[\]-]+" + (r"(?:/[\w/-]+)?" if path else "")
    if mode is not Mode.SIMULATOR:
        reader.problems.append(f"{name} needs TRADING_MODE=simulator; leave it out")
    elif port == 0 or not re.fullmatch(form, text, re.ASCII):
        reader.problems.append(f"{name} must be like http://127.0.0.1:8090{path}")
    elif not allows(mode, host, simulator):
        reader.problems.append(f"{name} names the host {host!r}; allowed are 127.0.0.1 and SIMULATOR_HOST")
    return text
