"""States over time: one block for each stretch of a value, and gaps where nothing is known."""

import math
import re
from xml.etree import ElementTree

import pytest

from scripts.sink.chart import Line
from scripts.sink.states import draw_states, stretches
from scripts.sink.window import Window

HOUR = Window(name="1h", begin=0, end=3600, step=15)


@pytest.mark.parametrize(
    ("values", "held"),
    [
        ([], []),
        ([1], [(0, 15, 1)]),
        ([1, 1, 0], [(0, 30, 1), (30, 45, 0)]),
        ([1, None, 1], [(0, 15, 1), (30, 45, 1)]),
        ([1, math.nan, 1], [(0, 15, 1), (30, 45, 1)]),
        ([0, 1, 0], [(0, 15, 0), (15, 30, 1), (30, 45, 0)]),
    ],
)
def test_a_value_holds_until_the_next_or_for_one_step(
    values: list[float | None], held: list[tuple[float, float, float]]
) -> None:
    samples = [(15.0 * index, value) for index, value in enumerate(values) if value is not None]
    assert list(stretches(samples, 15)) == held


def test_blocks_have_the_word_and_tone_of_their_value_and_the_word_only_where_it_fits() -> None:
    samples = tuple((float(at), 0.0 if at == 1800 else 1.0) for at in range(0, 3601, 15))
    svg = draw_states(
        [Line(name="<bot>", samples=samples)],
        title="t",
        word=lambda value: "up & well" if value else "down",
        tone=lambda value: "green" if value else "red",
        window=HOUR,
        width=700,
        class_="",
    )
    ElementTree.fromstring(svg)
    assert re.findall(r"state tone-(\w+)", svg) == ["green", "red", "green"]
    assert svg.count("<title>up &amp; well</title>") == svg.count(">up &amp; well</text>") == 2
    assert (svg.count("<title>down</title>"), svg.count(">down</text>")) == (1, 0)
    assert "&lt;bot&gt;" in svg
    rights = [float(x) + float(w) for x, w in re.findall(r'x="([\d.]+)" y="16" width="([\d.]+)"', svg)]
    assert max(rights) <= 690.1
