"""The geometry: gaps, scaling, ticks of time, and names that try to be markup."""

import math
import re
from xml.etree import ElementTree

import pytest

from scripts.sink.chart import COLOURS, Line, Plot, Size, domain, draw, segments, time_ticks
from scripts.sink.markup import Markup
from scripts.sink.panel import Threshold
from scripts.sink.units import unit_named
from scripts.sink.window import RANGES, Window

NAN, INF = math.nan, math.inf
NOON = 1772366400.0
HOUR = Window(name="1h", begin=NOON - 3600, end=NOON, step=15)
EVIL = '</title></svg><script>alert(1)</script>" onload="x\' &amp;'
SVG = "{http://www.w3.org/2000/svg}"


def drawn(
    *lines: Line, thresholds: tuple[Threshold, ...] = (), unit: str = "short", title: str = "t"
) -> Markup:
    return draw(
        lines,
        thresholds,
        title=title,
        unit=unit_named(unit),
        bounds=(),
        window=HOUR,
        size=Size(width=400, height=200),
        class_="",
    )


def line(*values: float, name: str = "a") -> Line:
    begin = NOON - 15 * (len(values) - 1)
    return Line(name=name, samples=tuple((begin + 15 * index, value) for index, value in enumerate(values)))


def places(svg: str) -> list[tuple[float, float]]:
    """Each point of the drawn series."""
    series = "".join(re.findall(r'<g class="series.*?</g>', svg))
    pairs = re.findall(r"[ML](-?[\d.]+),(-?[\d.]+)|cx=\"(-?[\d.]+)\" cy=\"(-?[\d.]+)\"", series)
    return [(float(a or c), float(b or d)) for a, b, c, d in pairs]


@pytest.mark.parametrize(
    ("samples", "runs"),
    [
        ([], []),
        ([(0, 1)], [[0]]),
        ([(0, 1), (15, 2), (30, 3)], [[0, 15, 30]]),
        ([(0, 1), (15, 2), (45, 3)], [[0, 15], [45]]),
        ([(0, 1), (15, NAN), (30, 3)], [[0], [30]]),
        ([(0, INF), (15, 2), (30, -INF)], [[15]]),
        ([(0, NAN), (15, NAN)], []),
    ],
)
def test_a_gap_ends_a_run(samples: list[tuple[float, float]], runs: list[list[float]]) -> None:
    assert [[time for time, _ in run] for run in segments(samples, 15)] == runs


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0], (0, 1)),
        ([5, 5], (0, 5)),
        ([-5], (-5, 0)),
        ([2, 8], (0, 8)),
        ([100, 110], (100, 110)),
        ([-8, -2], (-8, 0)),
        ([-110, -100], (-110, -100)),
        ([-1, 1], (-1, 1)),
        ([NAN, 3, INF], (0, 3)),
        ([1e308, -1e308], (-1e300, 1e300)),
        ([1e17, 1e17 + 16], (0, 1e17 + 16)),
    ],
)
def test_the_axis_has_room_and_a_base(values: list[float], expected: tuple[float, float]) -> None:
    assert domain(values) == expected


def test_times_and_values_become_places() -> None:
    plot = Plot(left=50, right=150, top=10, bottom=110, begin=0, end=10, low=-5, high=5)
    assert [plot.x(0), plot.x(5), plot.x(10)] == [50, 100, 150]
    assert [plot.y(-5), plot.y(0), plot.y(5)] == [110, 60, 10]


@pytest.mark.parametrize(
    "values",
    [(1,), (3, 3, 3), (0, 0), (1e308, -1e308), (-7e12, 2), (1e-12, 2e-12), (NAN, 4, INF), (1e17, 1e17)],
)
@pytest.mark.parametrize("unit", ["short", "percentunit", "s", "bytes", "currencyUSD"])
def test_every_point_is_inside_the_picture(values: tuple[float, ...], unit: str) -> None:
    svg = drawn(line(*values), unit=unit)
    points = places(svg)
    assert len(points) == sum(map(math.isfinite, values))
    assert all(0 <= x <= 400 and 0 <= y <= 200 for x, y in points)
    assert "nan" not in svg
    assert "inf" not in svg


def test_a_single_sample_is_a_dot_and_a_gap_breaks_the_path() -> None:
    assert drawn(line(1)).count("<circle") == 1
    svg = drawn(line(1, 2, NAN, 3, 4, NAN, 5))
    assert svg.count("<circle") == 1
    [path] = re.findall(r'<g class="series s0"><title>a</title><path d="([^"]+)"', svg)
    assert path.count("M") == 2


def test_hostile_text_stays_text() -> None:
    svg = drawn(line(1, 2, name=EVIL), title=EVIL)
    root = ElementTree.fromstring(svg)
    assert root.get("aria-label") == EVIL
    assert [title.text for title in root.iter("title")] == [EVIL]
    assert not list(root.iter("script"))
    assert not any(name.startswith("on") for part in root.iter() for name in part.attrib)


def test_thresholds_are_in_sight_in_their_tone() -> None:
    steps = (Threshold(start=-INF, tone="green"), Threshold(start=0.1, tone="red"))
    svg = drawn(line(0.01, 0.02), thresholds=steps, unit="percentunit")
    assert svg.count('class="threshold ') == 1
    [height] = re.findall(r'<g class="threshold tone-red"><path d="M[\d.]+,([\d.]+) H', svg)
    assert 14 <= float(height) <= 174
    assert ">10%</text></g>" in svg


def test_more_series_than_colours_are_dashed() -> None:
    svg = drawn(*(line(1, 2, name=str(number)) for number in range(COLOURS + 2)))
    assert 'class="series s1"' in svg
    assert 'class="series s1 again"' in svg


def test_times_are_round_and_in_utc() -> None:
    labels = [tick.label for tick in time_ticks(HOUR, 5)]
    assert labels == ["11:00", "11:15", "11:30", "11:45", "12:00"]


def test_midnight_shows_its_date() -> None:
    day = Window(name="24h", begin=NOON - 86400, end=NOON, step=300)
    assert "1 Mar" in [tick.label for tick in time_ticks(day, 9)]


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("count", [3, 4, 8, 12])
def test_times_stay_few(name: str, count: int) -> None:
    seconds, step = RANGES[name]
    made = time_ticks(Window(name=name, begin=NOON - seconds - 7.5, end=NOON - 7.5, step=step), count)
    assert 1 < len(made) <= count + 1
