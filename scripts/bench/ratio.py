"""A ratio of two series of times that were taken turn by turn."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Seconds of a thing and of its floor, taken in turn."""

    what: str
    floor_is: str
    seconds: Sequence[float]
    floor: Sequence[float]

    @property
    def p50(self) -> float:
        return statistics.median(self.seconds) / statistics.median(self.floor)

    @property
    def p99(self) -> float:
        return _percentile(self.seconds, 99) / _percentile(self.floor, 99)

    def lines(self) -> list[str]:
        it, floor = _shown(self.seconds), _shown(self.floor)
        return [
            f"{self.what}: p50 {self.p50:.2f} × floor, p99 {self.p99:.2f} × floor, n={len(self.seconds)}",
            f"    it     {it}",
            f"    floor  {floor}  ({self.floor_is})",
        ]


def _percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


def _shown(seconds: Sequence[float]) -> str:
    return f"p50 {statistics.median(seconds) * 1000:.2f} ms  p99 {_percentile(seconds, 99) * 1000:.2f} ms"
