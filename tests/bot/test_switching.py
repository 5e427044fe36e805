"""The switch, closed while the rest works, fails, hangs or comes too late."""

import asyncio
import os
from pathlib import Path

import pytest

from bot import switching
from bot.desk import Desk
from bot.domain.switch import Level, Switch
from bot.ports import OutcomeUnknown, TryAgain
from bot.switching import DATABASE, FILE, keep_switch, see_halt, set_level
from tests.bot.fakes import FakeStore
from tests.bot.made_control import control_directory
from tests.bot.switch_desk import Frozen, a_row, gauge, open_desk, rows, switch_desk

DOWN = TryAgain("database: connection refused")


@pytest.fixture
def store() -> FakeStore:
    return FakeStore(switches=[a_row(0, "first")])


@pytest.fixture
async def desk(control: Path, store: FakeStore) -> Desk:
    return await open_desk(control, store)


async def test_a_halt_is_kept_by_file_and_database(desk: Desk, store: FakeStore, control: Path) -> None:
    desk.look_now.clear()
    outcome = await set_level(desk, Level.CANCEL_ENTRIES, "too wild", "ann")
    assert (outcome.level, outcome.kept_by, outcome.troubles) == (2, (FILE, DATABASE), ())
    assert (control / "HALT").read_text() == "2 too wild, by ann\n"
    assert rows(store) == [(2, "too wild", "ann")]
    assert (desk.level(), desk.switch_kept, desk.look_now.is_set(), gauge(desk)) == (2, True, True, 2)


async def test_a_halt_raises_and_never_lowers(desk: Desk, store: FakeStore, control: Path) -> None:
    for level in (1, 3, 1, 2, 3):
        await switching.halt(desk, Level(level), f"level {level}", "ann")
    assert rows(store) == [(1, "level 1", "ann"), (3, "level 3", "ann")]
    assert (control / "HALT").read_text() == "3 level 3, by ann\n"
    assert desk.level() == 3


@pytest.mark.parametrize("failure", [DOWN, OutcomeUnknown("database: connection lost")])
async def test_with_the_database_down_the_file_keeps_it_until_the_database_is_back(
    desk: Desk, store: FakeStore, failure: Exception
) -> None:
    store.fail["set_switch"] = failure
    outcome = await set_level(desk, Level.NO_ENTRIES, "stop", "ann")
    assert (outcome.level, outcome.kept_by) == (1, (FILE,))
    assert outcome.troubles == (f"the database does not know it yet, and is told when it answers: {failure}",)
    assert (rows(store), desk.switch_kept) == ([], False)
    await keep_switch(desk)
    assert (rows(store), desk.switch_kept) == ([(1, "stop", "ann")], True)
    await keep_switch(desk)
    assert len(rows(store)) == 1


async def test_with_the_database_frozen_nothing_leaves_at_once_and_the_answer_comes_soon(
    control: Path,
) -> None:
    store = Frozen()
    desk = switch_desk(control, store)
    desk.switch = a_row(0, "first")
    store.switches.append(desk.switch)
    keeping = asyncio.create_task(keep_switch(desk))
    asking = asyncio.create_task(set_level(desk, Level.NO_ENTRIES, "stop", "ann"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert desk.closed()
    outcome = await asking
    assert outcome.kept_by == (FILE,)
    assert "no answer within 1 s" in outcome.troubles[0]
    store.thawed.set()
    await keeping
    assert rows(store) == [(1, "stop", "ann")]
    assert desk.switch_kept


async def test_without_a_control_directory_the_database_keeps_it(
    desk: Desk, store: FakeStore, control: Path
) -> None:
    (control / "tradewatch-control").unlink()
    outcome = await set_level(desk, Level.FLATTEN, "stop", "ann")
    assert (outcome.level, outcome.kept_by) == (3, (DATABASE,))
    assert outcome.troubles[0].startswith("the HALT file was not written: no ")
    assert rows(store) == [(3, "stop", "ann")]


async def test_with_nothing_to_keep_it_it_holds_all_the_same(
    desk: Desk, store: FakeStore, control: Path
) -> None:
    (control / "tradewatch-control").rename(control / "elsewhere")
    store.fail["switch"] = DOWN
    outcome = await set_level(desk, Level.NO_ENTRIES, "", "")
    assert (outcome.kept_by, len(outcome.troubles)) == ((), 2)
    (control / "elsewhere").rename(control / "tradewatch-control")
    assert desk.closed() == "halted: no reason given (level 1, by nobody)"
    await keep_switch(desk)
    assert rows(store) == [(1, "no reason given", "nobody")]


async def test_halted_before_anything_was_read_it_stays_halted(store: FakeStore, tmp_path: Path) -> None:
    desk = switch_desk(tmp_path / "missing", store)
    store.fail["switch"] = DOWN
    await set_level(desk, Level.NO_ENTRIES, "stop", "ann")
    control_directory(tmp_path / "missing")
    await keep_switch(desk)
    assert (rows(store), desk.level()) == ([(1, "stop", "ann")], 1)


async def test_a_halt_before_the_switch_was_ever_set_is_written(control: Path) -> None:
    store = FakeStore()
    desk = switch_desk(control, store)
    await set_level(desk, Level.NO_ENTRIES, "stop", "ann")
    assert [(row.level, row.reason) for row in store.switches] == [(1, "stop")]


async def test_restarted_after_a_halt_that_the_database_missed_it_is_halted(
    desk: Desk, store: FakeStore, control: Path
) -> None:
    store.fail["set_switch"] = DOWN
    await set_level(desk, Level.CANCEL_ENTRIES, "stop", "ann")
    again = switch_desk(control, store)
    assert again.level() == 2
    await keep_switch(again)
    (control / "HALT").unlink()
    await keep_switch(again)
    assert (again.level(), rows(store)) == (2, [(2, f"stop, by ann (file {control}/HALT)", FILE)])


async def test_restarted_it_still_knows_who_halted_it_and_when(
    desk: Desk, store: FakeStore, control: Path
) -> None:
    await set_level(desk, Level.NO_ENTRIES, "too wild", "ann")
    again = switch_desk(control, store)
    see_halt(again)
    await keep_switch(again)
    assert (again.switch, rows(store)) == (store.switches[-1], [(1, "too wild", "ann")])


async def test_taking_the_halt_file_away_re_opens_nothing(
    desk: Desk, store: FakeStore, control: Path
) -> None:
    (control / "HALT").write_text("3 the key was stolen")
    assert desk.level() == 3
    store.fail["switch"] = DOWN
    with pytest.raises(TryAgain):
        await keep_switch(desk)
    (control / "HALT").unlink()
    assert (desk.level(), gauge(desk)) == (3, 3)
    await keep_switch(desk)
    assert rows(store) == [(3, f"the key was stolen (file {control}/HALT)", FILE)]


async def test_a_lost_directory_closes_while_it_is_lost_and_is_not_remembered(
    desk: Desk, store: FakeStore, control: Path
) -> None:
    os.rename(control, f"{control}-elsewhere")
    await keep_switch(desk)
    assert (desk.level(), gauge(desk), rows(store)) == (1, 1, [])
    assert "mount the control directory" in desk.closed()
    os.rename(f"{control}-elsewhere", control)
    await keep_switch(desk)
    assert (desk.closed(), gauge(desk)) == ("", 0)


async def test_what_another_instance_decides_is_followed(desk: Desk, store: FakeStore) -> None:
    await store.set_switch(Switch(level=Level.CANCEL_ENTRIES, reason="there", who="bob"))
    await keep_switch(desk)
    assert desk.level() == 2
    await store.set_switch(Switch(level=Level.OPEN, reason="fine again", who="bob"))
    await keep_switch(desk)
    assert desk.closed() == ""


async def test_a_database_restored_from_a_backup_re_opens_nothing(
    desk: Desk, store: FakeStore, control: Path
) -> None:
    await set_level(desk, Level.CANCEL_ENTRIES, "stop", "ann")
    (control / "HALT").unlink()
    del store.switches[1:]
    await keep_switch(desk)
    assert (desk.level(), rows(store)) == (2, [(2, "stop", "ann")])
    store.switches.clear()
    await keep_switch(desk)
    assert [row.reason for row in store.switches] == ["stop"]


async def test_pressed_again_while_the_database_is_down_it_is_still_kept(
    desk: Desk, store: FakeStore
) -> None:
    await set_level(desk, Level.NO_ENTRIES, "stop", "ann")
    store.fail["switch"] = DOWN
    outcome = await set_level(desk, Level.NO_ENTRIES, "stop", "ann")
    assert (outcome.kept_by, outcome.troubles) == ((FILE, DATABASE), ())


async def test_a_lost_directory_is_shown_while_the_database_is_down(desk: Desk, control: Path) -> None:
    (control / "tradewatch-control").unlink()
    see_halt(desk)
    assert gauge(desk) == 1
