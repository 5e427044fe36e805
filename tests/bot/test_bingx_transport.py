"""One call and its fate: what is sent, what is held back, what is counted, and what nobody may read in it."""

import asyncio
import time
import traceback
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from bot.adapters import bingx_limits
from bot.adapters.bingx import Access, BingX
from bot.adapters.bingx_codes import ClockSkew, RateLimited
from bot.adapters.bingx_endpoints import ENDPOINTS
from bot.domain.account import NewOrder, PositionSide, Purpose
from bot.domain.mode import Mode
from bot.domain.signal import Side
from bot.metrics import instruments
from bot.ports import Halted, OutcomeUnknown, Refused, StopTrading, TryAgain
from config.spec.load import load_metrics
from tests.bot.bingx_stub import CONFIG, KEY, PLACED, SECRET, Asked, Stub, bad, dropped, good, page, stubbed
from tests.bot.test_protection import trade

ENTRY = NewOrder(
    purpose=Purpose.ENTRY,
    symbol="BTC-USDT",
    side=Side.BUY,
    position_side=PositionSide.LONG,
    quantity=Decimal("0.1"),
    price=Decimal(60000),
    client_id="tws1",
    stop=Decimal(59000),
)
STOP = NewOrder(
    purpose=Purpose.STOP,
    symbol="BTC-USDT",
    side=Side.SELL,
    position_side=PositionSide.LONG,
    trigger=Decimal(59000),
)


class Clock:
    """Runs with the real one, and further when a test moves it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def wall(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
async def both(registry: CollectorRegistry, clock: Clock) -> AsyncIterator[tuple[BingX, Stub]]:
    async with stubbed(registry, clock.wall, clock.monotonic) as made:
        yield made


@pytest.fixture
def bingx(both: tuple[BingX, Stub]) -> BingX:
    return both[0]


@pytest.fixture
def stub(both: tuple[BingX, Stub]) -> Stub:
    return both[1]


def wide_open() -> str:
    return ""


def ban(registry: CollectorRegistry) -> float | None:
    return registry.get_sample_value("bingx_ban_until_timestamp_seconds")


def calls(registry: CollectorRegistry, endpoint: str) -> float | None:
    return registry.get_sample_value("bingx_api_calls_total", {"endpoint": endpoint})


async def test_a_ban_with_an_end_holds_its_endpoint_until_then(
    bingx: BingX, stub: Stub, registry: CollectorRegistry, clock: Clock
) -> None:
    assert ban(registry) == 0
    stub.ahead = 100  # the exchange's clock, by which it tells the end
    await bingx.clock_offset()
    until = clock.wall() + 100 + 60
    stub.answer = lambda _: bad(100410, f"disabled period and will be unblocked after {round(until * 1000)}")
    with pytest.raises(RateLimited, match="disabled period"):
        await bingx.positions()
    assert ban(registry) == pytest.approx(until - 100, abs=1)
    stub.answer = lambda _: good([])
    with pytest.raises(RateLimited, match="not sent"):
        await bingx.positions()
    assert calls(registry, "positions") == 1
    await bingx.balances()
    clock.ahead += 61
    assert await bingx.positions() == []
    assert ban(registry) == 0


async def test_a_ban_that_comes_while_a_call_waits_holds_that_call(bingx: BingX, stub: Stub) -> None:
    stub.answer = lambda _: bad(100410, "rate limited")
    results = await asyncio.gather(bingx.prices(), bingx.prices(), return_exceptions=True)
    assert [type(each) for each in results] == [RateLimited, RateLimited]
    assert stub.paths() == ["price"]


@pytest.mark.parametrize("status", [403, 418, 429])
async def test_a_ban_of_the_address_holds_everything(
    bingx: BingX, stub: Stub, registry: CollectorRegistry, clock: Clock, status: int
) -> None:
    stub.answer = lambda _: page(status)
    with pytest.raises(TryAgain):
        await bingx.prices()
    assert ban(registry) == pytest.approx(clock.wall() + 10, abs=1)
    with pytest.raises(TryAgain, match="not sent"):
        await bingx.submit(ENTRY, wide_open)
    assert stub.paths() == ["price"]
    kinds = {"endpoint": "price", "kind": "rate_limited"}
    assert registry.get_sample_value("bingx_api_errors_total", kinds) == 1


async def test_the_gate_keeps_an_entry_and_lets_protection_and_closes_pass(
    bingx: BingX, stub: Stub, registry: CollectorRegistry
) -> None:
    stub.answer = lambda _: good(PLACED)
    with pytest.raises(Halted, match="somebody halted"):
        await bingx.submit(ENTRY, lambda: "somebody halted")
    assert (stub.asked, calls(registry, "place_order")) == ([], 0)
    await bingx.submit(STOP, lambda: "somebody halted")
    close = replace(STOP, purpose=Purpose.CLOSE, trigger=None, quantity=Decimal(1))
    await bingx.submit(close, lambda: "somebody halted")
    assert len(stub.asked) == 2


async def test_the_gate_is_asked_after_the_wait_for_a_turn(bingx: BingX, stub: Stub) -> None:
    stub.answer = lambda _: good(PLACED)
    began, asked_at = time.monotonic(), []
    for number in range(6):
        await bingx.submit(replace(ENTRY, client_id=f"tws{number}"), wide_open)

    def gate() -> str:
        asked_at.append(time.monotonic() - began)
        return "halted meanwhile"

    with pytest.raises(Halted):
        await bingx.submit(ENTRY, gate)
    assert (len(stub.asked), len(asked_at)) == (6, 1)
    assert asked_at[0] > 1  # the seventh entry of a second has to wait until the second is over


async def test_a_machine_that_sleeps_once_the_gate_was_asked_sends_what_is_too_old(
    bingx: BingX, stub: Stub, clock: Clock
) -> None:
    stub.answer = lambda _: good(PLACED)

    def sleeps() -> str:
        clock.ahead += 3600
        return ""

    await bingx.submit(ENTRY, sleeps)
    assert int(stub.asked[0].parameters["timestamp"]) / 1000 == pytest.approx(clock.wall() - 3600, abs=5)


async def test_an_entry_that_its_gate_keeps_takes_no_room_of_others(registry: CollectorRegistry) -> None:
    async with stubbed(registry, time.time, lambda: 0.0) as (bingx, stub):  # no room ever comes back
        stub.answer = lambda _: good(PLACED)
        for _ in range(20):
            with pytest.raises(Halted):
                await bingx.submit(ENTRY, lambda: "halted meanwhile")
        for number in range(6):
            await bingx.submit(replace(ENTRY, client_id=f"tws{number}"), wide_open)
        assert len(stub.asked) == 6


def none_left(asked: Asked) -> web.Response:
    return web.json_response({"code": 0, "data": []}, headers={"X-RateLimit-Requests-Remain": "0"})


@pytest.mark.parametrize(("answer", "calls"), [(dropped, 5), (none_left, 1)], ids=["dropped", "told"])
async def test_calls_that_may_have_arrived_leave_less_room_and_so_does_what_the_exchange_says_of_others(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch, answer: Any, calls: int
) -> None:
    monkeypatch.setattr(bingx_limits, "PATIENCE", 0.1)
    async with stubbed(registry, time.time, lambda: 0.0) as (bingx, stub):
        stub.answer = answer
        for _ in range(10):
            with suppress(TryAgain):
                await bingx.balances()
        with pytest.raises(TryAgain, match="no room for balance"):
            await bingx.balances()
        assert len(stub.asked) == calls


async def test_a_second_skew_is_not_tried_a_third_time(bingx: BingX, stub: Stub) -> None:
    stub.ahead = 100
    stub.answer = lambda _: bad(100421, "Null timestamp or timestamp mismatch")
    with pytest.raises(ClockSkew):
        await bingx.submit(ENTRY, wide_open)
    assert stub.paths() == ["order", "time", "order"]
    first, second = stub.asked[0].parameters, stub.asked[2].parameters
    assert first["clientOrderId"] == second["clientOrderId"] == "tws1"
    assert int(second["timestamp"]) - int(first["timestamp"]) == pytest.approx(100_000, abs=2000)


async def test_a_clock_that_answers_slowly_is_not_believed(bingx: BingX, stub: Stub, clock: Clock) -> None:
    def late() -> float:
        clock.ahead += 3
        return clock.wall()

    stub.wall = late
    with pytest.raises(TryAgain, match=r"the answer took 3\.\d s"):
        await bingx.clock_offset()


async def test_the_wait_for_a_turn_does_not_count_as_the_way_to_the_exchanges_clock(
    bingx: BingX, stub: Stub, clock: Clock
) -> None:
    stub.ahead = 7
    for _ in range(5):
        await bingx.clock_offset()
    # The sixth of a second waits, and while it does all clocks go on by more than the wait itself.
    asyncio.get_running_loop().call_later(0.2, setattr, clock, "ahead", 1.9)
    assert await bingx.clock_offset() == pytest.approx(7, abs=0.8)


async def test_time_to_the_answer_of_an_order_is_measured_refusals_too(
    bingx: BingX, stub: Stub, registry: CollectorRegistry
) -> None:
    stub.answer = lambda _: good([])
    await bingx.balances()
    assert registry.get_sample_value("bingx_order_execution_seconds_count") == 0
    for answer, count in ((lambda _: good(PLACED), 1), (lambda _: bad(101204), 2), (dropped, 2)):
        stub.answer = answer
        with suppress(Refused, OutcomeUnknown):
            await bingx.submit(ENTRY, wide_open)
        assert registry.get_sample_value("bingx_order_execution_seconds_count") == count


async def test_five_equal_refusals_are_a_reason_to_enter_nothing(bingx: BingX, stub: Stub) -> None:
    stub.answer = lambda _: bad(101204, "Insufficient margin")
    for _ in range(5):
        assert bingx.entries_halted() == ""
        with pytest.raises(Exception, match="101204"):
            await bingx.submit(ENTRY, wide_open)
    assert "101204 to place_order 5 times" in bingx.entries_halted()


async def test_what_had_no_answer_is_not_sent_again_behind_our_back(bingx: BingX, stub: Stub) -> None:
    stub.answer = dropped
    with pytest.raises(TryAgain, match="no answer"):
        await bingx.positions()
    with pytest.raises(OutcomeUnknown, match="no answer"):
        await bingx.cancel("BTC-USDT", client_id="tws1")
    assert [each.method for each in stub.asked] == ["GET", "DELETE"]


async def test_a_redirect_is_not_followed(bingx: BingX, stub: Stub) -> None:
    stub.answer = lambda _: web.Response(status=307, headers={"Location": f"{stub.url}/elsewhere"})
    with pytest.raises(OutcomeUnknown):
        await bingx.submit(ENTRY, wide_open)
    assert stub.paths() == ["order"]


def echoing(asked: Asked) -> web.Response:
    return bad(100413, f"Incorrect apiKey {KEY}")


@pytest.mark.parametrize("answer", [dropped, echoing, lambda _: page(502), lambda _: good({"order": {}})])
async def test_nobody_reads_a_key_or_a_signature_in_an_error(bingx: BingX, stub: Stub, answer: Any) -> None:
    stub.answer = answer
    with pytest.raises((OutcomeUnknown, StopTrading)) as caught:
        await bingx.submit(ENTRY, wide_open)
    signature = stub.asked[-1].parameters["signature"]
    told = "".join(traceback.format_exception(caught.value))
    assert not any(secret in told for secret in (KEY, SECRET, signature, "signature="))
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("mode", "url"),
    [
        (Mode.LIVE, "http://open-api.bingx.com"),
        (Mode.LIVE, "https://open-api.bingx.com:8443"),
        (Mode.LIVE, "https://open-api-vst.bingx.com"),
        (Mode.LIVE, "https://open-api.bingx.com@127.0.0.1"),
        (Mode.LIVE, "https://open-api.bingx.com.evil.example"),
        (Mode.VST, "https://open-api.bingx.com"),
        (Mode.VST, "http://127.0.0.1"),
        (Mode.SIMULATOR, "https://open-api-vst.bingx.com"),
        (Mode.SIMULATOR, "http://192.0.2.7"),
    ],
)
async def test_a_host_of_another_mode_is_refused(mode: Mode, url: str, registry: CollectorRegistry) -> None:
    access = Access(mode=mode, base_url=url, api_key=KEY, secret_key=SECRET, window=5)
    catalogue, _ = load_metrics(CONFIG)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ValueError, match=f"mode {mode}"):
            BingX(session, access, instruments(catalogue, registry))
        BingX(
            session,
            replace(access, mode=Mode.LIVE, base_url="https://open-api.bingx.pro"),
            instruments(catalogue, CollectorRegistry()),
        )


def test_the_catalogue_knows_every_endpoint() -> None:
    catalogue, _ = load_metrics(CONFIG)
    labels = {metric.name: metric.labels for metric in catalogue}
    names = [endpoint.name for endpoint in ENDPOINTS]
    for metric in ("bingx_api_calls_total", "bingx_api_errors_total"):
        assert sorted(labels[metric]["endpoint"]) == sorted(names)


@pytest.mark.parametrize(
    ("targets", "attached"), [((), False), (("61000",), True), (("61000", "62000"), False)]
)
async def test_only_a_target_that_is_alone_goes_with_its_entry(
    bingx: BingX, stub: Stub, targets: tuple[str, ...], *, attached: bool
) -> None:
    stub.answer = lambda _: good(PLACED)
    entry = replace(trade(), client_id="tws1", targets=tuple(map(Decimal, targets)))
    await bingx.place(entry, wide_open)
    assert ("takeProfit" in stub.asked[0].parameters) is attached
