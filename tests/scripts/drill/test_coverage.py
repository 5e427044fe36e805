"""What is known of the last drill of each alert, and when the gate closes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.spec.model import Project
from scripts.drill import coverage
from scripts.drill.verdict import Drill

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
WEEK = timedelta(days=7)


def drill(alert: str, days_ago: float, good: bool = True, harness: str = "") -> Drill:
    one = Drill(alert=alert, severity="critical", time_scale=60, harness=harness)
    one.judge("firing", good, "")
    one.finished = NOW - timedelta(days=days_ago)
    return one


def found(project: Project, known: dict[str, coverage.Last]) -> list[str]:
    excused = dict.fromkeys(project.alerts.keys() - {"BotDown", "BotNotReady"}, "no reason")
    return coverage.gaps(project, known, excused, NOW, WEEK)


def test_all_is_well_while_each_alert_passed_lately(project: Project, tmp_path: Path) -> None:
    known = coverage.keep(tmp_path, [drill("BotDown", 1), drill("BotNotReady", 6.9)])
    assert coverage.read(tmp_path) == known
    assert found(project, known) == []


@pytest.mark.parametrize(
    ("drills", "sentence"),
    [
        ([], "BotDown was never drilled"),
        ([drill("BotDown", 8)], "BotDown was drilled last 8d 00h ago"),
        ([drill("BotDown", 2), drill("BotDown", 1, good=False)], "BotDown failed its last drill, 1d 00h ago"),
    ],
)
def test_the_gate_names_what_was_never_drilled_or_long_ago_or_failed(
    project: Project, tmp_path: Path, drills: list[Drill], sentence: str
) -> None:
    assert found(project, coverage.keep(tmp_path, [*drills, drill("BotNotReady", 1)])) == [sentence]


def test_a_drill_without_a_verdict_changes_nothing(project: Project, tmp_path: Path) -> None:
    coverage.keep(tmp_path, [drill("BotDown", 2), drill("BotNotReady", 2)])
    assert found(project, coverage.keep(tmp_path, [drill("BotDown", 0, harness="slow")])) == []


def test_prometheus_is_told_in_few_series(project: Project, tmp_path: Path) -> None:
    known = coverage.keep(tmp_path, [drill("BotDown", 2), drill("BotNotReady", 1, good=False)])
    coverage.tell(tmp_path, project, known)
    told = (tmp_path / "drills.prom").read_text()
    assert 'drill_alerts{verdict="passed"} 1\n' in told
    assert 'drill_alerts{verdict="failed"} 1\n' in told
    assert f'drill_alerts{{verdict="never"}} {len(project.alerts) - 2}\n' in told
    assert f"drill_oldest_pass_timestamp_seconds {(NOW - timedelta(days=2)).timestamp():.0f}\n" in told


def test_the_table_has_a_line_for_each_alert_with_its_runbook(project: Project, tmp_path: Path) -> None:
    known = coverage.keep(tmp_path, [drill("BotDown", 2)])
    table = coverage.as_table(project, known, {"DiskFull": "not here"}, NOW).splitlines()
    assert len(table) == len(project.alerts)
    assert any(line.split() == ["BotDown", "bot_down", "passed", "2d", "00h", "ago"] for line in table)
