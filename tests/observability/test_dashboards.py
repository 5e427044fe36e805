"""Dashboards as Grafana reads them."""

import json
from collections.abc import Mapping
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest

from observability.compile import Request, compile_bundle
from tests.bundle_of import BUNDLE, DEPOT, lay_out, replaced


def board_of(config_dir: Path, name: str = "web", environment: str = "cellar") -> Any:
    outcome = compile_bundle(Request(config_dir=config_dir), tests=False)
    assert outcome.files, outcome.problems
    return json.loads(outcome.files[f"{environment}/dashboards/{name}.json"])


@pytest.fixture(
    scope="module",
    params=[
        (BUNDLE / "config", "web"),
        (DEPOT / "config", "depot"),
        (Path("config"), "trading_overview", "local"),
    ],
    ids=["shop", "depot", "ours"],
)
def board(request: pytest.FixtureRequest) -> Any:
    return board_of(*request.param)


def test_it_needs_no_migration(board: Any) -> None:
    assert board["schemaVersion"] == 42
    assert board["id"] is None
    assert board["editable"] is False
    assert board["templating"]["list"][0]["type"] == "datasource"


def test_panels_have_numbers_and_do_not_overlap(board: Any) -> None:
    numbers = [panel["id"] for panel in board["panels"]]
    assert len(numbers) == len(set(numbers))
    for one, other in combinations((panel["gridPos"] for panel in board["panels"]), 2):
        apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_x or apart_y


def test_every_panel_and_query_uses_the_variable_for_its_data_source(board: Any) -> None:
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    assert panels
    for panel in panels:
        assert panel["targets"]
        references = [target["refId"] for target in panel["targets"]]
        assert len(references) == len(set(references))
        for holder in (panel, *panel["targets"]):
            assert holder["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_threshold_lines_are_the_bounds_of_the_alerts(board: Any) -> None:
    drawn = [
        panel
        for panel in board["panels"]
        if len(panel.get("fieldConfig", {}).get("defaults", {}).get("thresholds", {}).get("steps", [])) > 1
    ]
    assert drawn
    for panel in drawn:
        values = [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
        assert values[0] is None
        assert all(low < high for low, high in pairwise(values[1:]))


def test_a_threshold_line_is_the_bound() -> None:
    steps = board_of(BUNDLE / "config")["panels"][1]["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in steps] == [
        (None, "green"),
        (0.1, "orange"),
        (0.5, "red"),
    ]


def test_panels_name_the_plugin_version_they_are_written_for(board: Any) -> None:
    assert {panel["pluginVersion"] for panel in board["panels"] if panel["type"] != "row"} == {"11.0.0"}


@pytest.mark.parametrize(
    ("kind", "colours"),
    [("gauge", ["red", "orange", "green"]), ("timeseries", ["green", "red", "orange"])],
)
def test_below_a_bound_is_red_when_low_is_bad(kind: str, colours: list[str], tmp_path: Path) -> None:
    """What has the colour of its value is red below the bound; a line is red itself."""
    text = replaced("config/alerts/web.yaml", "warning: {above: 0.1", "warning: {below: 0.9")
    text = {
        name: content.replace("critical: {above: 0.5", "critical: {below: 0.5")
        for name, content in text.items()
    }
    board = (BUNDLE / "config/dashboards/web.yaml").read_text("utf-8")
    text["config/dashboards/web.yaml"] = board.replace("kind: timeseries", f"kind: {kind}")
    steps = board_of(lay_out(tmp_path, text))["panels"][1]["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [step["value"] for step in steps] == [None, 0.5, 0.9]
    assert [step["color"] for step in steps] == colours


def test_other_dashboards_have_buttons_that_keep_the_time(tmp_path: Path) -> None:
    assert board_of(BUNDLE / "config")["links"] == []
    text = (BUNDLE / "config/dashboards/web.yaml").read_text("utf-8")
    second = text.replace("web-overview", "web-second").replace("title: Web", "title: Second")
    board = board_of(lay_out(tmp_path, {"config/dashboards/second.yaml": second}))
    (others,) = board["links"]
    assert (others["type"], others["tags"], others["asDropdown"]) == ("dashboards", ["shop"], False)
    assert (others["keepTime"], others["includeVars"]) == (True, True)


def test_alerts_are_marked_where_their_bounds_are_shown(tmp_path: Path) -> None:
    (mark,) = board_of(BUNDLE / "config")["annotations"]["list"]
    assert mark["expr"] == 'ALERTS{alertstate="firing",alertname=~"ManyErrors"}'
    assert mark["tagKeys"] == "severity"
    text = (
        (BUNDLE / "config/dashboards/web.yaml")
        .read_text("utf-8")
        .replace("        alerts: [ManyErrors]\n", "")
    )
    second = text.replace("web-overview", "web-second").replace("title: Web", "title: Second")
    board = board_of(lay_out(tmp_path, {"config/dashboards/second.yaml": second}), "second")
    assert board["annotations"]["list"] == []


def test_links_and_annotations_are_not_hidden_in_a_menu(board: Any) -> None:
    assert not [one for one in (*board["annotations"]["list"], *board["links"]) if "placement" in one]


def drawn(config_dir: Path, index: int = 1) -> Any:
    return board_of(config_dir)["panels"][index]


def steps_of(panel: Any) -> list[tuple[float | None, str]]:
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    return [(step["value"], step["color"]) for step in steps]


def with_second_alert(folder: Path, bounds: Mapping[str, str]) -> Any:
    """Lay out the shop with one more alert on the panel, its bounds changed; return the panel."""
    alerts = (BUNDLE / "config/alerts/web.yaml").read_text("utf-8")
    second = alerts.removeprefix("alerts:\n").replace("ManyErrors", "MoreErrors")
    for old, new in bounds.items():
        assert old in second
        second = second.replace(old, new)
    files = replaced("config/dashboards/web.yaml", "[ManyErrors]", "[ManyErrors, MoreErrors]")
    return drawn(lay_out(folder, {**files, "config/alerts/web.yaml": alerts + second}))


def test_beyond_a_grave_bound_nothing_is_less_grave(tmp_path: Path) -> None:
    panel = with_second_alert(tmp_path, {"above: 0.1": "above: 0.7", "above: 0.5": "above: 0.8"})
    assert steps_of(panel) == [(None, "green"), (0.1, "orange"), (0.5, "red"), (0.7, "red"), (0.8, "red")]


def test_of_two_severities_with_one_bound_the_graver_gives_the_colour(tmp_path: Path) -> None:
    panel = with_second_alert(tmp_path, {"above: 0.1": "above: 0.05", "above: 0.5": "above: 0.1"})
    assert steps_of(panel) == [(None, "green"), (0.05, "orange"), (0.1, "red"), (0.5, "red")]


def test_a_bound_far_off_is_on_the_axis() -> None:
    custom = drawn(BUNDLE / "config")["fieldConfig"]["defaults"]["custom"]
    assert custom["axisSoftMax"] == 0.5
    assert custom["thresholdsStyle"] == {"mode": "line"}


def test_a_gap_stays_a_gap_and_many_lines_show_their_last_value(tmp_path: Path) -> None:
    text = replaced("config/dashboards/web.yaml", "kind: stat", "kind: timeseries")
    config = lay_out(tmp_path, text)
    one, many = drawn(config), drawn(config, 2)
    assert one["fieldConfig"]["defaults"]["custom"]["spanNulls"] is False
    assert one["options"]["legend"]["displayMode"] == "list"
    assert many["targets"][0]["legendFormat"] == "{{instance}}"
    assert many["options"]["legend"]["displayMode"] == "table"
    assert many["options"]["legend"]["calcs"] == ["lastNotNull", "max"]
    assert many["fieldConfig"]["defaults"]["custom"]["lineInterpolation"] == "stepAfter"


def test_measures_that_share_a_panel_are_told_apart(tmp_path: Path) -> None:
    text = replaced("config/dashboards/web.yaml", "[queue_length]", "[queue_length, error_ratio]")
    legends = [target["legendFormat"] for target in drawn(lay_out(tmp_path, text), 2)["targets"]]
    assert legends == ["Parcels that wait {{instance}}", "Share of requests that failed"]
