"""What is made to go wrong, set over the control port."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

LONGEST_DELAY = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """The drops count down when they were given as a number; True lasts until cleared."""

    reject_orders: tuple[int, str] | None = None  # every order is refused with this code and text
    http_status: int = 0  # every call is answered with this status and a page of HTML
    drop_before: bool | int = False  # the connection closes before the order is taken
    drop_after: bool | int = False  # the order is taken, and the connection closes without an answer
    delay: float = 0  # seconds between doing what was asked and answering, for every call
    hide_orders: float = 0  # seconds for which a new order is not found

    def spent(self, name: str) -> "Faults":
        left = getattr(self, name)
        return self if left is True else replace(self, **{name: left - 1})


def parse(before: Faults, told: object) -> Faults:
    """The faults with the given keys replaced; ValueError says what is wrong with them."""
    if not isinstance(told, Mapping) or not told:
        raise ValueError(f"send an object with one or more of {', '.join(sorted(_READ))}")
    if unknown := told.keys() - _READ.keys():
        raise ValueError(f"unknown fault {sorted(unknown)[0]!r}; known are {', '.join(sorted(_READ))}")
    return replace(before, **{name: _READ[name](name, value) for name, value in told.items()})


def shown(faults: Faults) -> dict[str, Any]:
    told = {name: getattr(faults, name) for name in _READ if getattr(faults, name)}
    if faults.reject_orders:
        told["reject_orders"] = {"code": faults.reject_orders[0], "msg": faults.reject_orders[1]}
    return told


def _rejection(name: str, value: object) -> tuple[int, str]:
    if isinstance(value, Mapping) and value.keys() == {"code", "msg"}:
        code, text = value["code"], value["msg"]
        if type(code) is int and code > 0 and isinstance(text, str):
            return code, text
    raise ValueError(f'{name} must be like {{"code": 101204, "msg": "Insufficient margin"}}')


def _status(name: str, value: object) -> int:
    if type(value) is int and 400 <= value <= 599:
        return value
    raise ValueError(f"{name} must be a status from 400 to 599")


def _times(name: str, value: object) -> bool | int:
    if isinstance(value, bool) or (type(value) is int and 0 <= value <= 10**6):
        return value
    raise ValueError(f"{name} must be true, false, or the number of orders to drop")


def _seconds(name: str, value: object) -> float:
    if type(value) in (int, float) and isinstance(value, int | float) and 0 <= value <= LONGEST_DELAY:
        return float(value)
    raise ValueError(f"{name} must be seconds from 0 to {LONGEST_DELAY}")


_READ: dict[str, Any] = {
    "reject_orders": _rejection,
    "http_status": _status,
    "drop_before": _times,
    "drop_after": _times,
    "delay": _seconds,
    "hide_orders": _seconds,
}
