"""Draws states over time as SVG: a band for each series, in which each stretch of one value is a block."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from scripts.sink.chart import Line, Plot, Sample, Size, framed, segments, time_axis
from scripts.sink.markup import Markup, element
from scripts.sink.window import Window

_NAME, _BLOCK, _GAP = 16, 22, 10
_MARGIN = 34  # for the word UTC
_LETTER = 7.5  # width of a letter in a block, at most


def draw_states(
    lines: Sequence[Line],
    *,
    title: str,
    word: Callable[[float], str],
    tone: Callable[[float], str],
    window: Window,
    width: int,
    class_: str,
) -> Markup:
    """A chart of at least one line; `word` and `tone` tell what a value means."""
    band = _NAME + _BLOCK + _GAP
    size = Size(width=width, height=band * len(lines) + 26)
    plot = Plot(
        left=_MARGIN,
        right=size.width - 10,
        top=0,
        bottom=size.height - 26,
        begin=window.begin,
        end=window.end,
        low=0,
        high=1,
    )
    drawn = (
        element(
            "g",
            element("text", line.name, x=f"{plot.left}", y=f"{band * index + 12}", class_="time-start"),
            *_blocks(plot, line, band * index + _NAME, window.step, word, tone),
        )
        for index, line in enumerate(lines)
    )
    return framed(size, *time_axis(plot, window, size), *drawn, title=title, class_=class_)


def stretches(samples: Sequence[Sample], step: float) -> Iterator[tuple[float, float, float]]:
    """Yield begin, end and value of each stretch; a value holds until the next sample or for one step."""
    for run in segments(samples, step):
        ends = [time for time, _ in run[1:]] + [run[-1][0] + step]
        held = zip(run, ends, strict=True)
        for value, same in groupby(held, key=lambda one: one[0][1]):
            stretch = list(same)
            yield stretch[0][0][0], stretch[-1][1], value


def _blocks(
    plot: Plot,
    line: Line,
    top: int,
    step: float,
    word: Callable[[float], str],
    tone: Callable[[float], str],
) -> Iterator[Markup]:
    for begin, end, value in stretches(line.samples, step):
        left, right = plot.x(begin), min(plot.x(end), plot.right)
        text = word(value)
        fits = _LETTER * len(text) < right - left
        yield element(
            "g",
            element(
                "rect",
                element("title", text),
                x=f"{left:.1f}",
                y=f"{top}",
                width=f"{max(right - left, 1):.1f}",
                height=f"{_BLOCK}",
            ),
            element("text", text, x=f"{left + 4:.1f}", y=f"{top + 15}") if fits else "",
            class_=f"state tone-{tone(value)}",
        )
