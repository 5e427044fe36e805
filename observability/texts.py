"""Numbers and placeholders in texts: as Prometheus' templates write them, and as we foresee it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from config.spec.duration import Duration
from config.spec.model import Alert, Level, Measure, Unit

NO_LABELS: Mapping[str, str] = MappingProxyType({})
_LABEL_LENGTH = 20
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


def known_placeholders(alert: Alert, measure: Measure) -> list[str]:
    """Return what the texts of an alert may hold: an absent measure has neither value, bound nor labels."""
    levels = alert.levels.values()
    value = [] if any(level.present is False for level in levels) else ["value", *measure.by]
    return [*value, *(["bound"] if all(level.present is None for level in levels) else []), "for"]


def level_texts(alert: Alert, fill: Callable[[str], str], level: Level) -> dict[str, str]:
    """Return the texts of a level, each filled in; what is absent has no value to show."""
    texts = {"summary": fill(alert.summary), "description": fill(alert.description)}
    return texts if level.present is False else {**texts, "value": fill("{value}")}


def template(text: str, measure: Measure, level: Level) -> str:
    """Return the text as a Prometheus template, with the bound already in it."""
    labels = {label: f"{{{{ $labels.{label} }}}}" for label in measure.by}
    return _fill(text, measure, level, FORMATS[measure.unit].template, labels)


def foreseen(
    text: str, measure: Measure, level: Level, value: Decimal, labels: Mapping[str, str] = NO_LABELS
) -> str:
    """Return the text as Prometheus will write it when the measure has this value on these labels."""
    return _fill(text, measure, level, FORMATS[measure.unit].write(float(value)), labels)


def widest(text: str, measure: Measure, level: Level) -> str:
    """Return the text with the widest value that the unit's format writes, and labels of some length."""
    write = FORMATS[measure.unit].write
    labels = dict.fromkeys(measure.by, "x" * _LABEL_LENGTH)
    return _fill(text, measure, level, max((write(value) for value in _WIDE), key=len), labels)


def absent_texts(measure: Measure, absent_for: Duration) -> dict[str, str]:
    """Return what is said when the measure of an alert is absent; it has neither a value nor labels."""
    return {
        "summary": f"No data for {absent_for}: {measure.name}",
        "description": (
            f"Nothing has been measured for {absent_for}, so nobody would hear of trouble. "
            f"What is missing: {measure.description}."
        ),
    }


def _fill(text: str, measure: Measure, level: Level, value: str, labels: Mapping[str, str]) -> str:
    filled = {**labels, "value": value, "for": str(level.for_)}
    if level.has_bound:
        filled["bound"] = FORMATS[measure.unit].write(float(level.bound))
    return _PLACEHOLDER.sub(lambda match: filled.get(match[1], match[0]), text)
