"""Each kind of panel as Grafana reads it."""

import json
from pathlib import Path
from typing import Any

from observability.compile import Request, compile_bundle
from tests.bundle_of import BUNDLE, DEPOT, lay_out, replaced

WEB, ALERTS = "config/dashboards/web.yaml", "config/alerts/web.yaml"


def panels_of(config_dir: Path, name: str = "web") -> dict[str, Any]:
    """Return the panels of a dashboard by their titles."""
    outcome = compile_bundle(Request(config_dir=config_dir))
    assert outcome.files, outcome.problems
    board = json.loads(outcome.files[f"cellar/dashboards/{name}.json"])
    return {panel["title"]: panel for panel in board["panels"]}


def shop(title: str) -> Any:
    return panels_of(BUNDLE / "config")[title]


def organized(panel: Any) -> Any:
    (options,) = (one["options"] for one in panel["transformations"] if one["id"] == "organize")
    return options


def test_a_panel_with_bounds_leads_to_the_runbook_of_each_alert() -> None:
    panel = shop("Errors")
    url = "http://127.0.0.1:1/r/many_errors"
    assert [(link["title"], link["url"], link["targetBlank"]) for link in panel["links"]] == [
        ("Runbook many_errors", url, True)
    ]
    assert "placement" not in panel["links"][0]
    assert panel["description"].endswith(f"\n\nRunbook: [many_errors]({url})")
    assert shop("Queue")["links"] == []
    assert shop("Queue")["description"] == "Parcels that wait, per server"


def test_each_environment_has_its_own_links(tmp_path: Path) -> None:
    cellar = (BUNDLE / "config/environments/cellar.yaml").read_text("utf-8")
    attic = cellar.replace("http://127.0.0.1:1/r", "http://127.0.0.1:1/attic")
    outcome = compile_bundle(Request(config_dir=lay_out(tmp_path, {"config/environments/attic.yaml": attic})))
    one, other = (outcome.files[f"{name}/dashboards/web.json"] for name in ("cellar", "attic"))
    assert one != other
    assert one.replace("http://127.0.0.1:1/r/", "http://127.0.0.1:1/attic/") == other


def test_a_table_asks_for_now_and_names_the_column_of_its_values() -> None:
    panel = shop("Queue by server")
    (target,) = panel["targets"]
    assert (panel["type"], target["instant"], target["format"]) == ("table", True, "table")
    assert target["range"] is False
    assert organized(panel)["excludeByName"] == {"Time": True}
    assert organized(panel)["renameByName"] == {"Value": "parcels"}
    assert [one["id"] for one in panel["transformations"]] == ["organize"]
    assert panel["fieldConfig"]["overrides"] == []


def test_several_queries_of_a_table_are_columns_of_one_row(tmp_path: Path) -> None:
    text = (BUNDLE / WEB).read_text("utf-8") + "        measures: [queue_length]\n"
    panel = panels_of(lay_out(tmp_path, {WEB: text}))["Queue by server"]
    assert [one["id"] for one in panel["transformations"]] == ["merge", "organize"]
    assert organized(panel)["renameByName"] == {"Value #A": "Parcels that wait", "Value #B": "parcels"}


def test_the_numbers_of_a_table_have_the_colours_of_its_bounds(tmp_path: Path) -> None:
    text = replaced(WEB, "kind: gauge", "kind: table\n        alerts: [ManyErrors]")
    panel = panels_of(lay_out(tmp_path, text))["Errors now"]
    (override,) = panel["fieldConfig"]["overrides"]
    assert override["matcher"] == {"id": "byType", "options": "number"}
    assert override["properties"] == [{"id": "custom.cellOptions", "value": {"type": "color-text"}}]


def test_a_gauge_is_a_bar_for_a_whole() -> None:
    panel = shop("Errors now")
    defaults = panel["fieldConfig"]["defaults"]
    assert (panel["type"], defaults["min"], defaults["max"]) == ("bargauge", 0, 1)
    assert panel["options"]["reduceOptions"]["calcs"] == ["lastNotNull"]


def test_a_state_has_words_and_the_colours_of_its_bounds() -> None:
    panel = panels_of(DEPOT / "config", "depot")["Servers"]
    defaults = panel["fieldConfig"]["defaults"]
    assert panel["type"] == "state-timeline"
    assert defaults["color"] == {"mode": "thresholds"}
    assert defaults["mappings"] == [
        {
            "type": "value",
            "options": {"0": {"text": "silent", "index": 0}, "1": {"text": "answers", "index": 1}},
        }
    ]
    assert defaults["thresholds"]["steps"][0]["color"] == "orange"


def test_states_without_bounds_have_colours_that_are_neither_good_nor_bad(tmp_path: Path) -> None:
    text = replaced(WEB, "kind: stat", "kind: state\n        values: {0: none, 1: one}")
    (mapping,) = panels_of(lay_out(tmp_path, text))["Queue"]["fieldConfig"]["defaults"]["mappings"]
    assert [word["color"] for word in mapping["options"].values()] == ["blue", "purple"]


def test_what_fires_is_told_with_its_age_its_colour_and_its_runbook() -> None:
    panel = shop("What fires")
    (target,) = panel["targets"]
    assert target["instant"] is True
    assert target["expr"] == (
        'label_replace(time() - (ALERTS_FOR_STATE{alertname!~"Watchdog|DailyDigest"} and ignoring'
        ' (alertstate) ALERTS{alertstate="firing",alertname!~"Watchdog|DailyDigest"}),'
        ' "runbook", "many_errors", "alertname", "ManyErrors")'
    )
    assert organized(panel)["renameByName"] == {"Value": "lasts"}
    severity, runbook = panel["fieldConfig"]["overrides"]
    assert [override["matcher"]["options"] for override in (severity, runbook)] == ["severity", "runbook"]
    words = severity["properties"][0]["value"][0]["options"]
    assert {name: word["color"] for name, word in words.items()} == {
        "critical": "red",
        "warning": "orange",
        "info": "blue",
    }
    (link,) = runbook["properties"][0]["value"]
    assert link["url"] == "http://127.0.0.1:1/r/${__data.fields.runbook}"


def test_a_bound_that_nobody_is_told_of_at_once_is_blue(tmp_path: Path) -> None:
    text = replaced(ALERTS, "warning", "info")
    panel = panels_of(lay_out(tmp_path, text))["Errors"]
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in steps] == [
        (None, "green"),
        (0.1, "blue"),
        (0.5, "red"),
    ]


def test_a_number_without_a_bound_is_not_said_to_be_well() -> None:
    for title in ("Queue", "Errors now", "Queue by server"):
        steps = shop(title)["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert steps == [{"value": None, "color": "text"}]
    assert shop("Errors")["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["color"] == "green"
