"""Reading dashboard JSON: rows, variables, colours, and files that are not as they should be."""

from typing import Any

import pytest

from scripts.sink.colours import tone
from scripts.sink.panel import Panel, read_board


def panel(**data: Any) -> Panel:
    board = read_board({"uid": "u", "panels": [{"id": 1, "type": "timeseries", **data}]})
    return board.panels()["1"]


def place(x: int, y: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": 8, "h": 8}


def test_panels_stand_in_their_rows_and_places() -> None:
    board = read_board(
        {
            "panels": [
                {"id": 3, "title": "c", "gridPos": place(8, 2)},
                {"id": 2, "title": "b", "gridPos": place(0, 2)},
                {"id": 1, "title": "a", "gridPos": place(0, 0)},
                {"id": 9, "type": "row", "title": "Row", "gridPos": place(0, 1)},
                {"id": 8, "type": "row", "title": "Empty", "gridPos": place(0, 10)},
                {
                    "id": 7,
                    "type": "row",
                    "title": "Closed",
                    "gridPos": place(0, 11),
                    "panels": [{"id": 4, "title": "d"}],
                },
            ]
        }
    )
    rows = [(row.title, [panel.title for panel in row.panels]) for row in board.rows]
    assert rows == [("", ["a"]), ("Row", ["b", "c"]), ("Closed", ["d"])]


@pytest.mark.parametrize(
    ("expression", "asked", "variables"),
    [
        ("rate(a[$__rate_interval])", "rate(a[5m])", ()),
        ("rate(a[${__rate_interval}])", "rate(a[5m])", ()),
        ("a[$__interval] + a[$__rate_intervals]", None, ("$__interval", "$__rate_intervals")),
        ('a{job="$job", b=~"${b:regex}"} + $job', None, ("$job", "${b:regex}")),
        ('label_replace(a{b=~"x$"}, "c", "$1", "d", "(.*)$")', None, ()),
    ],
)
def test_only_the_rate_interval_is_filled_in(
    expression: str, asked: str | None, variables: tuple[str, ...]
) -> None:
    [query] = panel(targets=[{"expr": expression}]).queries
    assert (query.expression, query.variables) == (asked or expression, variables)


def test_hidden_and_empty_targets_are_not_asked() -> None:
    targets = [{"expr": "a", "hide": True}, {"expr": ""}, {}, "x", {"expr": "b"}]
    assert [query.expression for query in panel(targets=targets).queries] == ["b"]


def test_a_value_has_the_colour_of_the_last_step_that_it_reached() -> None:
    steps = [{"color": "green", "value": None}, {"color": "#E02F44", "value": 5}]
    shown = panel(fieldConfig={"defaults": {"thresholds": {"mode": "absolute", "steps": steps}}})
    assert [shown.tone_of(value) for value in (-1e9, 4.9, 5, 6)] == ["green", "green", "red", "red"]
    assert panel().tone_of(1) == "grey"


def test_a_word_stands_for_a_number_and_may_have_a_tone_of_its_own() -> None:
    options = {"0": {"text": "down", "color": "dark-red"}, "1": {"text": "up"}, "x": {"text": "odd"}, "2": 5}
    shown = panel(fieldConfig={"defaults": {"mappings": [{"type": "value", "options": options}]}})
    assert {value: (word.text, word.tone) for value, word in shown.words.items()} == {
        0: ("down", "red"),
        1: ("up", ""),
        2: ("", ""),
    }
    assert (shown.tone_of(0), shown.tone_of(1)) == ("red", "grey")


def test_a_dashboard_leads_to_the_others_that_have_the_tags_of_a_link() -> None:
    links = [{"type": "dashboards", "tags": ["a"]}, {"type": "link", "url": "x"}]
    one, other, third = (
        read_board({"uid": uid, "tags": tags, "links": links})
        for uid, tags in (("one", ["a"]), ("other", ["a", "b"]), ("third", []))
    )
    assert [board.uid for board in (one, other, third) if one.links_to(board)] == ["other"]


@pytest.mark.parametrize(
    ("style", "has_lines"),
    [({}, False), ({"mode": "off"}, False), ({"mode": "line"}, True), ({"mode": "dashed+area"}, True)],
)
def test_threshold_lines_are_drawn_where_grafana_does(style: dict[str, str], has_lines: bool) -> None:
    shown = panel(fieldConfig={"defaults": {"custom": {"thresholdsStyle": style}}})
    assert shown.has_threshold_lines is has_lines


@pytest.mark.parametrize(
    ("data", "note"),
    [
        ({"type": "heatmap"}, "Grafana draws this as heatmap; here it is drawn as lines."),
        (
            {"type": "stat", "options": {"reduceOptions": {"calcs": ["mean"]}}},
            'Grafana shows ["mean"]; here it is',
        ),
        ({"type": "stat", "options": {"reduceOptions": {"calcs": ["lastNotNull"]}}}, ""),
        ({"fieldConfig": {"overrides": [{}]}}, "Grafana also applies overrides, which are left out here."),
        ({"type": "table", "transformations": [{"id": "merge"}, {"id": "organize"}]}, ""),
        ({"transformations": [{"id": "merge"}]}, "Grafana also applies transformations,"),
        ({"type": "table", "transformations": [{"id": "limit"}]}, "Grafana also applies transformations,"),
        (
            {
                "type": "table",
                "fieldConfig": {"overrides": [{"properties": [{"id": "links"}, {"id": "unit"}]}]},
            },
            "Grafana also applies overrides,",
        ),
        ({"type": "table", "fieldConfig": {"overrides": [{"properties": [{"id": "links"}]}]}}, ""),
        ({"fieldConfig": {"defaults": {"mappings": [{"type": "range"}]}}}, "Grafana also applies value map"),
        ({"type": "state-timeline", "fieldConfig": {"defaults": {"mappings": [{"type": "value"}]}}}, ""),
        (
            {"fieldConfig": {"defaults": {"thresholds": {"mode": "percentage"}}}},
            "Grafana also applies thresholds in",
        ),
        ({}, ""),
    ],
)
def test_what_grafana_does_better_is_said(data: dict[str, Any], note: str) -> None:
    notes = panel(**data).notes
    assert [told[: len(note)] for told in notes] == ([note] if note else [])


@pytest.mark.parametrize(
    "dashboard",
    [
        {},
        {"panels": None},
        {"panels": [1, None, "x", {}]},
        {"panels": [{"id": [], "type": {}, "title": 5, "targets": 7, "fieldConfig": [], "options": 1}]},
        {"panels": [{"gridPos": {"x": "a", "y": None, "w": 1e999}, "targets": [{"expr": ["a"]}]}]},
        {
            "panels": [
                {"fieldConfig": {"defaults": {"min": 10**400, "max": True, "thresholds": {"steps": [{}, 1]}}}}
            ]
        },
        {"panels": [{"type": "stat", "options": {"reduceOptions": {"calcs": 5}}}]},
    ],
)
def test_a_strange_dashboard_is_read_as_far_as_it_goes(dashboard: dict[str, Any]) -> None:
    assert read_board(dashboard).title == ""


@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        ("red", "red"),
        ("semi-dark-orange", "orange"),
        ("super-light-green", "green"),
        ("#73BF69", "green"),
        ("#f00", "grey"),
        ("#FF9830", "orange"),
        ("#5794F2ff", "blue"),
        ("#B877D9", "purple"),
        ("#FADE2A", "yellow"),
        ("#808080", "grey"),
        ("#000000", "grey"),
        ("transparent", "grey"),
        ("text", "grey"),
        ('red" onload="x', "grey"),
        ("", "grey"),
    ],
)
def test_a_colour_becomes_a_tone_of_the_page(colour: str, expected: str) -> None:
    assert tone(colour) == expected
