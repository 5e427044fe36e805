"""Which drill is played where, and which one is played again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from config.spec.duration import Duration
from scripts.drill.causes import deadlock_broken, orders_rejected
from scripts.drill.fault import Daily, Fault, Script, Setup
from scripts.drill.lanes import Lanes, Play
from scripts.drill.verdict import Drill, Verdict
from scripts.stack.local import StackError


def play(name: str, long: float = 1, scale: float = 60, leaves: str = "", setup: Setup | None = None) -> Play:
    fault = Fault(what="", cause=orders_rejected, mend=(Script(),), leaves=leaves, setup=setup or Setup())
    return Play(alert=name, fault=fault, time_scale=scale, long=long)


class Theatre:
    """Stacks that are numbers; a drill in `ends` ends so, the others pass."""

    def __init__(self, **ends: str) -> None:
        self.ends = ends
        self.stacks: list[list[str]] = []
        self.starting = self.most_starting = self.open = self.most_open = 0

    @asynccontextmanager
    async def stack(self, first: Play, lane: int) -> AsyncIterator[list[str]]:
        self.starting += 1
        self.most_starting = max(self.most_starting, self.starting)
        await asyncio.sleep(0)
        self.starting -= 1
        if self.ends.get(first.alert) == "no stack":
            raise StackError("postgres did not start")
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        self.stacks.append([])
        try:
            yield self.stacks[-1]
        finally:
            self.open -= 1

    async def perform(self, stack: list[str], one: Play) -> Drill:
        for _ in range(5):  # as long as it takes the other lanes to start
            await asyncio.sleep(0)
        stack.append(f"{one.alert} at {one.time_scale:g}")
        end = self.ends.get(one.alert, "")
        harness = "slow" if end == "always slow" or (end == "slow" and not one.is_last_try) else ""
        drill = Drill(alert=one.alert, severity="warning", time_scale=one.time_scale, harness=harness)
        drill.judge("firing", end != "fails", "")
        return drill

    def failed(self, one: Play, error: Exception) -> Drill:
        return Drill(alert=one.alert, severity="warning", time_scale=one.time_scale, harness=str(error))


async def played(theatre: Theatre, *every: Play, width: int = 1) -> list[Drill]:
    drills: list[Drill] = []
    lanes = Lanes(theatre, every, ended=drills.append, errors=(StackError,))
    await lanes.play(width)
    return drills


async def test_drills_that_need_the_same_stack_share_it_and_the_longest_is_first() -> None:
    theatre = Theatre()
    await played(theatre, play("Short", 1), play("Long", 9), play("Middle", 5))
    assert theatre.stacks == [["Long at 60", "Middle at 60", "Short at 60"]]


async def test_another_speed_or_another_setup_is_another_stack() -> None:
    theatre = Theatre()
    other = Setup(bot={"LOG_LEVEL": "DEBUG"})
    await played(theatre, play("A", 4), play("B", 3, scale=240), play("C", 2, setup=other), play("D", 1))
    assert theatre.stacks == [["A at 60", "D at 60"], ["B at 240"], ["C at 60"]]


async def test_a_drill_that_leaves_something_is_the_last_one_in_its_stack() -> None:
    theatre = Theatre()
    await played(theatre, play("A", 9), play("Dirty", 5, leaves="a lost table"), play("B", 1))
    assert theatre.stacks == [["A at 60", "B at 60", "Dirty at 60"]]


async def test_a_drill_that_waits_for_the_wall_clock_is_alone_in_its_stack() -> None:
    theatre = Theatre()
    daily = Daily(
        what="",
        cause=deadlock_broken,
        every=Duration(1),
        beside="B",
        beside_what="",
        beside_cause=deadlock_broken,
    )
    await played(theatre, Play(alert="Daily", fault=daily, time_scale=60, long=9), play("A"))
    assert theatre.stacks == [["Daily at 60"], ["A at 60"]]


async def test_after_a_failure_the_next_one_gets_a_new_stack() -> None:
    theatre = Theatre(A="fails")
    drills = await played(theatre, play("A", 9), play("B", 1))
    assert theatre.stacks == [["A at 60"], ["B at 60"]]
    assert [drill.verdict for drill in drills] == [Verdict.FAILED, Verdict.PASSED]


async def test_what_was_too_fast_for_the_machine_is_played_once_more_half_as_fast() -> None:
    theatre = Theatre(A="slow")
    [drill] = await played(theatre, play("A"))
    assert theatre.stacks == [["A at 60"], ["A at 30"]]
    assert drill.verdict is Verdict.PASSED


@pytest.mark.parametrize("scale", [60.0, 15.0])
async def test_it_is_not_tried_for_ever(scale: float) -> None:
    theatre = Theatre(A="always slow")
    [drill] = await played(theatre, play("A", scale=scale))
    assert drill.verdict is Verdict.HARNESS
    assert len(theatre.stacks) == (2 if scale == 60 else 1)


async def test_a_stack_that_does_not_come_up_says_nothing_of_the_alert_and_the_others_are_played() -> None:
    theatre = Theatre(A="no stack")
    drills = await played(theatre, play("A", 9), play("B", 1))
    assert {drill.alert: drill.verdict for drill in drills} == {"A": Verdict.HARNESS, "B": Verdict.PASSED}


async def test_stacks_are_up_side_by_side_and_start_one_after_the_other() -> None:
    theatre = Theatre()
    every = [play(f"A{number}", scale=60 + number) for number in range(6)]
    assert len(await played(theatre, *every, width=3)) == 6
    assert theatre.most_starting == 1
    assert 1 < theatre.most_open <= 3
