"""Rules, beyond what promtool's tests show."""

from pathlib import Path
from typing import Any

import yaml

from observability.compile import Request, compile_bundle
from tests.bundle_of import BUNDLE, lay_out, replaced


def rules_of(config_dir: Path, file: str) -> Any:
    outcome = compile_bundle(Request(config_dir=config_dir))
    assert outcome.files, outcome.problems
    return yaml.safe_load(outcome.files[f"rules/{file}.yml"])["groups"][0]["rules"]


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
    resolved = f"max by (alertname) (max_over_time({firing}[1d]) unless on (alertname) {firing})"
    assert resolved in digest["annotations"]["resolved"]
