"""When an entry that rests is cancelled, and by which of its ids."""

from bot.domain.order import Event, Report, State
from tests.bot.fake_exchange import FakeExchange
from tests.bot.room import Room


class Forgetful(FakeExchange):
    """Finds nothing to cancel by the client's id, as with orders that are older than two hours."""

    async def cancel(self, symbol: str, *, client_id: str = "", exchange_id: str = "") -> Report | None:
        if client_id:
            return None
        (order,) = self.orders.values()
        assert order.exchange_id == exchange_id
        return Report(client_id=order.client_id, event=Event.CANCELLED, exchange_id=exchange_id)


async def test_an_entry_of_hours_ago_is_cancelled_when_its_time_is_over(room: Room) -> None:
    room.exchange = room.desk.exchange = room.desk.account = Forgetful(takes=Event.ACCEPTED)
    await room.send()
    await room.resolve_for(room.desk.pace.entry_expiry - 1, step=600)
    assert room.state() is State.PENDING
    await room.resolve_for(1200, step=600)
    assert room.state() is State.CANCELLED
