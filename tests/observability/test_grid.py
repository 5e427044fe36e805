"""Places of panels: as few lines as they fit in, evenly filled, and the whole width used."""

import pytest

from config.spec.model import Panel, PanelKind
from observability.render.grid import places
from tests.bundle_of import load_shop

SHORT: dict[str, PanelKind] = {"n": "stat", "l": "timeseries", "t": "table", "s": "state", "g": "gauge"}


def panels(kinds: str) -> list[Panel]:
    _, panel = load_shop().panels["web/errors"]
    return [
        Panel(where=panel.where, id="a", title="a", description="a", kind=SHORT[letter], unit="ratio")
        for letter in kinds
    ]


@pytest.mark.parametrize(
    ("kinds", "widths"),
    [
        ("l", [[24]]),
        ("ll", [[12, 12]]),
        ("lll", [[8, 8, 8]]),
        ("llll", [[12, 12], [12, 12]]),
        ("lllll", [[12, 12], [8, 8, 8]]),
        ("llllll", [[8, 8, 8], [8, 8, 8]]),
        ("lllllll", [[12, 12], [8, 8, 8], [12, 12]]),
        ("nnnn", [[6, 6, 6, 6]]),
        ("nnnnnn", [[4] * 6]),
        ("nnnnnnn", [[8, 8, 8], [6, 6, 6, 6]]),
        ("nl", [[4, 20]]),
        ("nnll", [[4, 4, 8, 8]]),
        ("ggg", [[8, 8, 8]]),
        ("gl", [[6, 18]]),
        ("st", [[12, 12]]),
    ],
)
def test_a_row_is_shared_out(kinds: str, widths: list[list[int]]) -> None:
    found = places(panels(kinds), 3)
    lines = [[place["w"] for place in found if place["y"] == top] for top in sorted({p["y"] for p in found})]
    assert lines == widths


@pytest.mark.parametrize("count", range(1, 14))
@pytest.mark.parametrize("kinds", ["l", "nl", "lnn", "gsl", "tnnn", "nnnnnl"])
def test_lines_are_full_and_nothing_overlaps(kinds: str, count: int) -> None:
    row = panels((kinds * count)[:count])
    found = places(row, 5)
    assert len(found) == count
    tops = sorted({place["y"] for place in found})
    for top, below in zip(tops, [*tops[1:], None], strict=True):
        line = [place for place in found if place["y"] == top]
        assert [place["x"] for place in line] == [sum(p["w"] for p in line[:i]) for i in range(len(line))]
        assert sum(place["w"] for place in line) == 24
        assert below is None or {top + place["h"] for place in line} == {below}
    assert tops[0] == 5


def test_numbers_are_lower_than_pictures_unless_one_stands_beside_them() -> None:
    numbers, mixed = places(panels("nn"), 0), places(panels("nl"), 0)
    assert numbers[0]["h"] < mixed[0]["h"]
    assert mixed[0]["h"] == mixed[1]["h"]
