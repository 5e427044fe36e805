"""Words numbers as Grafana's units do, and chooses round ticks for an axis."""

import math
from dataclasses import dataclass

_SECONDS = (
    (1e-9, " ns"),
    (1e-6, " µs"),
    (1e-3, " ms"),
    (1.0, " s"),
    (60.0, " min"),
    (3600.0, " h"),
    (86400.0, " d"),
)
_BINARY = tuple((1024.0**power, f" {name}B") for power, name in enumerate(("", "Ki", "Mi", "Gi", "Ti", "Pi")))
_LARGEST_PLAIN = 1e15  # from here on digits are noise, and an exponent is shorter


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """`scales`: size and ending, smallest first. `decimals`: kept at size 1, as cents are."""

    scales: tuple[tuple[float, str], ...]
    prefix: str = ""
    decimals: int | None = None

    def scale(self, magnitude: float) -> tuple[float, str]:
        if magnitude == 0:
            return min(self.scales, key=lambda scale: abs(math.log(scale[0])))
        return next((scale for scale in reversed(self.scales) if scale[0] <= magnitude), self.scales[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    at: float
    label: str


_UNITS = {
    "": Unit(scales=((1.0, ""),)),
    "none": Unit(scales=((1.0, ""),)),
    "short": Unit(scales=((1.0, ""), (1e3, " K"), (1e6, " Mil"), (1e9, " Bil"), (1e12, " Tri"))),
    "percent": Unit(scales=((1.0, "%"),)),
    "percentunit": Unit(scales=((0.01, "%"),)),
    "s": Unit(scales=_SECONDS),
    "ms": Unit(scales=tuple((1e3 * size, name) for size, name in _SECONDS)),
    "ops": Unit(scales=((1.0, " ops/s"), (1e3, "K ops/s"), (1e6, "M ops/s"))),
    "reqps": Unit(scales=((1.0, " req/s"), (1e3, "K req/s"), (1e6, "M req/s"))),
    "bytes": Unit(scales=_BINARY),
    "currencyUSD": Unit(
        scales=((1.0, ""), (1e6, " Mil"), (1e9, " Bil"), (1e12, " Tri")), prefix="$", decimals=2
    ),
}


def unit_named(name: str) -> Unit:
    """A unit that is not known here stands behind the number, as Grafana does it."""
    return _UNITS.get(name) or Unit(scales=((1.0, f" {name}"),))


def worded(value: float, unit: Unit) -> str:
    """With three digits that say something; `no value` for NaN."""
    if math.isnan(value):
        return "no value"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    size, ending = unit.scale(abs(value))
    number = value / size
    if unit.decimals is not None and size == 1:
        return _joined(unit, number, unit.decimals, ending)
    digits = 2 - math.floor(math.log10(abs(number))) if number else 0
    decimals = min(max(digits, 0), 9)
    # 0.100 says no more than 0.1
    while decimals and math.isclose(round(number, decimals), round(number, decimals - 1), rel_tol=1e-12):
        decimals -= 1
    return _joined(unit, number, decimals, ending)


def ticks(low: float, high: float, unit: Unit, count: int = 5) -> tuple[Tick, ...]:
    """Round values, all in one scale, from at or below `low` to at or above `high` (`low` < `high`)."""
    size, ending = unit.scale(max(abs(low), abs(high)))
    step, decimals = _round_step((high / size - low / size) / count)
    first, last = math.floor(low / size / step + 1e-9), math.ceil(high / size / step - 1e-9)
    # As many digits as it takes to tell neighbours apart where numbers are written with an exponent.
    digits = max(3, 1 + math.ceil(math.log10(max(abs(first), abs(last)))))
    numbers = [index * step for index in range(first, last + 1)]
    return tuple(
        Tick(at=number * size, label=_joined(unit, number, decimals, ending, digits)) for number in numbers
    )


def _round_step(wanted: float) -> tuple[float, int]:
    """The next 1, 2 or 5 times a power of ten, and the decimals that it takes to write it."""
    power = math.floor(math.log10(wanted))
    for lead in (1, 2, 5):
        if lead * 10.0**power >= wanted * (1 - 1e-9):
            return lead * 10.0**power, max(0, -power)
    return 10.0 ** (power + 1), max(0, -power - 1)


def _joined(unit: Unit, number: float, decimals: int, ending: str, digits: int = 3) -> str:
    is_plain = abs(number) < _LARGEST_PLAIN and (number == 0 or abs(number) >= 1e-6)
    text = f"{abs(number):,.{decimals}f}" if is_plain else f"{abs(number):.{digits}g}"
    return f"{'-' if number < 0 else ''}{unit.prefix}{text}{ending}"
