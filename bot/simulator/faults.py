"""What is made to go wrong, set over the control port; each fault is kept as it was sent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Any

LONGEST_DELAY = 300
DAY = 86_400
MOST_TIMES = 10**6
PLACE = "place_order"
ALWAYS = -1


def _is_number(value: Any, least: float, most: float) -> bool:
    return type(value) in (int, float) and least <= value <= most


def _is_count(value: Any, least: int = 0) -> bool:
    return type(value) is int and least <= value <= MOST_TIMES


def _is_refusal(value: Any) -> bool:
    if not isinstance(value, dict) or value.keys() != {"code", "msg"}:
        return False
    return _is_count(value["code"], 1) and isinstance(value["msg"], str)


def _is_refusals(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(told, dict)
        and (told.get("times", ALWAYS) == ALWAYS or _is_count(told["times"], 1))
        and _is_refusal({name: each for name, each in told.items() if name != "times"})
        for told in value.values()
    )


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


# What each fault may be, in words and as a test.
_REFUSAL = 'like {"code": 101204, "msg": "Insufficient margin"}', _is_refusal
_REFUSALS = 'like {"cancel_order": {"code": 109500, "msg": "busy", "times": 2}}', _is_refusals
_STATUS = "a status from 400 to 599", lambda value: _is_count(value) and (not value or 400 <= value < 600)
_FLAG = "true or false", lambda value: isinstance(value, bool)
_DROPS = "true, false or the number of calls", lambda value: isinstance(value, bool) or _is_count(value)
_SECONDS = f"seconds from 0 to {LONGEST_DELAY}", lambda value: _is_number(value, 0, LONGEST_DELAY)
_SKEW = f"seconds from {-DAY} to {DAY}", lambda value: _is_number(value, -DAY, DAY)
_SHARE = "a share above 0, at most 1", lambda value: _is_number(value, 0, 1) and value > 0
_NAMES = 'a list of endpoints like ["place_order"]', _is_names


def _fault(kind: tuple[str, Callable[[Any], bool]], default: Any = 0) -> Any:
    return field(default=default, metadata={"what": kind[0], "right": kind[1]})


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """The drops count down when they were given as a number; True lasts until cleared."""

    # Every order is refused with this code and text; calls of an endpoint are, for so many times.
    reject_orders: Mapping[str, Any] | None = _fault(_REFUSAL, None)
    errors: Mapping[str, Mapping[str, Any]] | None = _fault(_REFUSALS, None)
    # The answer is this status and a page of HTML, and nothing is done, or it is done.
    http_status: int = _fault(_STATUS)
    http_status_after: int = _fault(_STATUS)
    # It is done, and the answer is a page with status 200.
    no_json: bool = _fault(_FLAG, False)
    # The connection closes, or is reset, before it is done, or after that and without an answer.
    drop_before: bool | int = _fault(_DROPS, False)
    drop_after: bool | int = _fault(_DROPS, False)
    reset: bool = _fault(_FLAG, False)
    # Nothing is done and nothing answered until this is cleared.
    frozen: bool = _fault(_FLAG, False)
    # Seconds before it is done, up to so many more, and between doing and answering.
    delay_before: float = _fault(_SECONDS)
    jitter: float = _fault(_SECONDS)
    delay: float = _fault(_SECONDS)
    # Seconds for which new orders, and positions or their changes, are not shown.
    hide_orders: float = _fault(_SECONDS)
    hide_positions: float = _fault(_SECONDS)
    # How much of an order trades at each step of the price.
    partial_fill: float = _fault(_SHARE, 1)
    # Seconds that the exchange's clock is ahead.
    clock_skew: float = _fault(_SKEW)
    # Endpoints; none: orders for the drops, every call for the others.
    only: Sequence[str] = _fault(_NAMES, ())

    @property
    def share(self) -> Decimal:
        return Decimal(str(self.partial_fill))

    def hits(self, endpoint: str) -> bool:
        return not self.only or endpoint in self.only

    def drops(self, name: str, endpoint: str) -> bool:
        return bool(getattr(self, name)) and endpoint in (self.only or (PLACE,))

    def dropped(self, name: str) -> "Faults":
        left = getattr(self, name)
        return self if left is True else replace(self, **{name: left - 1})

    def refused(self, endpoint: str) -> "Faults":
        errors = dict(self.errors or {})
        told = errors.pop(endpoint)
        if (left := told.get("times", ALWAYS)) != 1:
            errors[endpoint] = told if left == ALWAYS else {**told, "times": left - 1}
        return replace(self, errors=errors or None)


_FIELDS = {each.name: each for each in fields(Faults)}


def parse(before: Faults, told: object) -> Faults:
    """The faults with the given keys replaced; ValueError says what is wrong with them."""
    if not isinstance(told, dict) or not told:
        raise ValueError(f"send an object with one or more of {', '.join(sorted(_FIELDS))}")
    if unknown := told.keys() - _FIELDS.keys():
        raise ValueError(f"unknown fault {sorted(unknown)[0]!r}; known are {', '.join(sorted(_FIELDS))}")
    for name, value in told.items():
        if not _FIELDS[name].metadata["right"](value):
            raise ValueError(f"{name} must be {_FIELDS[name].metadata['what']}")
    return replace(before, **told)


def shown(faults: Faults) -> dict[str, Any]:
    return {name: value for name in _FIELDS if (value := getattr(faults, name)) != _FIELDS[name].default}
