"""Which exchange the bot talks to, and which hosts that allows."""

import re
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import SplitResult


class Mode(StrEnum):
    SIMULATOR = "simulator"
    VST = "vst"
    LIVE = "live"


HOSTS: dict[Mode, frozenset[str]] = {
    Mode.VST: frozenset({"open-api-vst.bingx.com", "open-api-vst.bingx.pro"}),
    Mode.LIVE: frozenset({"open-api.bingx.com", "open-api.bingx.pro"}),
}

BASE_URLS = {
    Mode.SIMULATOR: "http://127.0.0.1:8090",
    Mode.VST: "https://open-api-vst.bingx.com",
    Mode.LIVE: "https://open-api.bingx.com",
}


def allows(mode: Mode, host: str, simulator: str = "") -> bool:
    """`simulator` is the one other host on which the operator says that a simulator runs."""
    if mode is Mode.SIMULATOR:
        return _is_loopback(host) or (host == simulator and is_bare_name(host))
    return host in HOSTS[mode]


def host_of(parts: SplitResult) -> str:
    """Return the host of an address; raise ValueError where something stands between `]` and the port."""
    behind = parts.netloc.rpartition("]")[2]
    if "]" in parts.netloc and not re.fullmatch(r"(:\d+)?", behind, re.ASCII):
        raise ValueError(f"{behind!r} stands behind an address in brackets")
    return parts.hostname or ""


def is_bare_name(host: str) -> bool:
    """Say whether it is a name without a dot, as containers have: no exchange in the internet has one."""
    return re.fullmatch(r"[a-z][a-z0-9-]{0,62}", host) is not None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
