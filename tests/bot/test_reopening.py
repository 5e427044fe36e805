"""The switch, opened by a person: in steps, and not while anything speaks against it."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from bot.adapters.control import ControlDirectory
from bot.desk import Desk
from bot.domain import health
from bot.domain.switch import Level
from bot.ports import OutcomeUnknown, TryAgain
from bot.switching import DATABASE, keep_switch, set_level
from tests.bot.fakes import FakeStore
from tests.bot.switch_desk import Slow, a_row, gauge, open_desk, rows, seen, switch_desk


@pytest.fixture
def store() -> FakeStore:
    return FakeStore(switches=[a_row(0, "first")])


@pytest.fixture
async def desk(control: Path, store: FakeStore) -> Desk:
    return await open_desk(control, store)


async def test_a_person_opens_in_steps(desk: Desk, store: FakeStore, control: Path) -> None:
    await set_level(desk, Level.NO_ENTRIES, "stop", "ann")
    (control / "HALT").unlink()
    outcome = await set_level(desk, Level.OPEN, "mended", "ann", Decimal("0.5"), ("BTC-USDT",))
    assert (outcome.level, outcome.kept_by, outcome.against) == (0, (DATABASE,), ())
    assert (desk.closed(), gauge(desk)) == ("", 0)
    held = store.switches[-1]
    assert (held.level, held.reason, held.size_factor) == (0, "mended", Decimal("0.5"))
    assert (held.symbols, desk.switch) == (("BTC-USDT",), held)


async def test_a_database_restored_from_a_backup_does_not_skip_a_step(
    desk: Desk, store: FakeStore, control: Path
) -> None:
    await set_level(desk, Level.OPEN, "half for a start", "ann", Decimal("0.5"))
    del store.switches[1:]
    await keep_switch(desk)
    assert (desk.switch, store.switches[-1].size_factor) == (store.switches[-1], Decimal("0.5"))


def stop_it(desk: Desk) -> None:
    desk.stopped = "the key is not valid"


def leave(desk: Desk) -> None:
    desk.leaving = True


def fail_a_check(desk: Desk) -> None:
    desk.checks["exchange"] = health.failed(desk.checks["account"], "exchange: no answer", 0.0)


def disable(desk: Desk) -> None:
    desk.trading_enabled = False


def never_look(desk: Desk) -> None:
    desk.picture = None


def look_long_ago(desk: Desk) -> None:
    desk.picture = seen(age=100)


def bare(desk: Desk) -> None:
    desk.picture = seen("0.25")


def drop_a_file(desk: Desk) -> None:
    assert isinstance(desk.control, ControlDirectory)
    desk.control.file.write_text("1 I am on it")


def lose_the_directory(desk: Desk) -> None:
    assert isinstance(desk.control, ControlDirectory)
    (desk.control.path / "tradewatch-control").unlink()


AGAINST: dict[Callable[[Desk], None], str] = {
    stop_it: "trading stopped until a person restarts the bot: the key is not valid",
    leave: "the bot is stopping",
    fail_a_check: "exchange: no answer",
    disable: "TRADING_ENABLED is not true: start the bot with TRADING_ENABLED=true",
    drop_a_file: "there is a HALT file: I am on it (file ",
    lose_the_directory: "no ",
    never_look: "not reconciled with the exchange yet",
    look_long_ago: "the account was last read 100 s ago",
    bare: "BTC-USDT long: 0.25 of 0.25 has no stop; place one, close it or adopt it",
}


@pytest.fixture
async def halted(desk: Desk, control: Path) -> Desk:
    await set_level(desk, Level.NO_ENTRIES, "stop", "ann")
    (control / "HALT").unlink()
    return desk


@pytest.mark.parametrize("wrong", AGAINST, ids=lambda wrong: wrong.__name__)
async def test_each_thing_that_is_wrong_keeps_it_closed(
    halted: Desk, store: FakeStore, wrong: Callable[[Desk], None]
) -> None:
    wrong(halted)
    outcome = await set_level(halted, Level.OPEN, "mended", "ann")
    assert [reason[: len(AGAINST[wrong])] for reason in outcome.against] == [AGAINST[wrong]]
    assert (outcome.level, halted.level(), len(rows(store))) == (1, 1, 1)


async def test_all_reasons_come_at_once(halted: Desk) -> None:
    for wrong in (stop_it, fail_a_check, disable, drop_a_file, bare):
        wrong(halted)
    outcome = await set_level(halted, Level.OPEN, " ", "ann")
    assert [reason.split(":")[0] for reason in outcome.against] == [
        "trading stopped until a person restarts the bot",
        "exchange",
        "TRADING_ENABLED is not true",
        "there is a HALT file",
        "BTC-USDT long",
        "a reason is missing",
    ]


async def test_from_strict_to_less_strict_is_opening_too(desk: Desk, store: FakeStore, control: Path) -> None:
    await set_level(desk, Level.FLATTEN, "stop", "ann")
    outcome = await set_level(desk, Level.NO_ENTRIES, "all is closed", "ann")
    assert (outcome.level, len(outcome.against)) == (3, 1)
    (control / "HALT").unlink()
    desk.trading_enabled = False  # is no reason against a level that is not open
    outcome = await set_level(desk, Level.NO_ENTRIES, "all is closed", "ann")
    assert (outcome.level, outcome.against, rows(store)[-1]) == (1, (), (1, "all is closed", "ann"))


async def test_what_the_database_does_not_take_is_not_opened(halted: Desk, store: FakeStore) -> None:
    store.fail["set_switch"] = TryAgain("database: connection refused")
    with pytest.raises(TryAgain):
        await set_level(halted, Level.OPEN, "mended", "ann")
    assert halted.level() == 1


async def test_an_opening_that_may_have_been_stored_is_written_over(halted: Desk, store: FakeStore) -> None:
    store.fail["set_switch"] = OutcomeUnknown("database: no answer within 3 s")
    with pytest.raises(OutcomeUnknown):
        await set_level(halted, Level.OPEN, "mended", "ann")
    store.switches.append(a_row(0, "mended", age=0))
    await keep_switch(halted)
    assert (halted.level(), rows(store)[-1]) == (1, (1, "stop", "ann"))


async def test_a_halt_that_overtakes_an_opening_is_not_undone_by_it(control: Path) -> None:
    store = Slow(switches=[a_row(1, "stop")])
    desk = switch_desk(control, store)
    await keep_switch(desk)
    opening = asyncio.create_task(set_level(desk, Level.OPEN, "mended", "ann"))
    await store.begun.wait()
    assert (await set_level(desk, Level.CANCEL_ENTRIES, "no, wait", "bob")).level == 2
    store.let_go.set()
    assert (await opening).against == ("somebody halted it at the same moment",)
    (control / "HALT").unlink()
    await keep_switch(desk)
    assert (desk.level(), store.switches[-1].reason) == (2, "no, wait")


async def test_a_halt_that_overtakes_a_milder_one_is_not_undone_by_it(control: Path) -> None:
    store = Slow(switches=[a_row(0, "first")])
    desk = switch_desk(control, store)
    await keep_switch(desk)
    milder = asyncio.create_task(set_level(desk, Level.NO_ENTRIES, "stop", "ann"))
    await store.begun.wait()
    stricter = asyncio.create_task(set_level(desk, Level.FLATTEN, "all of it", "bob"))
    await asyncio.sleep(0)
    store.let_go.set()
    await asyncio.wait({milder, stricter})
    (control / "HALT").unlink()
    await keep_switch(desk)
    assert (desk.level(), store.switches[-1].reason) == (3, "all of it")
