"""A bundle that uses all that the model knows, and is no bot: the tools judge it, and its tests bite."""

from pathlib import Path

import pytest

from observability.compile import Request, compile_and_verify, compile_bundle
from observability.verify.tool import run
from observability.write import write
from tests.bundle_of import DEPOT, lay_out, replaced

ALERTS, MEASURES = "config/alerts/depot.yaml", "config/measures.yaml"


def test_the_tools_and_the_checks_have_nothing_against_it() -> None:
    assert compile_and_verify(Request(config_dir=DEPOT / "config")).problems == ()


def test_at_sixty_times_the_speed_every_part_of_an_alert_is_faster() -> None:
    fast = compile_bundle(Request(config_dir=DEPOT / "config", time_scale=60)).files
    assert "predict_linear(queue_length{}[30s], 60)" in fast["rules/measures.yml"]
    absent = "expr: absent(depot:longest_queue) unless on () depot:closed >= 1\n    for: 10s\n"
    assert absent in fast["rules/depot.yml"]


@pytest.mark.parametrize(
    ("file", "old", "new", "alert"),
    [
        (ALERTS, "{measure: closed, at_least: 1}", "{measure: closed, at_least: 2}", "LongQueue"),
        (ALERTS, "{fires: 10m}", "{fires: 25m}", "LongQueue"),
        (ALERTS, "{fires: 10m}", "{fires: 3m}", "LongQueue"),
        (ALERTS, "{above: 50, for: 10m}", "{above: 80, for: 10m}", "LongQueue"),
        (MEASURES, "max(depot:queue_length)", "min(depot:queue_length)", "LongQueue"),
        (MEASURES, "(queue_length[30m], 3600)", "(queue_length[30m], 360)", "QueueFillsUp"),
        (MEASURES, "histogram_quantile(0.9,", "histogram_quantile(0.1,", "SlowAnswers"),
        (MEASURES, "request_seconds_bucket[30m]", "request_seconds_bucket[5m]", "SlowAnswers"),
        (MEASURES, "(shop_build_info)", "(shop_build_info) * 2", "BadVersion"),
        (ALERTS, "{above: 600, for: 5m}", "{above: 6000, for: 5m}", "CustomsSilent"),
        (ALERTS, "{below: 1, for: 5m}", "{below: 0, for: 5m}", "ServerDown"),
        (ALERTS, "{present: false, for: 2m}", "{present: false, for: 15m}", "NobodyServes"),
        (ALERTS, "{present: true, for: 30m}", "{present: true, for: 2h}", "ParcelsWhileClosed"),
    ],
)
def test_a_test_fails_when_what_it_shows_is_taken_away(
    tmp_path: Path, file: str, old: str, new: str, alert: str
) -> None:
    config = lay_out(tmp_path, replaced(file, old, new, DEPOT), DEPOT)
    outcome = compile_bundle(Request(config_dir=config))
    assert outcome.problems == ()
    write(tmp_path / "out", outcome.files)
    passed, said = run("promtool", "test", "rules", f"tests/{alert}.yml", cwd=tmp_path / "out")
    assert not passed
    assert "FAILED" in said
