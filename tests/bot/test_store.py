"""One contract for the real order store and its fake: signals and orders are kept as they were, and once."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from bot.domain.order import LIVE, State
from bot.domain.reason import Verdict
from bot.domain.switch import Level, Switch
from bot.ports import OrderStore
from tests.bot.fakes import opened
from tests.bot.stored import ORDER, numbered, row

AN_HOUR = 3600.0


@pytest.fixture
async def epoch(store: OrderStore) -> int:
    return await opened(store)


async def test_what_was_admitted_is_told_and_found_as_it_was(store: OrderStore, epoch: int) -> None:
    told = await store.admit(row(), epoch)
    found = await store.find(row().incoming)
    assert told is not None
    assert told == found
    assert told.order is not None
    assert told.created_at is not None
    assert told.order.created_at == told.created_at
    assert told.created_at.tzinfo is not None
    assert replace(told, created_at=None, order=replace(told.order, created_at=None)) == row()


async def test_numbers_keep_every_digit(store: OrderStore, epoch: int) -> None:
    await store.admit(row(), epoch)
    [kept] = await store.live()
    shown = [str(number) for number in (kept.quantity, kept.price, kept.stop, *kept.targets)]
    assert shown == [str(number) for number in (ORDER.quantity, ORDER.price, ORDER.stop, *ORDER.targets)]


async def test_an_order_without_targets_leverage_or_expiry_has_none(store: OrderStore, epoch: int) -> None:
    bare = replace(ORDER, targets=(), leverage=None, expires_at=None)
    await store.admit(row(order=bare), epoch)
    [kept] = await store.live()
    assert replace(kept, created_at=None) == bare


async def test_a_message_is_admitted_once(store: OrderStore, epoch: int) -> None:
    assert await store.admit(row(), epoch)
    assert await store.admit(row(), epoch) is None
    assert await store.admit(row(order=None, reason="later"), epoch) is None
    assert await store.counts() == {State.INTENT: 1}


async def test_of_many_at_once_one_is_admitted(store: OrderStore, epoch: int) -> None:
    results = await asyncio.gather(*(store.admit(row(), epoch) for _ in range(20)))
    assert [bool(result) for result in results].count(True) == 1


async def test_a_refusal_is_stored_without_an_order(store: OrderStore, epoch: int) -> None:
    told = await store.admit(row(order=None, reason="no stop"), epoch)
    assert told == await store.find(row().incoming)
    assert told is not None
    assert (told.verdict, told.order) == (Verdict.REFUSED, None)
    assert await store.counts() == {}


async def test_with_the_switch_closed_what_was_accepted_is_refused(store: OrderStore, epoch: int) -> None:
    for level in (Level.NO_ENTRIES, Level.CANCEL_ENTRIES, Level.FLATTEN):
        await store.set_switch(Switch(level=level, reason="a person's hand", who="ann"))
        told = await store.admit(row(message=level.name), epoch)
        assert told is not None
        assert (told.verdict, told.order) == (Verdict.REFUSED, None)
        assert told.reason is not None
        assert told.reason.startswith("halted: a person's hand")
        assert told == await store.find(row(message=level.name).incoming)
    await store.set_switch(Switch(level=Level.OPEN, reason="all is well", who="ann"))
    told = await store.admit(row(message="after"), epoch)
    assert told is not None
    assert told.verdict is Verdict.ACCEPTED
    assert await store.counts() == {State.INTENT: 1}


async def test_a_switch_that_was_never_set_is_closed(store: OrderStore) -> None:
    epoch = await store.take_lease("us", AN_HOUR)
    told = await store.admit(row(), epoch)
    assert told is not None
    assert (told.verdict, told.reason) == (Verdict.REFUSED, "halted: the switch was never set")
    assert (await store.switch()).level is Level.NO_ENTRIES


async def test_without_the_lease_what_was_accepted_is_refused(store: OrderStore, epoch: int) -> None:
    for number, other in enumerate((None, epoch - 1, epoch + 1)):
        told = await store.admit(row(message=str(number)), other)
        assert told is not None
        assert (told.verdict, told.reason) == (Verdict.REFUSED, "halted: the lease is not held")
    assert await store.counts() == {}


async def test_a_lease_that_has_ended_admits_nothing(store: OrderStore, epoch: int) -> None:
    await store.give_lease_back("the test")
    told = await store.admit(row(), epoch)
    assert told is not None
    assert told.reason == "halted: the lease is not held"


async def test_a_closed_switch_leaves_other_verdicts_as_they_are(store: OrderStore) -> None:
    told = await store.admit(row(order=None, reason="no stop"), None)
    assert told is not None
    assert told.reason == "no stop"


async def test_a_state_is_saved_only_over_the_one_it_came_from(store: OrderStore, epoch: int) -> None:
    await store.admit(row(), epoch)
    filled = replace(
        ORDER,
        state=State.FILLED,
        exchange_id="7",
        filled_quantity=Decimal("0.0999"),
        average_price=Decimal("60000.5"),
        leverage=3,
    )
    assert await store.save(replace(filled, quantity=Decimal(9)), was=State.INTENT)
    assert not await store.save(replace(ORDER, state=State.UNKNOWN), was=State.INTENT)
    found = await store.find(row().incoming)
    assert found is not None
    assert found.order is not None
    assert replace(found.order, created_at=None) == filled


async def test_live_are_those_whose_end_is_not_known_or_that_may_hold_a_position(
    store: OrderStore, epoch: int
) -> None:
    for state in State:
        for filled in ("0", "0.01"):
            order = numbered(f"{state.value}{filled.replace('.', '')}")
            await store.admit(row(message=order.client_id, order=order), epoch)
            changed = replace(order, state=state, filled_quantity=Decimal(filled))
            assert await store.save(changed, was=State.INTENT)
    known = {"twscancelled0", "twsrejected0", "twsnotsent0"}
    live = await store.live()
    assert {order.client_id for order in live} == {
        f"tws{state.value.replace('_', '')}{filled}" for state in State for filled in ("0", "001")
    } - known
    await store.close([order.client_id for order in live])
    assert {order.state for order in await store.live()} == LIVE
    assert await store.counts() == dict.fromkeys(State, 2)


async def test_the_live_come_oldest_first(store: OrderStore, epoch: int) -> None:
    for name in "cab":
        await store.admit(row(message=name, order=numbered(name)), epoch)
    await store.save(replace(numbered("c"), state=State.PENDING), was=State.INTENT)
    assert [order.client_id for order in await store.live()] == ["twsc", "twsa", "twsb"]


async def test_what_is_filled_after_its_close_is_open_again(store: OrderStore, epoch: int) -> None:
    await store.admit(row(), epoch)
    half = replace(ORDER, state=State.PENDING, filled_quantity=Decimal("0.05"))
    await store.save(half, was=State.INTENT)
    await store.close([ORDER.client_id])
    cancelled = replace(half, state=State.CANCELLED)
    await store.save(cancelled, was=State.PENDING)
    assert await store.live() == []
    await store.save(replace(cancelled, filled_quantity=Decimal("0.06")), was=State.CANCELLED)
    assert [order.client_id for order in await store.live()] == [ORDER.client_id]


async def test_a_position_of_a_persons_is_adopted_once(store: OrderStore) -> None:
    filled = replace(
        ORDER,
        state=State.FILLED,
        expires_at=None,
        exchange_id="7",
        filled_quantity=Decimal("0.1000"),
        average_price=Decimal("60000.50"),
    )
    for _ in range(2):
        await store.adopt(filled, "opened by hand")
    [kept] = await store.live()
    assert replace(kept, created_at=None) == filled
    [told] = await store.latest(10)
    assert (told.verdict, told.incoming.text, told.order) == (Verdict.ACCEPTED, "opened by hand", kept)


async def test_failures_in_a_row_count_from_the_last_order_that_was_placed(
    store: OrderStore, epoch: int
) -> None:
    expected = []
    for number, (state, count) in enumerate(
        [
            (State.REJECTED, 1),
            (State.NOT_SENT, 2),
            (State.UNKNOWN, 2),
            (State.REJECTED, 3),
            (State.FILLED, 0),
            (State.INTENT, 0),
            (State.REJECTED, 1),
            (State.PENDING, 0),
        ]
    ):
        order = numbered(str(number))
        await store.admit(row(message=str(number), order=order), epoch)
        if state is not State.INTENT:
            await store.save(replace(order, state=state), was=State.INTENT)
        expected.append((await store.failed_in_a_row(), count))
    assert [seen for seen, _ in expected] == [count for _, count in expected]


async def test_the_latest_come_first(store: OrderStore) -> None:
    for number in range(3):
        await store.admit(row(message=str(number), order=None, reason="r"), None)
    assert [each.incoming.message_id for each in await store.latest(2)] == ["2", "1"]


async def test_signals_are_counted_by_source(store: OrderStore) -> None:
    for number, source in enumerate(("test", "http", "test")):
        told = row(message=str(number), order=None, reason="r")
        await store.admit(replace(told, incoming=replace(told.incoming, source=source)), None)
    assert await store.signals_by_source() == {"test": 2, "http": 1}
