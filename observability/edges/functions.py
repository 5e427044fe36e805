"""PromQL's functions over a window, on series with one sample a step; each returns what Prometheus 3 does.

They take a series, the number of steps of the window and the step in seconds. A window holds the samples
after its beginning and up to its end, which is where it is evaluated.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

Line = list[float | None]
Over = Callable[[Line, int, float], Line]


class _Window:
    """The samples of a series by their place, and sums of them up to each, so that a window costs nothing."""

    def __init__(self, line: Line) -> None:
        self.steps = [step for step, value in enumerate(line) if value is not None]
        self.values = [value for value in line if value is not None]
        self.is_whole = len(self.values) == len(line)

    def of(self, end: int, width: int) -> tuple[int, int]:
        """Return the first sample of the window that ends at a step, and the one after its last."""
        if self.is_whole:
            return max(end - width + 1, 0), end + 1
        return bisect_left(self.steps, end - width + 1), bisect_right(self.steps, end)

    def sums(self, amounts: Sequence[float]) -> list[float]:
        return [0.0, *accumulate(amounts)]


def _extrapolated(line: Line, width: int, step: float, *, counter: bool, rate: bool) -> Line:
    """What increase(), rate() and delta() share: the difference, stretched towards the ends of the window."""
    window = _Window(line)
    steps, values = window.steps, window.values
    lost = window.sums(
        [
            before if counter and value < before else 0.0
            for before, value in zip([0.0, *values], values, strict=False)
        ]
    )
    told: Line = []
    for end in range(len(line)):
        first, after = window.of(end, width)
        if after - first < 2:
            told.append(None)
            continue
        result = values[after - 1] - values[first] + lost[after] - lost[first + 1]
        sampled = (steps[after - 1] - steps[first]) * step
        between = sampled / (after - 1 - first)
        to_start, to_end = (steps[first] - end + width) * step, (end - steps[after - 1]) * step
        if to_start >= between * 1.1:
            to_start = between / 2
        if counter and result > 0 and values[first] >= 0:
            to_start = min(to_start, sampled * (values[first] / result))
        if to_end >= between * 1.1:
            to_end = between / 2
        factor = (sampled + to_start + to_end) / sampled
        told.append(result * (factor / (width * step) if rate else factor))
    return told


def _increase(line: Line, width: int, step: float) -> Line:
    return _extrapolated(line, width, step, counter=True, rate=False)


def _rate(line: Line, width: int, step: float) -> Line:
    return _extrapolated(line, width, step, counter=True, rate=True)


def _delta(line: Line, width: int, step: float) -> Line:
    return _extrapolated(line, width, step, counter=False, rate=False)


def _changes(line: Line, width: int, step: float) -> Line:
    window = _Window(line)
    changed = window.sums(
        [float(a != b) for a, b in zip(window.values[:1] + window.values, window.values, strict=False)]
    )
    return _over(line, width, lambda first, after: changed[after] - changed[first + 1])


def _count(line: Line, width: int, step: float) -> Line:
    return _over(line, width, lambda first, after: float(after - first))


def _sum(line: Line, width: int, step: float) -> Line:
    sums = (window := _Window(line)).sums(window.values)
    return _over(line, width, lambda first, after: sums[after] - sums[first])


def _last(line: Line, width: int, step: float) -> Line:
    values = _Window(line).values
    return _over(line, width, lambda _, after: values[after - 1])


def _max(line: Line, width: int, step: float) -> Line:
    values = _Window(line).values
    return _over(line, width, lambda first, after: max(values[first:after]))


def _min(line: Line, width: int, step: float) -> Line:
    values = _Window(line).values
    return _over(line, width, lambda first, after: min(values[first:after]))


def _avg(line: Line, width: int, step: float) -> Line:
    sums = (window := _Window(line)).sums(window.values)
    return _over(line, width, lambda first, after: (sums[after] - sums[first]) / (after - first))


def _over(line: Line, width: int, told: Callable[[int, int], float]) -> Line:
    window = _Window(line)
    ends = (window.of(end, width) for end in range(len(line)))
    return [told(first, after) if first < after else None for first, after in ends]


def predict_linear(line: Line, width: int, step: float, seconds: float) -> Line:
    """Return where the straight line through each window will be in so many seconds."""
    told: Line = []
    for slope, now in _lines(line, width, step):
        told.append(None if slope is None or now is None else slope * seconds + now)
    return told


def _deriv(line: Line, width: int, step: float) -> Line:
    return [slope for slope, _ in _lines(line, width, step)]


def _lines(line: Line, width: int, step: float) -> list[tuple[float | None, float | None]]:
    """Return the slope per second of the line through each window, and its height at the window's end."""
    window = _Window(line)
    steps, values = window.steps, window.values
    # Around the first value, so that large numbers keep their small differences.
    base = values[0] if values else 0.0
    x, y = [float(one) for one in steps], [one - base for one in values]
    sum_x, sum_y = window.sums(x), window.sums(y)
    sum_xx = window.sums([one * one for one in x])
    sum_xy = window.sums([a * b for a, b in zip(x, y, strict=True)])
    alike = [0]  # from which sample on all are alike
    for place in range(1, len(values)):
        alike.append(place if values[place] != values[place - 1] else alike[-1])
    told: list[tuple[float | None, float | None]] = []
    for end in range(len(line)):
        first, after = window.of(end, width)
        count = after - first
        if count < 2:
            told.append((None, None))
        elif alike[after - 1] <= first:
            told.append((0.0, values[first]))
        else:
            sx, sy, sxx, sxy = (one[after] - one[first] for one in (sum_x, sum_y, sum_xx, sum_xy))
            slope = (sxy - sx * sy / count) / (sxx - sx * sx / count)
            told.append((slope / step, base + sy / count + slope * (end - sx / count)))
    return told


OVER: dict[str, Over] = {
    "increase": _increase,
    "rate": _rate,
    "delta": _delta,
    "deriv": _deriv,
    "changes": _changes,
    "count_over_time": _count,
    "sum_over_time": _sum,
    "last_over_time": _last,
    "max_over_time": _max,
    "min_over_time": _min,
    "avg_over_time": _avg,
}


def quantile_of(q: float, buckets: Sequence[tuple[float, float]]) -> float:
    """Return histogram_quantile() of buckets, each its upper bound and how much is under it."""
    buckets = sorted(buckets)
    if len(buckets) < 2 or buckets[-1][0] != float("inf") or not buckets[-1][1]:
        return float("nan")
    counts = list(accumulate((count for _, count in buckets), max))
    rank = q * counts[-1]
    place = next(n for n, count in enumerate(counts) if count >= rank or n == len(counts) - 1)
    if place == len(buckets) - 1:
        return buckets[-2][0]
    end = buckets[place][0]
    if place == 0:
        return end if end <= 0 else end * (rank / counts[0])
    start = buckets[place - 1][0]
    return start + (end - start) * ((rank - counts[place - 1]) / (counts[place] - counts[place - 1]))
