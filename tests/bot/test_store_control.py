"""One contract for the real order store and its fake: the switch, the lease, and whose orders it holds."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bot.domain.mode import Mode
from bot.domain.switch import Level, Switch
from bot.ports import OrderStore, StopTrading, TryAgain

AN_HOUR = 3600.0


async def test_the_last_switch_holds_whole(store: OrderStore) -> None:
    await store.set_switch(Switch(level=Level.FLATTEN, reason="first", who="ann"))
    some = Switch(
        level=Level.OPEN,
        reason="a tenth of it",
        who="ben",
        size_factor=Decimal("0.10"),
        symbols=("BTC-USDT", "ETH-USDT"),
    )
    kept = await store.set_switch(some)
    assert kept == await store.switch()
    assert kept.changed_at is not None
    assert kept.changed_at.tzinfo is not None
    assert replace(kept, changed_at=None) == some


async def test_a_lease_is_held_by_one(store: OrderStore) -> None:
    first = await store.take_lease("one", AN_HOUR)
    assert first is not None
    assert await store.take_lease("other", AN_HOUR) is None
    assert await store.take_lease("one", AN_HOUR) == first


async def test_a_lease_that_was_given_back_is_anothers_with_a_new_epoch(store: OrderStore) -> None:
    first = await store.take_lease("one", AN_HOUR)
    await store.give_lease_back("other")
    assert await store.take_lease("other", AN_HOUR) is None
    await store.give_lease_back("one")
    second = await store.take_lease("other", AN_HOUR)
    assert first is not None
    assert second is not None
    assert second > first


async def test_a_lease_that_had_ended_has_a_new_epoch_for_the_same_holder_too(store: OrderStore) -> None:
    first = await store.take_lease("one", 0)
    second = await store.take_lease("one", AN_HOUR)
    assert first is not None
    assert second is not None
    assert second > first


async def test_of_many_who_want_the_lease_at_once_one_gets_it(store: OrderStore) -> None:
    taken = await asyncio.gather(*(store.take_lease(f"holder {number}", AN_HOUR) for number in range(10)))
    assert [epoch is not None for epoch in taken].count(True) == 1


@pytest.mark.parametrize(
    ("mode", "level"),
    [(Mode.SIMULATOR, Level.OPEN), (Mode.VST, Level.NO_ENTRIES), (Mode.LIVE, Level.NO_ENTRIES)],
)
async def test_a_new_database_is_open_for_the_simulator_alone(
    store: OrderStore, mode: Mode, level: Level
) -> None:
    await store.stamp(mode, "17")
    assert (await store.switch()).level is level


async def test_what_was_closed_before_the_stamp_stays_closed(store: OrderStore) -> None:
    await store.set_switch(Switch(level=Level.FLATTEN, reason="at once", who="ann"))
    await store.stamp(Mode.SIMULATOR, "17")
    assert (await store.switch()).level is Level.FLATTEN


async def test_a_database_belongs_to_one_account(store: OrderStore) -> None:
    await store.stamp(Mode.VST, "17")
    await store.stamp(Mode.VST, "17")
    for mode, uid in ((Mode.LIVE, "17"), (Mode.VST, "18")):
        with pytest.raises(StopTrading, match="belongs to account 17 in mode vst"):
            await store.stamp(mode, uid)


async def test_a_second_stamp_opens_nothing(store: OrderStore) -> None:
    await store.stamp(Mode.SIMULATOR, "17")
    await store.set_switch(Switch(level=Level.NO_ENTRIES, reason="enough", who="ann"))
    await store.stamp(Mode.SIMULATOR, "17")
    assert (await store.switch()).reason == "enough"


async def test_the_expected_balance_is_kept_with_its_time(store: OrderStore) -> None:
    at = datetime(2027, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    with pytest.raises(TryAgain, match="not bound"):
        await store.expect_balance(Decimal(1), at)
    await store.stamp(Mode.VST, "17")
    assert await store.expected_balance() is None
    for amount in ("10000", "9999.12345678"):
        await store.expect_balance(Decimal(amount), at)
        assert await store.expected_balance() == (Decimal(amount), at)
