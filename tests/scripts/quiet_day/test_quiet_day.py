"""What makes a day quiet, what nearly was an alert, and what a planted fault needs."""

import json
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from config.spec.duration import Duration
from scripts.drill.world import HarnessError
from scripts.quiet_day import __main__ as command
from scripts.quiet_day.pending import Stretch, as_range, needed_of, stretches
from scripts.quiet_day.played import Played, need_evaluated
from scripts.quiet_day.programme import DAY, RESTARTS, need_short

HOUR = 3_600_000
QUIET = Played(part="day", time_scale=240, hours=24, digests=3, beats=1000)


def series(name: str, state: str, *times: float, **labels: str) -> dict[str, Any]:
    metric = {"__name__": "ALERTS", "alertname": name, "alertstate": state, "severity": "warning", **labels}
    return {"metric": metric, "values": [[at, "1"] for at in times]}


def test_a_stretch_ends_where_evaluations_are_missing_and_is_told_in_life() -> None:
    held = [series("Slow", "pending", 10, 11, 12, 30, 31, instance="a")]
    assert stretches(held, {("Slow", "warning"): 4.0}, 1.0, 60) == [
        Stretch(
            alert="Slow", severity="warning", labels="instance=a", times=2, held=120, needed=240, fired=False
        )
    ]


def test_what_fired_is_nearest_and_each_set_of_labels_is_its_own() -> None:
    held = [
        series("Slow", "pending", 1, 2, instance="a"),
        series("Gone", "pending", 1, 2, 3),
        series("Gone", "firing", 4, 5),
        series("Slow", "pending", 1, 2, 3, instance="b"),
    ]
    found = stretches(held, {("Slow", "warning"): 4.0, ("Gone", "warning"): 3.0}, 1.0, 1)
    assert [(one.alert, one.labels, one.share, one.fired) for one in found] == [
        ("Gone", "", 1.0, True),
        ("Slow", "instance=b", 0.5, False),
        ("Slow", "instance=a", 0.25, False),
    ]


@pytest.mark.parametrize(
    ("missed", "told", "is_planted", "proves"),
    [
        (0, (), False, True),
        (0, ("TargetDown",), False, True),
        (0.01, (), False, True),
        (0.06, (), False, False),
        (0.01, ("RulesLate",), False, False),
        (0.01, ("TargetDown",), True, True),
        (0.06, ("TargetDown",), True, False),
    ],
)
def test_what_was_not_evaluated_proves_nothing(
    missed: float, told: tuple[str, ...], is_planted: bool, proves: bool
) -> None:
    played = replace(QUIET, missed=missed, told=list(told))
    with nullcontext() if proves else pytest.raises(HarnessError, match="left out"):
        need_evaluated(played, is_planted=is_planted)


def test_the_longest_for_of_a_level_counts() -> None:
    def rule(name: str, lasts: float, kind: str = "alerting") -> dict[str, Any]:
        return {"type": kind, "name": name, "duration": lasts, "labels": {"severity": "warning"}}

    rules = [rule("A", 1), rule("A", 3), rule("A", 2), rule("B", 0), rule("x", 9, "recording")]
    assert needed_of({"data": {"groups": [{"rules": rules}]}}) == {("A", "warning"): 3, ("B", "warning"): 0}


def test_the_range_shows_every_evaluation() -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    assert as_range(begin, begin, 0.25) == {
        "query": "ALERTS",
        "start": "1767225600.000",
        "end": "1767225600.000",
        "step": "0.250",
    }


@pytest.mark.parametrize(
    "changes",
    [{"told": ["email: x"]}, {"fired": ["A (info)"]}, {"digests": 0}, {"beats": 0}],
    ids=lambda changes: next(iter(changes)),
)
def test_a_day_is_not_quiet_if_anybody_is_told_or_those_who_always_speak_are_silent(
    changes: dict[str, Any],
) -> None:
    assert QUIET.is_quiet
    assert not replace(QUIET, **changes).is_quiet


def test_a_part_that_is_over_before_a_window_opens_needs_no_digest() -> None:
    assert replace(QUIET, digests=0, digest_due=False).is_quiet


def test_a_machine_that_cannot_keep_up_plays_once_more_half_as_fast(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tried: list[tuple[str, float]] = []

    async def play(_: Any, part: Any, scale: float, *others: Any) -> Played:
        tried.append((part.name, scale))
        if part is RESTARTS and scale > 4:
            raise HarnessError("too slow")
        return replace(QUIET, part=part.name, time_scale=scale)

    monkeypatch.setattr(command, "play", play)
    monkeypatch.setattr(command, "FOLDER", tmp_path)
    monkeypatch.setattr("sys.argv", ["quiet_day", "--restart-scale", "8"])
    assert command.main() == command.QUIET
    assert sorted(tried) == [("day", 120), ("restarts", 4), ("restarts", 8)]
    monkeypatch.setattr("sys.argv", ["quiet_day", "--restart-scale", "10"])
    assert command.main() == command.BROKEN
    assert "quiet-day: too slow" in capsys.readouterr().err


def test_a_shorter_day_leaves_out_what_comes_later() -> None:
    short = DAY.until(Duration(4 * HOUR))
    assert short.lasts == Duration(4 * HOUR)
    assert [one.what for one in short.happenings] == [one.what for one in DAY.happenings[:2]]
    assert len(short.traffic) == 1
    assert DAY.until(Duration(24 * HOUR)) == DAY


def test_the_day_has_lulls_and_all_that_is_done_lies_within_it() -> None:
    for part in (DAY, RESTARTS):
        assert all(one.at < part.lasts for one in part.happenings)
        assert all(one.begins < one.ends <= part.lasts for one in part.traffic)
    idle = [after.begins.seconds - before.ends.seconds for before, after in pairwise(DAY.traffic)]
    assert max(idle) >= 6 * 3600


def test_a_restart_that_takes_minutes_of_life_says_nothing_of_alerts() -> None:
    need_short(3, 10, "bot")
    with pytest.raises(HarnessError, match="which are 81 s of life; it may take 45 s: try a smaller"):
        need_short(8.1, 10, "bot")


def test_only_the_fault_of_a_drill_that_needs_no_other_stack_can_be_planted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command.planted_of("TargetDown").what
    with pytest.raises(ValueError, match="did you mean 'TargetDown'"):
        command.planted_of("TargetsDown")
    monkeypatch.setattr("sys.argv", ["quiet_day", "--plant", "TargetsDown"])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 2
    assert "can be planted" in capsys.readouterr().err


def test_the_table_says_what_was_told_what_fired_and_what_is_missing(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    near = Stretch(
        alert="Slow", severity="warning", labels="instance=a", times=1, held=60, needed=240, fired=False
    )
    loud = replace(QUIET, told=["email: Slow"], fired=["Slow (warning)"], digests=0, pending=[near])
    command.show([QUIET, loud])
    said = capsys.readouterr().out
    assert "nothing held for a while\n  QUIET" in said
    for line in ("TOLD   email: Slow", "FIRED  Slow (warning)", "MISSING  no digest came", "NOT QUIET"):
        assert f"  {line}" in said
    assert "Slow (warning)    25%   1m       4m   instance=a" in said
    monkeypatch.setattr(command, "FOLDER", tmp_path)
    command.save([QUIET, loud])
    assert [part["quiet"] for part in json.loads((tmp_path / "report.json").read_text())] == [True, False]
