"""When a trade whose position is not listed counts as closed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.domain.account import ExchangeOrder
from bot.domain.signal import Side
from bot.ports import TryAgain
from bot.positions import BELIEVED_AFTER
from tests.bot.fake_exchange import FakeExchange
from tests.bot.room import Room

WINDOW = 5


class Closed(FakeExchange):
    """Its history tells of an order that closed all there was."""

    async def history(self, symbol: str, since: datetime, until: datetime) -> Sequence[ExchangeOrder]:
        told = await FakeExchange.history(self, symbol, since, until)
        sold = [replace(one, client_id="", side=Side.SELL, filled_quantity=one.quantity) for one in told]
        return [*told, *sold]


async def test_with_orders_that_closed_it_it_is_closed_after_the_window(room: Room) -> None:
    room.exchange = room.desk.exchange = room.desk.account = Closed()
    await room.send()
    await room.resolve_for(WINDOW)
    assert len(await room.store.live()) == 1
    await room.resolve_for(2)
    assert await room.store.live() == []


async def test_without_one_it_is_open_for_long_and_then_the_list_is_believed(room: Room) -> None:
    await room.send()
    await room.resolve_for(BELIEVED_AFTER * WINDOW)
    assert len(await room.store.live()) == 1
    await room.resolve_for(2 * WINDOW)
    assert await room.store.live() == []


async def test_a_history_that_does_not_answer_proves_nothing(room: Room) -> None:
    await room.send()
    room.exchange.mute = TryAgain("502")
    await room.resolve_for(2 * BELIEVED_AFTER * WINDOW)
    assert len(await room.store.live()) == 1
