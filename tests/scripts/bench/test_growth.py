"""What is said of growth, and that a bundle with problems is not measured."""

from pathlib import Path

import pytest

from scripts.bench.growth import Point, line, measure, point
from scripts.bench.made_up import lay_out


def test_each_size_is_a_point_in_the_order_that_was_asked_for() -> None:
    points = list(measure([3, 1]))
    assert [one.alerts for one in points] == [3, 1]
    assert all(one.check > 0 and one.write > 0 for one in points)


def test_the_first_row_has_nothing_to_be_compared_with() -> None:
    first = Point(alerts=1000, check=2.0, write=0.5)
    assert line(first, None) == "  1,000 alerts  check    2.00 s,   2.00 ms an alert   and to write   0.50 s"


@pytest.mark.parametrize(("check", "ratio"), [(20.0, "1.00"), (60.0, "3.00"), (10.0, "0.50")])
def test_a_later_row_tells_how_much_dearer_an_alert_is(check: float, ratio: str) -> None:
    before = Point(alerts=1000, check=2.0, write=0.5)
    after = Point(alerts=10_000, check=check, write=5.0)
    assert line(after, before).endswith(f"   × {ratio} an alert")


def test_a_bundle_with_problems_is_not_measured(tmp_path: Path) -> None:
    config = lay_out(tmp_path, 1)
    (config / "alerts" / "board_0.yaml").write_text("alerts: {}\n")
    with pytest.raises(RuntimeError, match=r"the bundle has problems, the first: .*board_0\.yaml"):
        point(config, tmp_path / "out", 1)


def test_what_was_rendered_is_written(tmp_path: Path) -> None:
    point(lay_out(tmp_path, 2), tmp_path / "out", 2)
    assert (tmp_path / "out" / "rules" / "board_0.yml").exists()
