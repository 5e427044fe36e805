"""Signals that come at the same time, or faster than the bot looks at the account."""

import asyncio
import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

import pytest

from bot.desk import stop_trading
from bot.domain import health
from bot.domain.account import Balance, ExchangeOrder, Leverage, MarginType, Position, PositionSide
from bot.domain.market import Market
from bot.domain.order import Event, State
from bot.domain.reason import Verdict
from bot.keeper import look
from bot.lease import hold_lease
from bot.log import open_log
from bot.ports import OutcomeUnknown, SignalRow, TryAgain
from bot.terms import read_terms
from tests.bot.fake_exchange import FakeExchange
from tests.bot.fakes import FakeStore
from tests.bot.room import Room, renewed
from tests.bot.test_protection import position, trade

BUY, SELL = "BUY BTCUSDT 0.1 @ 59000", "SELL BTCUSDT 0.1 @ 61000"


async def test_in_one_way_mode_the_other_side_is_refused_before_the_next_look(room: Room) -> None:
    room.desk.hedged = False
    room.exchange.takes = Event.ACCEPTED
    await room.send(BUY)
    verdict, row = await room.send(SELL, id_="2")
    assert (verdict, (row.reason or "").partition(":")[0]) == (Verdict.REFUSED, "opposite_position")


async def test_of_both_sides_at_once_only_one_leaves_in_one_way_mode(room: Room) -> None:
    room.store = await renewed(room, Together())
    room.desk.hedged = False
    await asyncio.gather(room.send(BUY), room.send(SELL, id_="2"))
    assert len(room.exchange.sent) == 1
    (late,) = (order for order in room.store.orders() if order.state is State.NOT_SENT)
    assert (late.reason or "").startswith("opposite_position: ")


async def test_in_hedge_mode_both_sides_leave(room: Room) -> None:
    room.store = await renewed(room, Together())
    await asyncio.gather(room.send(BUY), room.send(SELL, id_="2"))
    assert len(room.exchange.sent) == 2


class Together(FakeStore):
    """Takes its time over a signal, so that the next one is decided before it is known."""

    async def admit(self, row: SignalRow, epoch: int | None) -> SignalRow | None:
        for _ in range(5):
            await asyncio.sleep(0)
        return await FakeStore.admit(self, row, epoch)


class Slow(FakeExchange):
    """Each question about leverage takes a while, and a high one is set more slowly."""

    asked: int = 0
    sides: tuple[PositionSide, ...] = ()  # for which leverage was set

    async def leverage(self, symbol: str) -> Leverage:
        found = await FakeExchange.leverage(self, symbol)
        self.asked += 1
        await asyncio.sleep(0)
        return found

    async def balances(self) -> Sequence[Balance]:
        none = Decimal(0)
        return [
            Balance(
                uid="the account",
                asset="USDT",
                balance=none,
                equity=none,
                unrealised=none,
                available=none,
                used=none,
            )
        ]

    async def set_leverage(self, symbol: str, side: PositionSide, leverage: int) -> None:
        self.sides += (side,)
        for _ in range(leverage):
            await asyncio.sleep(0)
        await FakeExchange.set_leverage(self, symbol, side, leverage)


def slow(room: Room) -> Slow:
    exchange = Slow(takes=Event.ACCEPTED)
    room.exchange = room.desk.exchange = room.desk.account = exchange
    return exchange


NEAR, FAR = "BUY BTCUSDT 0.1 @ 59000 SL 58000", "BUY BTCUSDT 0.1 @ 59000 SL 50000"


async def test_none_at_once_gets_more_leverage_than_its_stop_allows(room: Room) -> None:
    exchange = slow(room)
    await asyncio.gather(room.send(NEAR), room.send(FAR, id_="2"))
    assert (len(exchange.sent), exchange.leverages) == (2, {"BTC-USDT": 4})


async def test_an_entry_that_rests_keeps_the_leverage_that_its_stop_allows(room: Room) -> None:
    exchange = slow(room)
    await room.send(FAR)
    await room.send(NEAR, id_="2")
    assert exchange.leverages == {"BTC-USDT": 4}


async def test_many_at_once_ask_for_the_leverage_once(room: Room) -> None:
    exchange = slow(room)
    await asyncio.gather(*(room.send(NEAR, id_=str(number)) for number in range(20)))
    assert (len(exchange.sent), exchange.asked) == (20, 1)


async def test_whoever_repeats_a_message_keeps_no_look_from_its_order(room: Room) -> None:
    room.exchange.lose = OutcomeUnknown("timeout")
    await room.send()
    store = Waiting(rows=room.store.rows)
    room.desk.store = store
    repeating = asyncio.create_task(room.send())
    await store.reached.wait()
    await look(room.desk)
    assert room.state() is State.FILLED
    store.answers.set()
    assert (await repeating)[0] is Verdict.DUPLICATE


@dataclass(slots=True, kw_only=True)
class Waiting(FakeStore):
    """Holds a signal back until it is told to answer."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    async def admit(self, row: SignalRow, epoch: int | None) -> SignalRow | None:
        self.reached.set()
        await self.answers.wait()
        return await FakeStore.admit(self, row, epoch)


async def test_a_list_that_is_not_told_keeps_no_other_symbol_from_its_turn(room: Room) -> None:
    class Partly(FakeExchange):
        async def history(self, symbol: str, since: datetime, until: datetime) -> Sequence[ExchangeOrder]:
            if symbol == "AAA-USDT":
                raise TryAgain("not readable")
            return await FakeExchange.history(self, symbol, since, until)

    room.exchange = room.desk.exchange = room.desk.account = Partly(lose=OutcomeUnknown("timeout"))
    for number in range(6):
        await room.send(id_=str(number))
    order = next(iter(room.desk.live.values()))
    other = replace(order, client_id="other", symbol="AAA-USDT")
    await room.store.adopt(other, "a test")
    with pytest.raises(TryAgain, match="not readable"):
        await look(room.desk)
    assert [each.state for each in room.store.orders()] == [State.FILLED] * 6 + [State.UNKNOWN]


async def test_a_stop_of_trading_is_said_once(room: Room) -> None:
    log = io.StringIO()
    room.desk.log = open_log("INFO", "simulator", [], log)
    for reason in ("100001: signature", "100001: signature", "100413: key"):
        stop_trading(room.desk, reason)
    assert (room.desk.stopped, log.getvalue().count("trading stopped")) == ("100001: signature", 1)


async def test_entries_wait_for_no_question_about_leverage_and_margin(room: Room) -> None:
    asked: list[str] = []

    class Told(FakeExchange):
        async def leverage(self, symbol: str) -> Leverage:
            asked.append(symbol)
            return await FakeExchange.leverage(self, symbol)

        async def margin_type(self, symbol: str) -> MarginType:
            asked.append(symbol)
            return await FakeExchange.margin_type(self, symbol)

    room.exchange = room.desk.exchange = room.desk.account = Told(leverages={"BTC-USDT": 10})
    await read_terms(room.desk)
    assert asked == ["BTC-USDT", "BTC-USDT"]
    await room.send(NEAR)
    assert (len(room.exchange.sent), len(asked)) == (1, 2)
    room.desk.market = Market()
    with pytest.raises(TryAgain, match="contracts"):
        await read_terms(room.desk)


async def test_what_a_person_changed_of_leverage_is_noticed(room: Room) -> None:
    exchange = slow(room)
    await room.send(NEAR)
    exchange.leverages["BTC-USDT"] = 50  # by a person
    await read_terms(room.desk)
    await room.send(NEAR, id_="2")
    assert exchange.leverages == {"BTC-USDT": 10}


async def test_what_is_held_keeps_a_leverage_that_is_lower_than_wanted(room: Room) -> None:
    class Holds(Slow):
        async def positions(self) -> Sequence[Position]:
            return [position()]

    exchange = room.exchange = room.desk.exchange = room.desk.account = Holds(leverages={"BTC-USDT": 3})
    await room.store.adopt(trade(), "a test")
    await look(room.desk)
    await room.send(NEAR)
    assert (len(exchange.sent), exchange.leverages) == (1, {"BTC-USDT": 3})


@pytest.mark.parametrize(("hedged", "side"), [(True, PositionSide.LONG), (False, PositionSide.BOTH)])
async def test_leverage_is_set_for_the_side_that_the_account_has(
    room: Room, side: PositionSide, *, hedged: bool
) -> None:
    exchange = slow(room)
    room.desk.hedged = hedged
    await room.send(NEAR)
    assert exchange.sides == (side,)


async def test_the_lease_is_held_from_before_it_was_asked_for(room: Room) -> None:
    class Late(FakeStore):
        async def take_lease(self, holder: str, seconds: float) -> int | None:
            room.now += 4
            return await FakeStore.take_lease(self, holder, seconds)

    room.desk.store = Late(clock=room.store.clock)
    room.desk.checks["lease"] = health.first("lease", 0.0)
    await hold_lease(room.desk, "this one")
    room.now += 5
    assert room.desk.holds_lease()
    room.now += 1
    assert not room.desk.holds_lease()
    assert not room.desk.follows


async def test_whoever_does_not_get_the_lease_follows(room: Room) -> None:
    room.desk.checks["lease"] = health.first("lease", 0.0)
    await hold_lease(room.desk, "another one")
    assert (room.desk.follows, room.desk.holds_lease()) == (True, False)
