"""What an entry needs before it leaves, and when one that never arrived leaves again."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from bot.domain.account import ExchangeOrder
from bot.domain.order import Event, Report, State
from bot.domain.switch import Level, Switch
from bot.ports import OutcomeUnknown, TryAgain
from tests.bot.fake_exchange import FakeExchange
from tests.bot.room import BEGAN, Room


async def test_proved_absent_it_goes_out_again_under_its_own_id_while_the_signal_holds(room: Room) -> None:
    room.desk.pace = replace(room.desk.pace, resend_within=60)
    room.desk.market = replace(room.desk.market, priced_at=10**9)
    room.exchange.fail = OutcomeUnknown("timeout")
    await room.send()
    await room.resolve_for(5)
    room.exchange.fail = None
    await room.resolve_for(2)
    assert room.state() is State.FILLED
    assert len(room.exchange.sent) == 2
    assert len(set(room.exchange.sent)) == 1
    assert room.placed_and_failed() == (1, {})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"prices": {"BTC-USDT": Decimal(59094)}}, "the price reached its stop first"),
        ({"prices": {}}, "no fresh price"),
        ({}, "halted: enough (level 1, by a person)"),
    ],
)
async def test_proved_absent_it_is_not_sent_again_when_the_signal_holds_no_more(
    room: Room, change: dict[str, Any], reason: str
) -> None:
    room.desk.pace = replace(room.desk.pace, resend_within=60)
    room.exchange.fail = OutcomeUnknown("timeout")
    await room.send()
    room.desk.market = replace(room.desk.market, **{"priced_at": 10**9} | change)
    if not change:
        room.desk.switch = Switch(level=Level.NO_ENTRIES, reason="enough", who="a person")
    await room.resolve_for(8)
    (order,) = room.store.orders()
    assert order.state is State.NOT_SENT
    assert order.reason == f"the exchange never got it, and it was not sent again: {reason}"
    assert len(room.exchange.sent) == 1


async def test_without_its_leverage_an_order_is_not_sent(room: Room) -> None:
    room.exchange.terms = TryAgain("busy")
    _, row = await room.send()
    assert row.order is not None
    assert (row.order.state, room.exchange.sent) == (State.NOT_SENT, [])
    assert row.order.reason == "isolated margin with leverage 10 cannot be had: busy"
    room.exchange.terms = None
    await room.send(id_="2")
    assert room.exchange.leverages == {"BTC-USDT": 10}
    assert len(room.exchange.sent) == 1


async def test_without_the_lease_nothing_is_sent(room: Room) -> None:
    room.desk.lease_until = room.now
    _, row = await room.send()
    assert row.reason == "halted: this instance does not hold the lease"
    assert room.exchange.sent == []


async def test_a_lease_that_somebody_else_took_refuses_in_the_same_statement(room: Room) -> None:
    assert room.store.lease is not None
    room.store.lease.epoch += 1
    _, row = await room.send()
    assert row.reason == "halted: the lease is not held"
    assert (room.store.orders(), room.exchange.sent) == ([], [])


async def test_nothing_is_sent_to_an_account_that_was_not_looked_at_lately(room: Room) -> None:
    room.desk.market = replace(room.desk.market, priced_at=10**9)
    room.now += 30
    await room.send()
    assert len(room.exchange.sent) == 1
    room.now += 1
    _, row = await room.send(id_="2")
    assert row.reason == "halted: the account was last read 31 s ago"
    await room.resolve_for(1)
    await room.send(id_="3")
    assert len(room.exchange.sent) == 2


async def test_whoever_follows_looks_on_and_settles_nothing(room: Room) -> None:
    room.exchange.lose = OutcomeUnknown("timeout")
    await room.send()
    room.desk.follows = True
    await room.resolve_for(3)
    assert room.state() is State.UNKNOWN
    room.desk.follows = False
    await room.resolve_for(1)
    assert room.state() is State.FILLED


async def test_one_that_was_given_up_and_shows_after_all_is_cancelled(room: Room) -> None:
    class ShowsLate(FakeExchange):
        cancelled: ClassVar[list[str]] = []

        async def open_orders(self, symbol: str | None = None) -> Sequence[ExchangeOrder]:
            return await FakeExchange.history(self, "BTC-USDT", BEGAN, BEGAN)

        async def cancel(self, symbol: str, *, client_id: str = "", exchange_id: str = "") -> Report | None:
            self.cancelled.append(exchange_id)
            self.orders.clear()
            return None

    exchange = room.exchange = ShowsLate(fail=OutcomeUnknown("timeout"))
    room.desk.exchange = room.desk.account = exchange
    await room.send()
    await room.resolve_for(8)
    (order,) = room.store.orders()
    assert (order.state, exchange.cancelled) == (State.NOT_SENT, [])
    exchange.orders[order.client_id] = Report(
        client_id=order.client_id, event=Event.ACCEPTED, exchange_id="9"
    )
    await room.resolve_for(2)
    assert exchange.cancelled == ["9"]
