"""Which exchange the bot talks to, and which hosts that allows."""

from enum import StrEnum
from ipaddress import ip_address


class Mode(StrEnum):
    SIMULATOR = "simulator"
    VST = "vst"
    LIVE = "live"


HOSTS: dict[Mode, frozenset[str]] = {
    Mode.VST: frozenset({"open-api-vst.bingx.com", "open-api-vst.bingx.pro"}),
    Mode.LIVE: frozenset({"open-api.bingx.com", "open-api.bingx.pro"}),
}


def allows(mode: Mode, host: str) -> bool:
    return _is_loopback(host) if mode is Mode.SIMULATOR else host in HOSTS[mode]


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
