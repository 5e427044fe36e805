"""What one look does, and leaves alone, with what it finds."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from bot.domain.account import ExchangeOrder, Position, Purpose
from bot.domain.order import Event, Order, Report, State
from bot.domain.switch import Level, Switch
from bot.keeper import look
from bot.ports import AlreadyTaken, NothingLeft, OutcomeUnknown, Refused, TryAgain
from tests.bot.fake_exchange import FakeExchange
from tests.bot.fakes import FakeStore
from tests.bot.room import BEGAN, Room, renewed
from tests.bot.test_closing import WINDOW, Closed
from tests.bot.test_lag import Listing, holds, listing
from tests.bot.test_protection import position, stop, trade

__all__ = ["listing"]
RESTS = replace(trade(name="rests"), state=State.PENDING, filled_quantity=Decimal(0))


async def test_an_id_that_was_taken_earlier_is_an_order_that_rests_until_it_shows(room: Room) -> None:
    room.exchange.fail = AlreadyTaken("101481: clientOrderID cannot be repeated")
    await room.send()
    assert room.state() is State.PENDING
    assert room.placed_and_failed() == (1, {})


async def test_an_order_that_rested_and_does_not_show_any_more_is_left_to_a_person(room: Room) -> None:
    room.exchange.takes = Event.ACCEPTED
    await room.send()
    room.exchange.orders.clear()
    await room.resolve_for(60)
    assert (room.state(), len(room.exchange.sent)) == (State.PENDING, 1)
    assert room.desk.picture is not None
    assert room.desk.picture.differences["order_missing"] == 1


async def test_while_what_a_position_left_is_cleared_up_its_symbol_is_not_traded(room: Room) -> None:
    room.exchange = room.desk.exchange = room.desk.account = Closed()
    await room.send()
    await room.resolve_for(2)
    _, row = await room.send(id_="2")
    assert (row.reason or "").startswith("closing: ")
    await room.resolve_for(WINDOW)
    _, row = await room.send(id_="3")
    assert not (row.reason or "").startswith("closing: ")


async def test_an_order_of_hours_ago_is_found_in_the_history(room: Room) -> None:
    class Forgets(FakeExchange):
        async def find(self, symbol: str, client_id: str) -> Report | None:
            return None

    room.exchange = room.desk.exchange = room.desk.account = Forgets(lose=OutcomeUnknown("timeout"))
    await room.send()
    room.now += timedelta(hours=3).total_seconds()
    await look(room.desk)
    assert room.state() is State.FILLED


async def test_what_changed_while_the_database_was_read_is_not_what_it_was(room: Room) -> None:
    room.exchange.takes = Event.ACCEPTED
    await room.send()
    (order,) = room.store.orders()
    changed = replace(order, state=State.FILLED, filled_quantity=order.quantity)

    class Meanwhile(FakeStore):
        async def live(self) -> Sequence[Order]:
            room.desk.live[order.client_id] = changed
            room.desk.touched.add(order.client_id)
            return [order]

    await renewed(room, Meanwhile())
    await look(room.desk)
    assert room.desk.live == {order.client_id: changed}


async def test_a_trade_filled_after_the_positions_were_read_is_not_closed_with_the_one_before(
    room: Room,
) -> None:
    new = trade(name="new")

    @dataclass(slots=True, kw_only=True)
    class Fills(Closed):
        between: Callable[[], None] = lambda: None

        async def open_orders(self, symbol: str | None = None) -> Sequence[ExchangeOrder]:
            self.between()
            return []

        async def history(self, symbol: str, since: datetime, until: datetime) -> Sequence[ExchangeOrder]:
            told = await Closed.history(self, symbol, since, until)
            return [replace(each, filled_quantity=Decimal(100)) for each in told]

    room.exchange = room.desk.exchange = room.desk.account = exchange = Fills()
    await room.send()
    old = next(iter(room.desk.live))
    await room.resolve_for(WINDOW)

    def fills() -> None:
        room.desk.live["new"] = new

    exchange.between = fills
    await look(room.desk)
    assert (room.store.closed, room.desk.live) == ({old}, {"new": new})


async def test_whoever_follows_places_and_cancels_nothing(room: Room, listing: Listing) -> None:
    await holds(room, trade())
    listing.held = [position()]
    room.desk.follows = True
    await room.resolve_for(10)
    assert listing.submitted == []
    room.desk.follows = False
    await room.resolve_for(1)
    assert listing.submitted == [(Purpose.STOP, 1)]


@pytest.mark.parametrize(
    ("level", "cancelled"),
    [(Level.NO_ENTRIES, False), (Level.CANCEL_ENTRIES, True), (Level.FLATTEN, True)],
)
async def test_entries_are_cancelled_from_level_2_on(
    room: Room, listing: Listing, level: Level, *, cancelled: bool
) -> None:
    listing.orders["rests"] = Report(client_id="rests", event=Event.ACCEPTED)
    await holds(room, RESTS)
    room.desk.market = replace(room.desk.market, prices={})
    room.desk.switch = Switch(level=level, reason="enough", who="somebody")
    with suppress(TryAgain):
        await look(room.desk)
    assert (listing.cancelled == ["rests"]) is cancelled


async def test_a_cancel_that_came_too_late_is_no_cancel(room: Room, listing: Listing) -> None:
    listing.orders["rests"] = Report(client_id="rests", event=Event.ACCEPTED)
    listing.cancels = Report(client_id="rests", event=Event.ACCEPTED)
    await holds(room, replace(RESTS, expires_at=BEGAN))

    def fills() -> None:
        if listing.cancelled:
            listing.orders["rests"] = Report(client_id="rests", event=Event.FILLED)

    listing.asked = fills
    await look(room.desk)
    assert (listing.cancelled, room.state()) == (["rests"], State.FILLED)


@pytest.mark.parametrize("listed", [False, True])
async def test_at_level_3_stops_stay_as_long_as_there_may_be_a_position(
    room: Room, listing: Listing, *, listed: bool
) -> None:
    if listed:
        listing.held, listing.answers = [position()], [Refused("101211: price band")] * 99  # not ours
    else:
        await holds(room, trade())
    listing.open = [stop("90")]
    room.desk.switch = Switch(level=Level.FLATTEN, reason="enough", who="somebody")
    await room.resolve_for(3 * WINDOW)
    assert (listing.emptied, listing.cancelled) == ([], [])


async def test_what_is_flat_is_not_cleared_up_while_an_entry_may_fill_it_again(room: Room) -> None:
    room.exchange = room.desk.exchange = room.desk.account = Closed()
    await room.send()
    room.exchange.orders["rests"] = Report(client_id="rests", event=Event.ACCEPTED)
    await holds(room, RESTS)
    await room.resolve_for(3 * WINDOW)
    assert (room.store.closed, room.desk.closing) == (set(), set())


async def test_a_trade_is_open_as_long_as_its_stop_is_listed(room: Room) -> None:
    class Left(Closed):
        async def open_orders(self, symbol: str | None = None) -> Sequence[ExchangeOrder]:
            return [stop("90")]

        async def cancel(self, symbol: str, *, client_id: str = "", exchange_id: str = "") -> Report | None:
            return None

    room.exchange = room.desk.exchange = room.desk.account = Left()
    await room.send()
    await room.resolve_for(3 * WINDOW)
    assert room.store.closed == set()


async def test_a_close_has_an_id_of_its_own_for_each_position_size_and_half_minute(
    room: Room, listing: Listing
) -> None:
    async def closes(held: Position, after: float = 0) -> str:
        room.now += after
        listing.held, room.desk.flattening_until = [held], {}
        await look(room.desk)
        return listing.names[-1]

    room.now = 120.0
    room.desk.switch = Switch(level=Level.FLATTEN, reason="enough", who="somebody")
    first = await closes(position())
    assert await closes(position(), after=29) == first
    names = [
        first,
        await closes(position("2")),
        await closes(replace(position(), id="8")),
        await closes(position(), after=1),
    ]
    assert len(set(names)) == len(names)


async def test_nothing_left_to_close_is_no_failure(room: Room, listing: Listing) -> None:
    listing.held, listing.answers = [position()], [NothingLeft("80017: position not exist")]
    room.desk.switch = Switch(level=Level.FLATTEN, reason="enough", who="somebody")
    await look(room.desk)
    assert listing.submitted == [(Purpose.CLOSE, 1)]
