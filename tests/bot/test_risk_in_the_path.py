"""Risk where signals are decided on: beside each other, by their date and the equity; in the application."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.domain.order import Event, State
from bot.domain.reason import code_of
from bot.intake import decide, on_signal
from bot.ports import Incoming, OutcomeUnknown, SignalRow, TryAgain
from tests.bot.desks import RICH
from tests.bot.fakes import FakeStore
from tests.bot.play import CONFIG, Exchange, get, running_bot
from tests.bot.room import Room, make_room

LONG, SHORT = "BUY BTCUSDT 0.1 @ 60000 SL 59000", "SELL BTCUSDT 0.1 @ 60000 SL 61000"


class Together(FakeStore):
    """Takes its time over a signal, so that the next one is decided before it is committed."""

    async def admit(self, row: SignalRow, epoch: int | None) -> SignalRow | None:
        for _ in range(5):
            await asyncio.sleep(0)
        return await FakeStore.admit(self, row, epoch)


@pytest.fixture
async def room() -> Room:
    made = await make_room()
    store = made.store
    made.store = made.desk.store = Together(
        switches=store.switches, lease=store.lease, bound=store.bound, clock=store.clock
    )
    return made


def limit(room: Room, **limits: Any) -> None:
    room.desk.limits = replace(room.desk.limits, **limits)


async def reasons(room: Room, *texts: str) -> list[str]:
    """Of signals that come at once."""
    told = await asyncio.gather(*(room.send(text, id_=str(n)) for n, text in enumerate(texts)))
    return [code_of(row.reason) for _, row in told]


class Unheard(FakeStore):
    """Commits, and loses its first answer."""

    async def admit(self, row: SignalRow, epoch: int | None) -> SignalRow | None:
        kept = await FakeStore.admit(self, row, epoch)
        if len(self.rows) == 1:
            raise OutcomeUnknown("no answer")
        return kept


@pytest.mark.parametrize(
    ("limits", "later", "is_sent"),
    [
        ({}, LONG, True),
        ({"max_trades_per_direction": 1}, LONG, False),
        ({"max_positions": 1}, SHORT, False),
        ({"max_total_notional": Decimal(11999)}, SHORT, False),
        ({"symbols": frozenset(("ETH-USDT",))}, "BUY", False),
    ],
)
async def test_what_goes_out_later_passes_the_limits_of_then(
    limits: dict[str, Any], later: str, is_sent: bool
) -> None:
    room = await make_room()
    store = room.store
    room.store = room.desk.store = Unheard(
        switches=store.switches, lease=store.lease, bound=store.bound, clock=store.clock
    )
    room.desk.pace = replace(room.desk.pace, resend_within=30)
    with pytest.raises(OutcomeUnknown):
        await room.send(LONG, id_="1")
    limit(room, **limits)
    await room.send(later, id_="2")
    for _ in range(20):
        room.desk.market = replace(room.desk.market, priced_at=room.now)
        await room.resolve_for(1)
    first = room.store.orders()[0]
    assert (first.state is State.FILLED) is is_sent, first.reason


def dated(room: Room, age: float) -> Incoming:
    at = room.desk.wall() - timedelta(seconds=age)
    return Incoming(source="test", chat="c", message_id="1", text=LONG, sent_at=at)


async def test_two_at_once_do_not_both_take_what_is_left_of_a_cap(room: Room) -> None:
    limit(room, max_total_notional=Decimal(9000))
    assert await reasons(room, LONG, LONG, LONG) == ["none", "none", "max_notional"]
    assert [order.quantity for order in room.store.orders()] == [Decimal("0.1"), Decimal("0.05")]


@pytest.mark.parametrize(
    ("limits", "texts", "told"),
    [
        ({"max_trades_per_direction": 1}, (LONG, LONG, SHORT), ["none", "duplicate_direction", "none"]),
        ({"max_positions": 1}, (LONG, SHORT, LONG), ["none", "max_positions", "none"]),
        ({"source_caps": {"test": Decimal(6000)}}, (LONG, SHORT), ["none", "max_notional"]),
        ({"source_caps": {"http": Decimal(1)}}, (LONG, SHORT), ["none", "none"]),
        ({"symbol_caps": {"BTC-USDT": Decimal(6000)}}, (LONG, SHORT), ["none", "max_notional"]),
    ],
)
async def test_signals_at_once_are_counted_beside_each_other(
    room: Room, limits: dict[str, Any], texts: tuple[str, ...], told: list[str]
) -> None:
    limit(room, **limits)
    assert await reasons(room, *texts) == told


async def test_what_is_held_is_counted_beside_what_comes_later(room: Room) -> None:
    limit(room, max_trades_per_direction=1)
    assert [*await reasons(room, LONG), *await again(room)] == ["none", "duplicate_direction"]


async def test_what_was_not_committed_takes_nothing(room: Room) -> None:
    limit(room, max_trades_per_direction=1)
    room.store.fail["admit"] = TryAgain("the database is down")
    with pytest.raises(TryAgain):
        await room.send(LONG, id_="1")
    assert await reasons(room, LONG) == ["none"]


async def test_what_ended_unfilled_takes_nothing(room: Room) -> None:
    limit(room, max_trades_per_direction=1)
    room.exchange.takes = Event.CANCELLED
    assert [*await reasons(room, LONG), *await again(room)] == ["none", "none"]


async def again(room: Room) -> list[str]:
    _, row = await room.send(LONG, id_="again")
    return [code_of(row.reason)]


async def test_a_message_that_comes_again_gets_its_first_answer_and_not_a_refusal(room: Room) -> None:
    limit(room, max_trades_per_direction=1)
    first, again = await room.send(LONG), await room.send(LONG)
    assert (first[1].reason, again[1].reason, again[0]) == (None, None, "duplicate")


@pytest.mark.parametrize(
    ("age", "told"), [(120, "none"), (121, "stale"), (-5, "none"), (-6, "future"), (10**7, "stale")]
)
async def test_an_old_message_opens_nothing_nor_does_one_of_later(room: Room, age: float, told: str) -> None:
    _, row = await on_signal(room.desk, dated(room, age))
    assert code_of(row.reason) == told


async def test_age_goes_by_the_clock_of_the_exchange(room: Room) -> None:
    """Ours is 100 s behind: what seems to be of later is of just now."""
    room.desk.clock_offset = 100.0
    told = {age: code_of(decide(room.desk, dated(room, age)).reason) for age in (-100, -106, 20, 21)}
    assert told == {-100: "none", -106: "future", 20: "none", 21: "stale"}


async def test_an_equity_that_was_read_too_long_ago_sizes_nothing(room: Room) -> None:
    room.desk.money = replace(RICH, measured_at=room.now)
    room.desk.market = replace(room.desk.market, priced_at=10.0**9)
    room.now += 60
    assert decide(room.desk, dated(room, 0)).plan
    room.now += 1
    decision = decide(room.desk, dated(room, 0))
    assert (decision.plan, code_of(decision.reason)) == (None, "no_equity")


async def test_at_the_loss_of_the_day_nothing_is_entered_even_before_the_switch_is_set(room: Room) -> None:
    room.desk.money = replace(RICH, unrealised=Decimal(-1000))
    assert await reasons(room, LONG) == ["daily_loss"]


async def test_with_the_limits_that_are_shipped_the_guides_order_trades_once(
    dsn: str, exchange: Exchange
) -> None:
    async with running_bot(dsn, exchange.url, CONFIG_DIR=str(CONFIG)) as bot:
        _, first = await bot.order()
        status, second = await bot.order(id_="2")
        _, health = await get(f"{bot.url}/health")
    assert (first["verdict"], first["order"]["quantity"]) == ("accepted", "0.1")
    assert (status, code_of(second["reason"])) == (422, "duplicate_direction")
    assert health["checks"]["money"]["ok"]
