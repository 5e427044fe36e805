"""Durations as Prometheus writes them (30s, 5m, 1h30m), kept as whole milliseconds."""

import re
from dataclasses import dataclass

# Prometheus' own syntax: units in falling order, each at most once.
PATTERN = r"^(?=\d)(?:\d+y)?(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?(?:\d+ms)?\Z"
_UNITS = {
    "y": 31_536_000_000,
    "w": 604_800_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1000,
    "ms": 1,
}
_PARTS = re.compile(r"(\d+)(ms|[ywdhms])")
_LONGEST_YEARS = 100
_MOST_DIGITS = 15  # as milliseconds beyond any length that is allowed


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A length of time in whole milliseconds, the finest that Prometheus knows."""

    milliseconds: int

    @classmethod
    def parse(cls, text: str) -> "Duration":
        """Read `1h30m`; raise ValueError for anything that Prometheus would not read, or that is absurd."""
        shown = repr(text if len(text) <= 40 else text[:39] + "…")
        if not re.match(PATTERN, text, re.ASCII):
            raise ValueError(f"{shown} is not a duration such as 30s, 5m or 1h30m")
        parts = [(number.lstrip("0") or "0", unit) for number, unit in _PARTS.findall(text)]
        # Python refuses to read thousands of digits, so they are counted first.
        if all(len(number) <= _MOST_DIGITS for number, _ in parts):
            length = sum(int(number) * _UNITS[unit] for number, unit in parts)
            if length <= _LONGEST_YEARS * _UNITS["y"]:
                return cls(length)
        raise ValueError(f"{shown} is longer than {_LONGEST_YEARS} years")

    @property
    def seconds(self) -> float:
        return self.milliseconds / 1000

    def scaled(self, factor: float) -> "Duration":
        """Return the duration divided by `factor`, never less than one millisecond unless it was zero."""
        return Duration(max(round(self.milliseconds / factor), 1)) if self.milliseconds else self

    def __str__(self) -> str:
        rest, parts = self.milliseconds, []
        for unit in ("d", "h", "m", "s", "ms"):
            count, rest = divmod(rest, _UNITS[unit])
            if count:
                parts.append(f"{count}{unit}")
        return "".join(parts) or "0s"
