"""Rules, beyond what promtool's tests show."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from config.spec.load import load_project
from observability.render import rules
from tests.bundle_of import BUNDLE, DEPOT, lay_out, replaced


def rules_of(config_dir: Path, file: str) -> Any:
    project, problems, _ = load_project(config_dir)
    assert project is not None, problems
    return yaml.safe_load(rules.render(project)[f"rules/{file}.yml"])["groups"][0]["rules"]


def test_a_level_is_a_comparison_of_the_recorded_measure() -> None:
    warning, critical = rules_of(BUNDLE / "config", "web")
    assert (warning["expr"], critical["expr"]) == ("shop:error_ratio > 0.1", "shop:error_ratio > 0.5")
    assert (critical["for"], critical["labels"]) == ("5m", {"severity": "critical"})
    assert "keep_firing_for" not in critical


def test_only_while_wants_both_at_once(tmp_path: Path) -> None:
    condition = "only_while: {measure: queue_length, at_least: 2.5}"
    condition = f"measure: error_ratio\n    {condition}\n    keep_firing_for: 5m"
    config = lay_out(tmp_path, replaced("config/alerts/web.yaml", "measure: error_ratio", condition))
    warning = rules_of(config, "web")[0]
    assert warning["expr"] == "shop:error_ratio > 0.1 and on () shop:queue_length >= 2.5"
    assert warning["keep_firing_for"] == "5m"


def test_the_digest_lists_what_fires_and_what_no_longer_does(tmp_path: Path) -> None:
    config = lay_out(
        tmp_path, replaced("config/routing.yaml", "  info:", "  notice: {deliver_within: 1d}\n  info:")
    )
    digest = next(rule for rule in rules_of(config, "delivery") if rule["alert"] == "DailyDigest")
    firing = 'ALERTS{severity=~\\"notice|info\\",alertstate=\\"firing\\"}'
    assert f"max by (alertname) ({firing})" in digest["annotations"]["firing"]
    resolved = f"max by (alertname) (max_over_time({firing}[1d2h]) unless on (alertname) {firing})"
    assert resolved in digest["annotations"]["resolved"]


def test_unless_silences_on_the_labels_that_both_sides_keep() -> None:
    rules = rules_of(DEPOT / "config", "depot")
    warning = next(rule for rule in rules if rule["alert"] == "LongQueue")
    assert warning["expr"] == "depot:longest_queue > 10 unless on () depot:closed >= 1"


def test_conditions_stand_one_after_the_other(tmp_path: Path) -> None:
    conditions = "only_while: {measure: server_up, at_least: 1}\n    unless: [{measure: closed, at_least: 1}]"
    old = "measure: queue_in_an_hour\n"
    config = lay_out(
        tmp_path, replaced("config/alerts/depot.yaml", old, f"{old}    {conditions}\n", DEPOT), DEPOT
    )
    rule = next(rule for rule in rules_of(config, "depot") if rule["alert"] == "QueueFillsUp")
    assert rule["expr"] == (
        "depot:queue_in_an_hour > 100 and on (instance) depot:server_up >= 1 unless on () depot:closed >= 1"
    )


def test_absence_fires_by_a_rule_of_its_own_at_the_gravest_level() -> None:
    rules = [rule for rule in rules_of(DEPOT / "config", "depot") if rule["alert"] == "LongQueue"]
    assert [rule["labels"] for rule in rules] == [
        {"severity": "warning"},
        {"severity": "critical"},
        {"severity": "critical", "cause": "absent"},
    ]
    absent = rules[-1]
    assert (absent["expr"], absent["for"]) == (
        "absent(depot:longest_queue) unless on () depot:closed >= 1",
        "10m",
    )
    assert absent["annotations"]["summary"] == "No data for 10m: longest_queue"
    assert absent["annotations"]["dashboard"] == rules[0]["annotations"]["dashboard"]
    assert "value" not in absent["annotations"]


@pytest.mark.parametrize(
    ("alert", "expr", "has_value"),
    [
        ("NobodyServes", "absent(depot:servers_up)", False),
        ("ParcelsWhileClosed", "depot:closed_with_parcels", True),
    ],
)
def test_a_level_without_a_bound_speaks_of_presence(alert: str, expr: str, has_value: bool) -> None:
    rules = [rule for rule in rules_of(DEPOT / "config", "depot") if rule["alert"] == alert]
    assert [rule["expr"] for rule in rules] == [expr]
    assert ("value" in rules[0]["annotations"]) is has_value


def test_a_text_may_hold_the_labels_of_the_measure() -> None:
    rule = next(rule for rule in rules_of(DEPOT / "config", "depot") if rule["alert"] == "ServerDown")
    assert rule["annotations"]["summary"] == "{{ $labels.instance }} does not answer"
