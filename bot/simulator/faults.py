"""What is made to go wrong, set over the control port."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

LONGEST_DELAY = 300
DAY = 86_400
PLACE = "place_order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """The drops count down when they were given as a number; True lasts until cleared."""

    reject_orders: tuple[int, str] | None = None  # every order is refused with this code and text
    errors: Mapping[str, tuple[int, str, int]] = field(default_factory=dict)  # by endpoint; -1 times: always
    http_status: int = 0  # nothing is done, the answer is this status and a page of HTML
    http_status_after: int = 0  # it is done, and the answer is this status and a page of HTML
    no_json: bool = False  # it is done, and the answer is a page with status 200
    drop_before: bool | int = False  # the connection closes before it is done
    drop_after: bool | int = False  # it is done, and the connection closes without an answer
    reset: bool = False  # the drops reset the connection
    frozen: bool = False  # nothing is done and nothing answered until this is cleared
    delay_before: float = 0  # seconds before it is done
    delay: float = 0  # seconds between doing and answering
    jitter: float = 0  # up to so many seconds more before it is done
    hide_orders: float = 0  # seconds for which a new order is not found
    hide_positions: float = 0  # seconds for which a new position, or its change, is not shown
    partial_fill: Decimal = Decimal(1)  # how much of an order trades at each step of the price
    clock_skew: float = 0  # seconds that the exchange's clock is ahead
    only: tuple[str, ...] = ()  # endpoints; none: orders for the drops, every call for the others

    def hits(self, endpoint: str) -> bool:
        return not self.only or endpoint in self.only

    def drops(self, name: str, endpoint: str) -> bool:
        return bool(getattr(self, name)) and endpoint in (self.only or (PLACE,))

    def spent(self, name: str) -> "Faults":
        left = getattr(self, name)
        return self if left is True else replace(self, **{name: left - 1})

    def failed(self, endpoint: str) -> "Faults":
        code, text, times = self.errors[endpoint]
        left = {**self.errors, endpoint: (code, text, times - 1)} if times > 0 else dict(self.errors)
        return replace(self, errors={name: told for name, told in left.items() if told[2]})


def parse(before: Faults, told: object) -> Faults:
    """The faults with the given keys replaced; ValueError says what is wrong with them."""
    if not isinstance(told, Mapping) or not told:
        raise ValueError(f"send an object with one or more of {', '.join(sorted(_READ))}")
    if unknown := told.keys() - _READ.keys():
        raise ValueError(f"unknown fault {sorted(unknown)[0]!r}; known are {', '.join(sorted(_READ))}")
    return replace(before, **{name: _READ[name](name, value) for name, value in told.items()})


def shown(faults: Faults) -> dict[str, Any]:
    plain = Faults()
    told = {name: getattr(faults, name) for name in _READ if getattr(faults, name) != getattr(plain, name)}
    if faults.reject_orders:
        told["reject_orders"] = {"code": faults.reject_orders[0], "msg": faults.reject_orders[1]}
    if faults.errors:
        told["errors"] = {
            name: {"code": code, "msg": text, "times": times}
            for name, (code, text, times) in faults.errors.items()
        }
    if "partial_fill" in told:
        told["partial_fill"] = float(faults.partial_fill)
    return told


def _rejection(name: str, value: object) -> tuple[int, str]:
    if isinstance(value, Mapping) and value.keys() == {"code", "msg"}:
        code, text = value["code"], value["msg"]
        if type(code) is int and code > 0 and isinstance(text, str):
            return code, text
    raise ValueError(f'{name} must be like {{"code": 101204, "msg": "Insufficient margin"}}')


def _errors(name: str, value: object) -> Mapping[str, tuple[int, str, int]]:
    if not isinstance(value, Mapping):
        raise ValueError(
            f'{name} must be like {{"cancel_order": {{"code": 109500, "msg": "busy", "times": 2}}}}'
        )
    read = {}
    for endpoint, told in value.items():
        rest = dict(told) if isinstance(told, Mapping) else {}
        times = rest.pop("times", -1)
        if type(times) is not int or not -1 <= times <= 10**6:
            raise ValueError(f"{name} of {endpoint}: times must be a count, or -1 for always")
        read[endpoint] = (*_rejection(f"{name} of {endpoint}", rest), times)
    return read


def _status(name: str, value: object) -> int:
    if type(value) is int and (value == 0 or 400 <= value <= 599):
        return value
    raise ValueError(f"{name} must be a status from 400 to 599")


def _flag(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError(f"{name} must be true or false")


def _times(name: str, value: object) -> bool | int:
    if isinstance(value, bool) or (type(value) is int and 0 <= value <= 10**6):
        return value
    raise ValueError(f"{name} must be true, false, or the number of calls to drop")


def _seconds(name: str, value: object) -> float:
    if _is_between(value, 0, LONGEST_DELAY):
        return float(str(value))
    raise ValueError(f"{name} must be seconds from 0 to {LONGEST_DELAY}")


def _skew(name: str, value: object) -> float:
    if _is_between(value, -DAY, DAY):
        return float(str(value))
    raise ValueError(f"{name} must be seconds from {-DAY} to {DAY}")


def _share(name: str, value: object) -> Decimal:
    if _is_between(value, 0, 1) and value != 0:
        return Decimal(str(value))
    raise ValueError(f"{name} must be a share above 0, at most 1")


def _names(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    raise ValueError(f'{name} must be a list of endpoints like ["place_order"]')


def _is_between(value: object, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


_READ: dict[str, Any] = {
    "reject_orders": _rejection,
    "errors": _errors,
    "http_status": _status,
    "http_status_after": _status,
    "no_json": _flag,
    "drop_before": _times,
    "drop_after": _times,
    "reset": _flag,
    "frozen": _flag,
    "delay_before": _seconds,
    "delay": _seconds,
    "jitter": _seconds,
    "hide_orders": _seconds,
    "hide_positions": _seconds,
    "partial_fill": _share,
    "clock_skew": _skew,
    "only": _names,
}
