"""Draws lines over time as SVG: pure geometry, from samples to markup."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

from scripts.sink.markup import Markup, element, joined
from scripts.sink.panel import Threshold
from scripts.sink.units import Tick, Unit, ticks, worded
from scripts.sink.window import Window

COLOURS = 10  # beyond these the same colours come again, dashed
_LETTER = 6.8  # width of a letter of the axis, at most
_LARGEST = 1e300  # sums of two such numbers are still numbers
_MINUTES = (1, 2, 3, 5, 10, 15, 20, 30, 60, 120, 180, 240, 360, 720)

Sample = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    name: str
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """The area within the axes, and how times and values become places in it."""

    left: float
    right: float
    top: float
    bottom: float
    begin: float
    end: float
    low: float
    high: float

    def x(self, time: float) -> float:
        return self.left + (time - self.begin) / (self.end - self.begin) * (self.right - self.left)

    def y(self, value: float) -> float:
        share = (_clamped(value) - self.low) / (self.high - self.low)
        return self.bottom - share * (self.bottom - self.top)


def draw(
    lines: Sequence[Line],
    thresholds: Sequence[Threshold],
    *,
    title: str,
    unit: Unit,
    bounds: Iterable[float],
    window: Window,
    size: Size,
    class_: str,
) -> Markup:
    """A chart of at least one line with at least one finite value."""
    marks = [step for step in thresholds if math.isfinite(step.start)]
    values = (value for line in lines for _, value in line.samples)
    low, high = domain(chain(values, bounds, (step.start for step in marks)))
    rungs = ticks(low, high, unit, max(3, size.height // 50))
    plot = Plot(
        left=14 + _LETTER * max(len("UTC."), *(len(rung.label) for rung in rungs)),
        right=size.width - 10,
        top=14,
        bottom=size.height - 26,
        begin=window.begin,
        end=window.end,
        low=rungs[0].at,
        high=rungs[-1].at,
    )
    return framed(
        size,
        *_value_axis(plot, rungs),
        *time_axis(plot, window, size),
        *(_drawn(plot, line, index, window.step) for index, line in enumerate(lines)),
        *_marks(plot, marks, unit),
        title=title,
        class_=class_,
    )


def framed(size: Size, *parts: Markup, title: str, class_: str) -> Markup:
    """Put what is drawn into a picture of this size; who cannot see it hears the title."""
    return element(
        "svg",
        *parts,
        viewBox=f"0 0 {size.width} {size.height}",
        role="img",
        aria_label=title,
        class_=f"chart {class_}",
    )


def domain(values: Iterable[float]) -> tuple[float, float]:
    """From low to high, with room: 0 belongs to it unless that would flatten what is to be seen."""
    finite = [_clamped(value) for value in values if math.isfinite(value)]
    low, high = min(finite), max(finite)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        return (low, 0.0) if low < 0 else (0.0, high or 1.0)
    if 0 < low <= high / 2:
        return 0.0, high
    return (low, 0.0) if low / 2 <= high < 0 else (low, high)


def segments(samples: Iterable[Sample], step: float) -> Iterator[list[Sample]]:
    """Runs without a gap: a missing, infinite or undefined sample ends one."""
    run = list[Sample]()
    for time, value in samples:
        if run and (not math.isfinite(value) or time - run[-1][0] > 1.5 * step):
            yield run
            run = []
        if math.isfinite(value):
            run.append((time, value))
    if run:
        yield run


def time_ticks(window: Window, count: int) -> tuple[Tick, ...]:
    """Round times of day in UTC; midnight shows the date."""
    minutes = (window.end - window.begin) / 60
    step = 60 * next(step for step in (*_MINUTES, math.ceil(minutes)) if minutes / step <= count)
    first = math.ceil(window.begin / step)
    times = [index * step for index in range(first, math.floor(window.end / step) + 1)]
    return tuple(Tick(at=time, label=_clock(datetime.fromtimestamp(time, UTC))) for time in times)


def swatch(index: int) -> Markup:
    line = element("path", d="M1,6 H21", class_=_series_class(index))
    return element("svg", line, viewBox="0 0 22 12", class_="swatch", aria_hidden="true")


def draw_bar(value: float, bounds: tuple[float, ...], tone: str) -> Markup:
    """A bar from the lower to the upper of two bounds, filled as far as the value goes."""
    low, high = bounds
    share = min(max((value - low) / (high - low), 0.0), 1.0) if math.isfinite(value) and high > low else 0.0
    empty = element("rect", width="200", height="12", class_="unfilled")
    full = element("rect", width=f"{200 * share:.1f}", height="12")
    return element("svg", empty, full, viewBox="0 0 200 12", class_=f"bar tone-{tone}", aria_hidden="true")


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M}" if moment.hour or moment.minute else f"{moment.day} {moment:%b}"


def _value_axis(plot: Plot, rungs: Iterable[Tick]) -> Iterator[Markup]:
    for rung in rungs:
        y = f"{plot.y(rung.at):.1f}"
        yield element("path", d=f"M{plot.left:.1f},{y} H{plot.right:.1f}", class_="grid")
        yield element("text", rung.label, x=f"{plot.left - 6:.1f}", y=y, dy=".35em", class_="rung")


def time_axis(plot: Plot, window: Window, size: Size) -> Iterator[Markup]:
    below = f"{plot.bottom + 18:.1f}"
    for mark in time_ticks(window, max(3, size.width // 85)):
        x = plot.x(mark.at)
        yield element("path", d=f"M{x:.1f},{plot.bottom:.1f} v4", class_="grid")
        # A label that would stand over the edge of the picture or over the word UTC is left out.
        if plot.left + 14 <= x <= plot.right - 10:
            yield element("text", mark.label, x=f"{x:.1f}", y=below, class_="time")
    yield element("text", "UTC", x=f"{plot.left - 6:.1f}", y=below, class_="rung")


def _marks(plot: Plot, thresholds: Iterable[Threshold], unit: Unit) -> Iterator[Markup]:
    for step in thresholds:
        y = plot.y(step.start)
        line = element("path", d=f"M{plot.left:.1f},{y:.1f} H{plot.right:.1f}")
        label = element("text", worded(step.start, unit), x=f"{plot.left + 4:.1f}", y=f"{y - 4:.1f}")
        yield element("g", line, label, class_=f"threshold tone-{step.tone}")


def _drawn(plot: Plot, line: Line, index: int, step: float) -> Markup:
    """A run of one sample has no length, so it is a dot."""
    runs = [[(plot.x(time), plot.y(value)) for time, value in run] for run in segments(line.samples, step)]
    paths = [" L".join(f"{x:.1f},{y:.1f}" for x, y in run) for run in runs if len(run) > 1]
    dots = [_dot(*run[0]) for run in runs if len(run) == 1]
    path = element("path", d=" ".join(f"M{path}" for path in paths)) if paths else ""
    return element("g", joined(element("title", line.name), path, *dots), class_=_series_class(index))


def _dot(x: float, y: float) -> Markup:
    return element("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="3")


def _series_class(index: int) -> str:
    return f"series s{index % COLOURS}{' again' if index >= COLOURS else ''}"


def _clamped(value: float) -> float:
    return min(max(value, -_LARGEST), _LARGEST)
