"""What `make drill` does when the machine cannot keep up: it tries once more, half as fast."""

import sys
from collections.abc import Callable

import pytest

from scripts.drill import __main__ as command
from scripts.drill.verdict import Drill
from scripts.drill.world import HarnessError
from scripts.stack.local import StackError


def runs(
    monkeypatch: pytest.MonkeyPatch, ends: list[Exception | None], scale: str = "60"
) -> tuple[int, list[float]]:
    """Run the command with drills that end so, one after the other; return its exit code and their speeds."""
    scales: list[float] = []

    async def run(names: list[str], time_scale: float, say: Callable[[str], None]) -> list[Drill]:
        scales.append(time_scale)
        if (error := ends[len(scales) - 1]) is not None:
            raise ExceptionGroup("drills", [error])
        (drill,) = (Drill(alert=name, severity="critical", time_scale=time_scale) for name in names)
        drill.judge("all went well", True, "")
        return [drill]

    monkeypatch.setattr(command, "_run", run)
    monkeypatch.setattr(command, "save", lambda drills, file: None)
    monkeypatch.setattr(sys, "argv", ["drill", "HighOrderFailureRate", "--time-scale", scale])
    return command.main(), scales


def test_a_machine_that_cannot_keep_up_gets_one_more_attempt_half_as_fast(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert runs(monkeypatch, [HarnessError("12 evaluations were left out"), None]) == (0, [60, 30])
    said = capsys.readouterr()
    assert "12 evaluations were left out" in said.err
    assert "once more, half as fast" in said.out


def test_one_attempt_more_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    assert runs(monkeypatch, [HarnessError("slow"), HarnessError("slow still")]) == (3, [60, 30])


@pytest.mark.parametrize(
    "error",
    [
        StackError("postgres did not start"),
        ExceptionGroup("both", [HarnessError("slow"), StackError("dead")]),
    ],
)
def test_what_has_another_cause_is_not_tried_again(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    assert runs(monkeypatch, [error]) == (3, [60])


def test_a_slow_drill_is_not_made_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    assert runs(monkeypatch, [HarnessError("slow")], scale="15") == (3, [15])
