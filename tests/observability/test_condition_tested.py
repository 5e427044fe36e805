"""When two stories prove a condition: they differ in it alone, and in what fires."""

from pathlib import Path

import pytest

from config.spec.load import load_project
from observability.checks import condition_tested
from tests.bundle_of import DEPOT, lay_out, load_depot

ALERTS = "config/alerts/depot.yaml"
OPEN = "          - {gauge: shop_closed, value: 0, until: 2h}\n"
CLOSES = OPEN.replace("2h", "1h30m") + OPEN.replace("value: 0", "value: 1, from: 1h30m")
THIRD = '          - {gauge: queue_length, labels: {instance: "web:3"}, value: 1, until: 2h}\n'
FIRES = "- {at: 1h40m, firing: [warning, critical]}"


def told(folder: Path, *edits: tuple[str, str]) -> list[str]:
    text = (DEPOT / ALERTS).read_text("utf-8")
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    project, problems, _ = load_project(lay_out(folder, {ALERTS: text}, DEPOT))
    assert project is not None, problems
    return [one.message for one in condition_tested.check(project)]


UNTESTED = "no two tests of LongQueue differ in closed alone, with a level firing in but one of them"


def test_two_stories_that_differ_in_the_condition_alone_prove_it() -> None:
    assert list(condition_tested.check(load_depot())) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # The other story is silent too.
        (FIRES, "- {at: 1h40m}"),
        # It fires at another time.
        (FIRES, "- {at: 1h41m, firing: [warning, critical]}"),
        # It is the same shop, so that nothing but a mistake tells the stories apart.
        (OPEN, CLOSES),
        # What the measure reads differs as well.
        (OPEN, OPEN + THIRD),
    ],
)
def test_anything_less_does_not(old: str, new: str, tmp_path: Path) -> None:
    assert told(tmp_path, (old, new)) == [UNTESTED]


def test_what_differs_only_after_that_time_proves_nothing(tmp_path: Path) -> None:
    earlier = (FIRES, FIRES.replace("1h40m", "1h20m"))
    assert told(tmp_path, ("- {at: 1h40m}", "- {at: 1h20m}"), earlier) == [UNTESTED]


def test_only_while_is_proved_in_the_same_way(tmp_path: Path) -> None:
    other = ("unless: [{measure: closed, at_least: 1}]", "only_while: {measure: closed, at_least: 1}")
    assert told(tmp_path, other) == []
    assert told(tmp_path, other, (FIRES, "- {at: 1h40m}")) == [UNTESTED]


def test_silence_of_every_series_is_silence_of_one(tmp_path: Path) -> None:
    """The depot's alert has no labels, so that of one server stands for it."""
    condition = "    unless: [{measure: closed, at_least: 1}]\n    when_absent: {covered_by: ServerDown}\n"
    twin = """\
      - name: two parcels more a minute in a closed shop
        world:
          - {gauge: queue_length, labels: {instance: "web:1"}, value: 20, until: 2h}
          - {gauge: queue_length, labels: {instance: "web:2"}, value: 20, until: 1h}
          - {gauge: queue_length, labels: {instance: "web:2"}, value: 20, per_minute: 2, from: 1h, until: 2h}
          - {gauge: shop_closed, value: 1, until: 2h}
        expect:
          - {at: 1h40m}
"""
    fills = ("    when_absent: {covered_by: LongQueue}\n", condition)
    after = '          - {at: 1h40m, labels: {instance: "web:1"}}\n'
    assert told(tmp_path, fills, (after, after + twin)) == []
    assert told(tmp_path, fills) == [UNTESTED.replace("LongQueue", "QueueFillsUp")]


def test_a_condition_on_the_same_metrics_cannot_be_judged(tmp_path: Path) -> None:
    assert told(tmp_path, ("unless: [{measure: closed, at", "unless: [{measure: queue_length, at")) == []


def test_what_other_checks_tell_of_is_left_to_them(tmp_path: Path) -> None:
    assert (
        told(tmp_path, ("gauge: shop_closed, value: 0, until: 2h", "event: closed, every: 1m, until: 2h"))
        == []
    )
