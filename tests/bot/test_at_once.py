"""Signals that come at the same time, or faster than the bot looks at the account."""

import asyncio

from bot.domain.account import Leverage, PositionSide
from bot.domain.order import Event, State
from bot.ports import SignalRow, Verdict
from tests.bot.fakes import FakeExchange, FakeStore
from tests.bot.room import Room, renewed

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

    async def leverage(self, symbol: str) -> Leverage:
        found = await FakeExchange.leverage(self, symbol)
        self.asked += 1
        await asyncio.sleep(0)
        return found

    async def set_leverage(self, symbol: str, side: PositionSide, leverage: int) -> None:
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
