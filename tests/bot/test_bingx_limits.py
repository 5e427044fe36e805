"""Calls stay below the exchange's limits, whatever comes; protection goes first and entries leave a third."""

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from bot.adapters import bingx_limits as limits
from bot.adapters.bingx_endpoints import ENDPOINTS, GROUP_LIMITS, PLACE, PRICE, Group
from bot.adapters.bingx_limits import SECOND, Bucket, Limits, Priority
from bot.ports import TryAgain


class Ahead(selectors.SelectSelector):
    """Does not sleep: the time that it should have slept is over at once."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise AssertionError("everybody waits, and nothing is to come")
        self.now += max(0.0, timeout)
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._ahead = Ahead()
        super().__init__(self._ahead)

    def time(self) -> float:
        return self._ahead.now


def play(scene: Callable[[Callable[[], float]], Coroutine[Any, Any, None]]) -> None:
    """Run it in a time of its own, which passes only while everybody waits."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        clock = runner.get_loop().time
        runner.run(scene(clock))


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def has_room(bucket: Bucket, priority: Priority = Priority.CLOSE) -> int:
    """How many calls could leave now."""
    tries = [asyncio.create_task(bucket.take(priority)) for _ in range(40)]
    await settled()
    room = sum(each.done() for each in tries)
    for each in tries:
        each.cancel()
    await asyncio.gather(*tries, return_exceptions=True)
    for _ in range(room):
        bucket.put_back(sent=False)
    return room


async def under_way(bucket: Bucket, count: int, priority: Priority = Priority.CLOSE) -> None:
    for _ in range(count):
        await bucket.take(priority)


@pytest.mark.parametrize(("scale", "took"), [(1, 6 * SECOND), (60, 6 * SECOND / 60)])
def test_where_time_is_faster_the_limits_count_shorter_times(scale: float, took: float) -> None:
    times: list[float] = []

    async def scene(clock: Callable[[], float]) -> None:
        limits = Limits([replace(PLACE, per_second=1)], clock, scale)
        for _ in range(7):
            async with limits.turn(PLACE, Priority.CLOSE) as turn:
                turn.sent = True
                times.append(clock())

    play(scene)
    assert times[-1] - times[0] == pytest.approx(took)


@pytest.mark.parametrize("seed", range(30))
def test_however_long_calls_travel_no_second_sees_more_arrive_than_the_limit(seed: int) -> None:
    dice = random.Random(seed)
    size, slow = dice.choice([2, 5, 10, 30]), dice.choice([0.0, 0.01, 0.3, 5.0])
    arrived: list[float] = []
    crowds: list[tuple[int, Priority]] = []  # at each departure: who is under way or ended within a second

    async def scene(clock: Callable[[], float]) -> None:
        all_limits = Limits([replace(PLACE, per_second=size)], clock)
        holding = 0

        async def call() -> None:
            nonlocal holding
            priority = dice.choice(list(Priority))
            await asyncio.sleep(dice.uniform(0, 20))
            async with all_limits.turn(PLACE, priority) as turn:
                if dice.random() < 0.1:
                    return  # its gate is closed
                turn.sent, holding = True, holding + 1
                crowds.append((holding, priority))
                try:
                    await asyncio.sleep(dice.uniform(0, slow))
                    arrived.append(clock())
                    await asyncio.sleep(dice.uniform(0, slow))
                finally:
                    asyncio.get_running_loop().call_later(1.0, left)

        def left() -> None:
            nonlocal holding
            holding -= 1

        calls = [asyncio.create_task(call()) for _ in range(400)]
        for each in dice.sample(calls, 60):
            asyncio.get_running_loop().call_later(dice.uniform(0, 25), each.cancel)
        ends = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(each) for each in ends} <= {type(None), asyncio.CancelledError, TryAgain}

    play(scene)
    assert len(arrived) > 20 * size / (SECOND + 2 * slow) / 2
    for at in arrived:
        assert sum(at - 1.0 < each <= at for each in arrived) <= size
    assert all(count <= size for count, _ in crowds)
    assert all(count <= size - size / 3 for count, priority in crowds if priority is Priority.ENTRY)


def test_a_frozen_exchange_has_no_more_calls_under_way_than_the_limit() -> None:
    async def scene(clock: Callable[[], float]) -> None:
        bucket = Bucket(10, SECOND, clock)
        await under_way(bucket, 10)
        await asyncio.sleep(3600)
        assert await has_room(bucket) == 0
        bucket.put_back(sent=True)
        await asyncio.sleep(SECOND - 0.01)
        assert await has_room(bucket) == 0
        await asyncio.sleep(0.02)
        assert await has_room(bucket) == 1

    play(scene)


def test_a_token_comes_back_a_second_after_the_call_ended_or_at_once_if_none_left() -> None:
    async def scene(clock: Callable[[], float]) -> None:
        told = Limits(ENDPOINTS, clock)

        async def call(seconds: float, *, sent: bool = True) -> float:
            async with told.turn(PRICE, Priority.QUERY) as turn:
                began = clock()
                turn.sent = sent
                await asyncio.sleep(seconds)
            return began

        assert await call(2, sent=False) == 0
        assert await call(3) == 2
        with suppress(TimeoutError):
            async with asyncio.timeout_at(2 + 3 + SECOND + 0.5):
                await call(60)  # given up half a second after it left
        assert await call(0) == pytest.approx(2 + 3 + SECOND + 0.5 + SECOND)

    play(scene)


def test_those_who_wait_go_by_what_they_are_for_and_then_in_turn() -> None:
    went: list[tuple[Priority, int]] = []

    async def scene(clock: Callable[[], float]) -> None:
        bucket = Bucket(3, SECOND, clock)
        await under_way(bucket, 3)

        async def go(priority: Priority, number: int) -> None:
            await bucket.take(priority)
            went.append((priority, number))
            bucket.put_back(sent=True)

        async with asyncio.TaskGroup() as group:
            for number, priority in enumerate([*reversed(Priority), *reversed(Priority)]):
                group.create_task(go(priority, number))
            await settled()
            for _ in range(3):
                bucket.put_back(sent=True)

    play(scene)
    assert went == sorted(went)
    assert len(went) == 2 * len(Priority)


def test_who_gives_up_waiting_takes_nothing_along_and_holds_up_nobody() -> None:
    async def scene(clock: Callable[[], float]) -> None:
        bucket = Bucket(1, SECOND, clock)
        await under_way(bucket, 1)
        first = asyncio.create_task(bucket.take(Priority.CLOSE))
        second = asyncio.create_task(bucket.take(Priority.QUERY))
        third = asyncio.create_task(bucket.take(Priority.QUERY))
        await settled()
        first.cancel()
        bucket.put_back(sent=False)
        second.cancel()  # in the moment in which its turn has come
        await third
        assert (first.cancelled(), second.cancelled()) == (True, True)
        bucket.put_back(sent=False)
        assert await has_room(bucket) == 1

    play(scene)


def test_where_the_group_has_no_room_the_endpoint_loses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GROUP_LIMITS, Group.THIRD, 2)

    async def scene(clock: Callable[[], float]) -> None:
        told = Limits(ENDPOINTS, clock)
        async with told.turn(PLACE, Priority.STOP), told.turn(PLACE, Priority.STOP):
            with pytest.raises(TryAgain, match="no room for place_order in 5 s"):
                async with told.turn(PLACE, Priority.STOP):
                    raise AssertionError("a third in a group of two")
            waits = asyncio.create_task(told.turn(PLACE, Priority.STOP).__aenter__())
            await settled()
            waits.cancel()
            await asyncio.gather(waits, return_exceptions=True)
        assert await has_room(told._own["place_order"]) == 10

    play(scene)


def test_another_endpoint_does_not_wait() -> None:
    async def scene(clock: Callable[[], float]) -> None:
        told = Limits(ENDPOINTS, clock)
        async with told.turn(PRICE, Priority.QUERY):
            with pytest.raises(TryAgain, match="no room for price"):
                async with told.turn(PRICE, Priority.QUERY):
                    raise AssertionError("a second call in the same second")
            before = clock()
            async with told.turn(PLACE, Priority.ENTRY):
                assert clock() == before

    play(scene)


def test_what_others_called_is_no_longer_there_for_us() -> None:
    async def scene(clock: Callable[[], float]) -> None:
        bucket = Bucket(10, SECOND, clock)
        await under_way(bucket, 1)
        bucket.learn(2000)
        bucket.put_back(sent=False)
        assert await has_room(bucket) == 10
        await under_way(bucket, 1)
        bucket.learn(5)
        assert (await has_room(bucket), await has_room(bucket, Priority.ENTRY)) == (5, 1)
        bucket.learn(0)
        assert await has_room(bucket) == 0
        await asyncio.sleep(SECOND)
        bucket.put_back(sent=False)
        assert await has_room(bucket) == 10

    play(scene)


def test_calls_under_way_may_come_on_top_of_what_the_exchange_counted() -> None:
    async def scene(clock: Callable[[], float]) -> None:
        bucket = Bucket(10, SECOND, clock)
        await under_way(bucket, 5)
        bucket.learn(5)  # the first of ours, after four of somebody else; four of ours have yet to arrive
        bucket.put_back(sent=True)
        assert await has_room(bucket) == 1

    play(scene)


def test_our_own_calls_answered_one_after_the_other_are_nobody_elses() -> None:
    async def scene(clock: Callable[[], float]) -> None:
        bucket = Bucket(10, SECOND, clock)
        await under_way(bucket, 6)
        for left in (9, 8, 7, 6, 5, 4):
            bucket.learn(left)
            bucket.put_back(sent=True)
        assert await has_room(bucket) == 4

    play(scene)


@pytest.mark.parametrize("left", ["", "-1", "many", "٣", "9" * 20])
def test_headers_that_are_no_number_are_passed_over(left: str) -> None:
    headers: Mapping[str, str] = {"X-RateLimit-Requests-Remain": left} if left else {}

    async def scene(clock: Callable[[], float]) -> None:
        told = Limits(ENDPOINTS, clock)
        async with told.turn(PLACE, Priority.QUERY):
            told.learn(PLACE, headers)
        assert await has_room(told._own["place_order"]) == 10

    play(scene)


def test_every_endpoint_alone_stays_below_the_limits_of_its_address() -> None:
    """300 calls of one endpoint in ten seconds, and 1000 to the market in a minute."""
    most_in_ten_seconds = int(10 / limits.SECOND) + 1  # times that one token may be used
    assert all(each.per_second * most_in_ten_seconds <= 300 for each in ENDPOINTS)
    assert GROUP_LIMITS[Group.MARKET] * (int(60 / limits.TEN_SECONDS) + 1) <= 1000
    assert len({each.name for each in ENDPOINTS}) == len({(e.method, e.path) for e in ENDPOINTS})
    assert all(each.signed is (each.group is not Group.MARKET) for each in ENDPOINTS)
