"""Dashboards as Grafana reads them."""

import json
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest

from observability.compile import Request, compile_bundle
from tests.bundle_of import BUNDLE, lay_out, replaced


def board_of(config_dir: Path, name: str = "web") -> Any:
    outcome = compile_bundle(Request(config_dir=config_dir))
    assert outcome.files, outcome.problems
    return json.loads(outcome.files[f"dashboards/{name}.json"])


@pytest.fixture(
    params=[(BUNDLE / "config", "web"), (Path("config"), "trading_overview")], ids=["shop", "ours"]
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


def test_below_a_bound_is_red_when_low_is_bad(tmp_path: Path) -> None:
    text = replaced("config/alerts/web.yaml", "warning: {above: 0.1", "warning: {below: 0.9")
    text = {
        name: content.replace("critical: {above: 0.5", "critical: {below: 0.5")
        for name, content in text.items()
    }
    steps = board_of(lay_out(tmp_path, text))["panels"][1]["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in steps] == [
        (None, "red"),
        (0.5, "orange"),
        (0.9, "green"),
    ]
