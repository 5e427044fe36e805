"""What `make drill` makes of verdicts, and what it plays."""

import pytest

from config.spec.model import Project
from scripts.drill.__main__ import BROKEN, FAILED, PASSED, _parser, exit_code, plays
from scripts.drill.faults import FAULTS, QUICK
from scripts.drill.verdict import Drill


def drill(passed: bool = True, harness: str = "") -> Drill:
    one = Drill(alert="A", severity="critical", time_scale=60, harness=harness)
    one.judge("firing", passed, "")
    return one


@pytest.mark.parametrize(
    ("drills", "code"),
    [
        ([drill()], PASSED),
        ([drill(), drill(passed=False)], FAILED),
        ([drill(), drill(harness="9 of 100 left out")], BROKEN),
        ([drill(harness="9 of 100 left out"), drill(passed=False)], FAILED),
    ],
)
def test_an_alert_that_breaks_a_promise_weighs_more_than_a_slow_machine(
    drills: list[Drill], code: int
) -> None:
    assert exit_code(drills) == code


def test_each_drill_has_its_own_speed_unless_a_slower_one_is_given(project: Project) -> None:
    assert [play.time_scale for play in plays(project, QUICK, None)] == [
        FAULTS[name].time_scale for name in QUICK
    ]
    assert {play.time_scale for play in plays(project, QUICK, 15)} == {15}
    [slow] = plays(project, ["DatabaseDown"], 60)
    assert slow.time_scale == FAULTS["DatabaseDown"].time_scale < 60


def test_what_waits_longest_is_known_before(project: Project) -> None:
    quick, slow = plays(project, ["TargetDown"], 60), plays(project, ["TargetDown"], 30)
    assert slow[0].long == 2 * quick[0].long > 0


def test_alerts_may_be_named_with_commas_or_blanks() -> None:
    assert _parser().parse_args(["TargetDown,Deadlocks", "HighOrderFailureRate"]).alert == [
        ["TargetDown", "Deadlocks"],
        ["HighOrderFailureRate"],
    ]


def test_an_alert_without_a_drill_is_refused_with_the_one_that_was_meant(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        _parser().parse_args(["TargetDwn"])
    assert ended.value.code == 2
    assert "did you mean 'TargetDown'" in capsys.readouterr().err
