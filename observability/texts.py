"""Numbers and placeholders in texts: as Prometheus' templates write them, and as we foresee it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from config.spec.model import Level, Measure, Unit

PLACEHOLDERS = ("value", "bound", "for")
_WIDE = (-1234567.8, 0.00012345, 99.99999, 86399.9, 9999999.0)
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Format:
    """A unit's way to be written: a template for Prometheus, and the same in Python for a known number."""

    template: str
    write: Callable[[float], str]


def _duration(seconds: float) -> str:
    """Write seconds as humanizeDuration of Prometheus does, from a second up to days."""
    sign, rest = ("-" if seconds < 0 else ""), abs(seconds)
    if rest < 1:
        return f"{seconds:.4g}s" if rest == 0 else f"{seconds * 1000:.4g}ms"
    minutes, second = divmod(int(rest), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{sign}{days}d {hour}h {minute}m {second}s"
    if hours:
        return f"{sign}{hour}h {minute}m {second}s"
    return f"{sign}{minute}m {second}s" if minutes else f"{sign}{rest:.4g}s"


FORMATS: dict[Unit, Format] = {
    "ratio": Format("{{ $value | humanizePercentage }}", lambda value: f"{value * 100:.4g}%"),
    "count": Format('{{ $value | printf "%.4g" }}', lambda value: f"{value:.4g}"),
    "seconds": Format("{{ $value | humanizeDuration }}", _duration),
    "per_second": Format('{{ $value | printf "%.4g" }}/s', lambda value: f"{value:.4g}/s"),
    "bytes": Format('{{ $value | printf "%.0f" }} bytes', lambda value: f"{value:.0f} bytes"),
    "usdt": Format('{{ $value | printf "%.2f" }} USDT', lambda value: f"{value:.2f} USDT"),
}


def placeholders(text: str) -> list[str]:
    """Return what stands in braces, in order."""
    return _PLACEHOLDER.findall(text)


def template(text: str, measure: Measure, level: Level) -> str:
    """Return the text as a Prometheus template, with the bound already in it."""
    return _fill(text, measure, level, FORMATS[measure.unit].template)


def foreseen(text: str, measure: Measure, level: Level, value: Decimal) -> str:
    """Return the text as Prometheus will write it when the measure has this value."""
    return _fill(text, measure, level, FORMATS[measure.unit].write(float(value)))


def widest(text: str, measure: Measure, level: Level) -> str:
    """Return the text with the widest value that the unit's format writes."""
    write = FORMATS[measure.unit].write
    return _fill(text, measure, level, max((write(value) for value in _WIDE), key=len))


def _fill(text: str, measure: Measure, level: Level, value: str) -> str:
    bound = FORMATS[measure.unit].write(float(level.bound))
    filled = {"value": value, "bound": bound, "for": str(level.for_)}
    return _PLACEHOLDER.sub(lambda match: filled[match[1]], text)
