"""The switch, closed and opened while the rest works, fails, hangs or comes too late."""

import asyncio
import io
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from bot import switching
from bot.adapters.control import ControlDirectory
from bot.desk import Desk, Pace
from bot.domain import health
from bot.domain.mode import Mode
from bot.domain.picture import Picture, draw
from bot.domain.plan import Limits
from bot.domain.switch import Level, Switch
from bot.log import open_log
from bot.metrics import instruments
from bot.ports import OutcomeUnknown, TryAgain
from bot.switching import DATABASE, FILE, keep_switch, set_level
from config.spec.load import load_metrics
from tests.bot.fakes import FakeExchange, FakeStore
from tests.bot.made_control import control_directory
from tests.bot.test_protection import position

CONFIG = Path(__file__).parents[2] / "config"
DOWN = TryAgain("database: connection refused")


class QuietAccount:
    def entries_halted(self) -> str:
        return ""


@dataclass(slots=True, kw_only=True)
class Frozen(FakeStore):
    """Does and answers nothing about the switch until it is thawed."""

    thawed: asyncio.Event = field(default_factory=asyncio.Event)

    async def switch(self) -> Switch:
        await self.thawed.wait()
        return await FakeStore.switch(self)

    async def set_switch(self, switch: Switch) -> Switch:
        await self.thawed.wait()
        return await FakeStore.set_switch(self, switch)


@dataclass(slots=True, kw_only=True)
class Slow(FakeStore):
    """The first writing hangs until it is let go, those after it do not."""

    hangs: bool = True
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def set_switch(self, switch: Switch) -> Switch:
        if self.hangs:
            self.hangs = False
            self.begun.set()
            await self.let_go.wait()
        return await FakeStore.set_switch(self, switch)


def seen(*positions: str, age: float = 0) -> Picture:
    return draw(
        positions=[position(quantity) for quantity in positions],
        orders=[],
        live=[],
        missing=[],
        contracts={},
        hedged=True,
        read_at=datetime.now(UTC) - timedelta(seconds=age),
    )


def a_desk(control: Path, store: FakeStore) -> Desk:
    catalogue, _ = load_metrics(CONFIG)
    desk = Desk(
        exchange=FakeExchange(),
        account=QuietAccount(),
        store=store,
        control=ControlDirectory(control),
        metrics=instruments(catalogue, CollectorRegistry()),
        log=open_log("DEBUG", "simulator", [], io.StringIO()),
        mode=Mode.SIMULATOR,
        limits=Limits(
            symbols=frozenset({"BTC-USDT", "ETH-USDT"}),
            max_slippage_percent=Decimal(1),
            max_notional=Decimal(1000),
            default_stop_percent=None,
            max_leverage=10,
        ),
        trading_enabled=True,
        sources=("test",),
        pace=Pace(
            visibility_window=0.1,
            request_window=0.1,
            protect_after=0,
            resend_within=1,
            entry_expiry=1,
            lease=10,
        ),
    )
    desk.checks["database"] = health.passed(health.first("database", 0.0), 0.0)
    desk.epoch, desk.lease_until = 1, time.monotonic() + 1000
    desk.picture = seen()
    return desk


@pytest.fixture
def control(tmp_path: Path) -> Path:
    return control_directory(tmp_path / "control")


@pytest.fixture
def store() -> FakeStore:
    return FakeStore(switches=[Switch(level=Level.OPEN, reason="first", who="the bot", changed_at=ago(3600))])


@pytest.fixture
async def desk(control: Path, store: FakeStore) -> Desk:
    desk = a_desk(control, store)
    await keep_switch(desk)
    assert desk.closed() == ""
    return desk


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


def rows(store: FakeStore) -> list[tuple[int, str, str]]:
    return [(int(row.level), row.reason, row.who) for row in store.switches[1:]]


def gauge(desk: Desk) -> float:
    [family] = desk.metrics.bot_switch_level._gauge.collect()
    return float(family.samples[0].value)


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
    desk = a_desk(control, store)
    desk.switch = Switch(level=Level.OPEN, reason="first", who="the bot", changed_at=ago(60))
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
    desk = a_desk(tmp_path / "missing", store)
    store.fail["switch"] = DOWN
    await set_level(desk, Level.NO_ENTRIES, "stop", "ann")
    control_directory(tmp_path / "missing")
    await keep_switch(desk)
    assert (rows(store), desk.level()) == ([(1, "stop", "ann")], 1)


async def test_a_halt_before_the_switch_was_ever_set_is_written(control: Path) -> None:
    store = FakeStore()
    desk = a_desk(control, store)
    await set_level(desk, Level.NO_ENTRIES, "stop", "ann")
    assert [(row.level, row.reason) for row in store.switches] == [(1, "stop")]


async def test_restarted_after_a_halt_that_the_database_missed_it_is_halted(
    desk: Desk, store: FakeStore, control: Path
) -> None:
    store.fail["set_switch"] = DOWN
    await set_level(desk, Level.CANCEL_ENTRIES, "stop", "ann")
    again = a_desk(control, store)
    assert again.level() == 2
    await keep_switch(again)
    (control / "HALT").unlink()
    await keep_switch(again)
    assert (again.level(), rows(store)) == (2, [(2, f"stop, by ann (file {control}/HALT)", FILE)])


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


async def test_a_person_opens_in_steps(desk: Desk, store: FakeStore, control: Path) -> None:
    await set_level(desk, Level.NO_ENTRIES, "stop", "ann")
    (control / "HALT").unlink()
    outcome = await set_level(desk, Level.OPEN, "mended", "ann", Decimal("0.5"), ("BTC-USDT",))
    assert (outcome.level, outcome.kept_by, outcome.against) == (0, (DATABASE,), ())
    assert (desk.closed(), gauge(desk)) == ("", 0)
    held = store.switches[-1]
    assert (held.level, held.reason, held.size_factor) == (0, "mended", Decimal("0.5"))
    assert (held.symbols, desk.switch) == (("BTC-USDT",), held)


def stop_it(desk: Desk) -> None:
    desk.stopped = "the key is not valid"


def leave(desk: Desk) -> None:
    desk.leaving = True


def fail_a_check(desk: Desk) -> None:
    desk.checks["exchange"] = health.failed(desk.checks["database"], "exchange: no answer", 0.0)


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
    store.fail["set_switch"] = DOWN
    with pytest.raises(TryAgain):
        await set_level(halted, Level.OPEN, "mended", "ann")
    assert halted.level() == 1


async def test_an_opening_that_may_have_been_stored_is_written_over(halted: Desk, store: FakeStore) -> None:
    store.fail["set_switch"] = OutcomeUnknown("database: no answer within 3 s")
    with pytest.raises(OutcomeUnknown):
        await set_level(halted, Level.OPEN, "mended", "ann")
    store.switches.append(Switch(level=Level.OPEN, reason="mended", who="ann", changed_at=ago(0)))
    await keep_switch(halted)
    assert (halted.level(), rows(store)[-1]) == (1, (1, "stop", "ann"))


async def test_a_halt_that_overtakes_an_opening_is_not_undone_by_it(control: Path) -> None:
    first = Switch(level=Level.NO_ENTRIES, reason="stop", who="ann", changed_at=ago(60))
    store = Slow(switches=[first])
    desk = a_desk(control, store)
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
    first = Switch(level=Level.OPEN, reason="first", who="the bot", changed_at=ago(60))
    store = Slow(switches=[first])
    desk = a_desk(control, store)
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


async def test_pressed_again_while_the_database_is_down_it_is_still_kept(
    desk: Desk, store: FakeStore
) -> None:
    await set_level(desk, Level.NO_ENTRIES, "stop", "ann")
    store.fail["switch"] = DOWN
    outcome = await set_level(desk, Level.NO_ENTRIES, "stop", "ann")
    assert (outcome.kept_by, outcome.troubles) == ((FILE, DATABASE), ())


async def test_the_level_is_shown_while_the_database_is_down(
    desk: Desk, store: FakeStore, control: Path
) -> None:
    (control / "tradewatch-control").unlink()
    store.fail["switch"] = DOWN
    with pytest.raises(TryAgain):
        await keep_switch(desk)
    assert gauge(desk) == 1
