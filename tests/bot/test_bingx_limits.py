"""Calls stay below the exchange's limits, whatever comes; protection goes first and entries leave a third."""

import asyncio
import random
from collections import Counter

import pytest

from bot.adapters import bingx_limits as limits
from bot.adapters.bingx_endpoints import ENDPOINTS, PLACE, PRICE, Group
from bot.adapters.bingx_limits import Bucket, Limits, Priority
from bot.ports import TryAgain


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("seed", range(20))
def test_no_window_sees_more_calls_than_the_limit_and_entries_leave_a_third(seed: int) -> None:
    dice, clock = random.Random(seed), Clock()
    size = dice.choice([2, 5, 10, 30])
    bucket = Bucket(size, 1.0, clock)
    sent: list[tuple[float, Priority]] = []
    for _ in range(500):
        clock.now += dice.choice([0.0, 0.001, 0.05, 0.3])
        priority = dice.choice(list(Priority))
        if bucket.lack(priority) == 0:
            bucket.spend()
            sent.append((clock.now, priority))
    for at, priority in sent:
        window = [each for each in sent if at - 1.0 < each[0] <= at]
        assert len(window) <= size
        if priority is Priority.ENTRY:
            before = sent[: sent.index((at, priority)) + 1]
            assert sum(at - 1.0 < each[0] <= at for each in before) <= size - size / 3
    assert Counter(priority for _, priority in sent).keys() == set(Priority)


def test_what_is_lacking_is_told_to_the_moment() -> None:
    clock = Clock()
    bucket = Bucket(3, 1.0, clock)
    for _ in range(3):
        assert bucket.lack(Priority.CLOSE) == 0
        bucket.spend()
        clock.now += 0.125
    assert bucket.lack(Priority.CLOSE) == 1 - 3 * 0.125
    assert bucket.lack(Priority.ENTRY) == 1 - 2 * 0.125  # one token must stay
    clock.now += bucket.lack(Priority.ENTRY)
    assert bucket.lack(Priority.ENTRY) == 0


def test_what_the_exchange_says_is_left_counts_if_it_is_less() -> None:
    bucket = Bucket(10, 1.0, Clock())
    bucket.learn(2000)
    assert bucket.lack(Priority.ENTRY) == 0
    bucket.learn(1)
    assert (bucket.lack(Priority.CLOSE), bucket.lack(Priority.ENTRY)) == (0, 1.0)
    bucket.learn(0)
    assert bucket.lack(Priority.CLOSE) == 1.0


async def test_those_who_wait_go_by_what_they_are_for_and_then_in_turn() -> None:
    bucket = Bucket(3, 0.02)
    for _ in range(3):
        bucket.spend()
    went: list[tuple[Priority, int]] = []

    async def go(priority: Priority, number: int) -> None:
        await bucket.take(priority)
        went.append((priority, number))

    async with asyncio.TaskGroup() as group:
        for number, priority in enumerate([*reversed(Priority), *reversed(Priority)]):
            group.create_task(go(priority, number))
    assert went == sorted(went)
    assert len(went) == 2 * len(Priority)


async def test_who_gives_up_waiting_holds_up_nobody() -> None:
    bucket = Bucket(1, 0.02)
    bucket.spend()
    async with asyncio.timeout(5):
        first = asyncio.create_task(bucket.take(Priority.CLOSE))
        second = asyncio.create_task(bucket.take(Priority.QUERY))
        await asyncio.sleep(0)
        first.cancel()
        await second
    assert first.cancelled()


async def test_a_turn_that_does_not_come_is_a_call_that_was_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PATIENCE", 0.01)
    clock = Clock()  # stands still: no token ever comes back
    waiting = Limits(ENDPOINTS, clock)
    await waiting.take(PRICE, Priority.QUERY)
    with pytest.raises(TryAgain, match="no room for price"):
        await waiting.take(PRICE, Priority.QUERY)
    await waiting.take(PLACE, Priority.ENTRY)  # another endpoint has its own


async def test_headers_that_are_no_number_are_passed_over() -> None:
    clock = Clock()
    told = Limits(ENDPOINTS, clock)
    for left in ("", "-1", "many", "٣", "9" * 20):
        told.learn(PRICE, {"X-RateLimit-Requests-Remain": left})
    async with asyncio.timeout(5):
        await told.take(PRICE, Priority.QUERY)


def test_every_endpoint_alone_stays_below_the_limit_of_its_address() -> None:
    """300 calls of one endpoint in ten seconds."""
    assert all(each.per_second * 10 / limits.SECOND < 300 for each in ENDPOINTS)
    assert len({each.name for each in ENDPOINTS}) == len({(e.method, e.path) for e in ENDPOINTS})
    assert all(each.signed is (each.group is not Group.MARKET) for each in ENDPOINTS)
