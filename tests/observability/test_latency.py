"""Both clocks of every alert: what is counted, what breaks them, and what the command says of it."""

import json
from pathlib import Path

import pytest

from observability.__main__ import main
from observability.compile import Request, compile_bundle
from observability.latency import Budget, budgets
from tests.bundle_of import BUNDLE, lay_out, replaced


def budgets_of(config_dir: Path) -> list[Budget]:
    outcome = compile_bundle(Request(config_dir=config_dir), tests=False)
    assert outcome.project is not None
    assert outcome.files, outcome.problems
    return list(budgets(outcome.project, outcome.files))


def budget_of(config_dir: Path, alert: str, severity: str = "warning", because: str = "") -> Budget:
    wanted = (alert, severity, because)
    found = [one for one in budgets_of(config_dir) if (one.alert.name, one.severity, one.because) == wanted]
    return found[0]


def steps_of(budget: Budget) -> dict[str, str]:
    return {step.what: str(step.lasts) for clock in budget.clocks for step in clock.steps}


def test_every_rule_of_every_alert_has_a_budget_in_every_environment() -> None:
    outcome = compile_bundle(Request(config_dir=Path("config")), tests=False)
    assert outcome.project is not None
    wanted = {
        (alert.name, severity, "", environment)
        for alert in outcome.project.alerts.values()
        for severity in alert.levels
        for environment in outcome.project.environments
    }
    found = {(b.alert.name, b.severity, b.because, b.environment) for b in budgets_of(Path("config"))}
    assert wanted <= found
    assert {why for _, _, why, _ in found - wanted} <= {"absent"}


def test_the_steps_from_a_fault_to_firing_are_windows_scrape_evaluations_and_for() -> None:
    assert steps_of(budget_of(BUNDLE / "config", "ManyErrors")) == {
        "the windows of the query fill": "10m",
        "next scrape": "30s",
        "the scrape itself": "10s",
        "next evaluation of the measures": "30s",
        "next evaluation of the alert": "30s",
        "for 5m, counted in evaluations": "5m",
        "group_wait, or group_interval where the group exists already": "1m",
        "the receiver's answer": "10s",
    }


def test_for_is_counted_in_whole_evaluations(tmp_path: Path) -> None:
    edited = replaced(
        "config/alerts/web.yaml", "warning: {above: 0.1, for: 5m}", "warning: {above: 0.1, for: 301s}"
    )
    steps = steps_of(budget_of(lay_out(tmp_path, edited), "ManyErrors"))
    assert steps["for 5m1s, counted in evaluations"] == "5m30s"


def test_an_age_grows_to_its_bound_and_what_is_absent_has_none() -> None:
    growth = "the age grows to the bound"
    config = Path("config")
    assert steps_of(budget_of(config, "BackupOverdue"))[growth] == "1d2h"
    assert growth not in steps_of(budget_of(config, "BackupOverdue", because="absent"))


def test_the_latest_sample_of_a_window_waits_for_no_window(tmp_path: Path) -> None:
    for query, steps in (
        ("max by (instance) (max_over_time(queue_length[5m]))", "5m"),
        ("max by (instance) (last_over_time(queue_length[5m]))", None),
    ):
        measures = replaced("config/measures.yaml", "max by (instance) (queue_length)", query)
        alerts = replaced("config/alerts/web.yaml", "measure: error_ratio", "measure: queue_length")
        alerts = {name: text.replace(", value: 1}", "}") for name, text in alerts.items()}
        found = steps_of(budget_of(lay_out(tmp_path, {**measures, **alerts}), "ManyErrors"))
        assert found.get("the windows of the query fill") == steps


def test_a_severity_without_receivers_waits_for_the_digest_and_for_the_day_of_25_hours(
    tmp_path: Path,
) -> None:
    text = (BUNDLE / "config/alerts/web.yaml").read_text("utf-8")
    text = text.replace("warning: {above: 0.1", "info: {above: 0.1").replace("[warning,", "[info,")
    steps = steps_of(budget_of(lay_out(tmp_path, {"config/alerts/web.yaml": text}), "ManyErrors", "info"))
    assert steps["until the window of the digest opens again"] == "1d"
    assert steps["the day on which the clocks go back"] == "1h"
    assert steps["group_wait, or group_interval where the group exists already"] == "5m"


def test_a_cluster_costs_the_peer_timeout_of_each_member_before(tmp_path: Path) -> None:
    text = (BUNDLE / "config/environments/cellar.yaml").read_text("utf-8")
    before = next(line for line in text.splitlines() if line.startswith("alertmanagers:"))
    edited = {"config/environments/cellar.yaml": text.replace(before, "alertmanagers: ['a:1', 'b:1', 'c:1']")}
    steps = steps_of(budget_of(lay_out(tmp_path, edited), "ManyErrors"))
    assert steps["members of the cluster before this one (2)"] == "30s"


@pytest.mark.parametrize(
    ("file", "old", "new", "clock"),
    [
        ("config/alerts/web.yaml", "detect_within: 20m", "detect_within: 10m", "latency/detect"),
        ("config/routing.yaml", "deliver_within: 15m", "deliver_within: 1m", "latency/deliver"),
    ],
)
def test_a_broken_promise_fails_and_names_its_clock(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, old: str, new: str, clock: str
) -> None:
    config_dir = lay_out(tmp_path, replaced(file, old, new))
    assert main(["latency", "--config", str(config_dir)]) == 1
    said = capsys.readouterr()
    assert f"[{clock}]" in said.err
    assert "later than promised: " in said.err
    assert "too late" in said.out


def test_the_command_prints_a_table_and_the_steps_of_the_alerts_that_are_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["latency", "--config", str(BUNDLE / "config"), "ManyErrors"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0].split("  ")[0] == "alert"
    assert "    10m  the windows of the query fill" in said.out
    assert not said.err


def test_the_command_gives_the_same_as_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["latency", "--config", str(BUNDLE / "config"), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"alert", "severity", "environment", "told_by", "detect_within", "deliver_within"} <= set(found[0])
    assert all(one[clock]["holds"] for one in found for clock in ("detect_within", "deliver_within"))
    for one in found:
        for clock in ("detect_within", "deliver_within"):
            assert sum(step["lasts"] for step in one[clock]["steps"]) == pytest.approx(one[clock]["worst"])


def test_an_alert_that_does_not_exist_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["latency", "--config", str(BUNDLE / "config"), "ManyError"]) == 2
    assert "did you mean 'ManyErrors'?" in capsys.readouterr().err
