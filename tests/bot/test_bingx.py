"""The client against the simulator over real HTTP: two readings of the same documents that must agree."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from bot.adapters.bingx import Access, BingX
from bot.domain.mode import Mode
from bot.domain.order import Event, Order
from bot.domain.signal import Side
from bot.metrics import instruments
from bot.ports import OutcomeUnknown, Refused, StopTrading, TryAgain
from bot.simulator import faults
from config.spec.load import load_metrics
from tests.bot.play import KEYS, Exchange

CONFIG = Path(__file__).parents[2] / "config"
ORDER = Order(
    client_id="tws1",
    source="test",
    symbol="BTC-USDT",
    side=Side.BUY,
    quantity=Decimal("0.1000"),
    price=Decimal("60300.0"),
    stop=Decimal("59094.0"),
)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
async def bingx(exchange: Exchange, registry: CollectorRegistry) -> AsyncIterator[BingX]:
    async with client(exchange.url, registry) as made:
        yield made


@asynccontextmanager
async def client(url: str, registry: CollectorRegistry, **changes: Any) -> AsyncIterator[BingX]:
    """A client with short patience; other keys on request."""
    access = Access(
        mode=Mode.SIMULATOR, base_url=url, api_key=KEYS.api_key, secret_key=KEYS.secret_key, window=5
    )
    catalogue, _ = load_metrics(CONFIG)
    patience = aiohttp.ClientTimeout(total=0.5, sock_connect=0.2)
    async with aiohttp.ClientSession(timeout=patience) as session:
        yield BingX(session, replace(access, **changes), instruments(catalogue, registry))


def set_faults(exchange: Exchange, **told: Any) -> None:
    exchange.simulator.faults = faults.parse(faults.Faults(), told)


def errors(registry: CollectorRegistry, endpoint: str) -> dict[str, float]:
    kinds = ("business", "transport", "http", "rate_limited")
    counts = {
        kind: registry.get_sample_value("bingx_api_errors_total", {"endpoint": endpoint, "kind": kind}) or 0
        for kind in kinds
    }
    return {kind: count for kind, count in counts.items() if count}


async def test_an_order_is_placed_and_found(bingx: BingX, exchange: Exchange) -> None:
    placed = await bingx.place(ORDER)
    assert (placed.event, placed.filled_quantity, placed.average_price) == (
        Event.FILLED,
        Decimal("0.1"),
        Decimal("60000.0"),
    )
    assert await bingx.find("BTC-USDT", "tws1") == placed
    kept = next(each for each in exchange.simulator.book.all() if each.client_id == "tws1")
    assert kept.stop_loss == '{"type":"STOP_MARKET","stopPrice":59094.0,"workingType":"MARK_PRICE"}'


async def test_a_short_is_placed(bingx: BingX) -> None:
    order = replace(ORDER, side=Side.SELL, price=Decimal("59700.0"), stop=Decimal("60894.0"))
    assert (await bingx.place(order)).event is Event.FILLED


async def test_contracts_and_prices_are_read(bingx: BingX) -> None:
    contract = (await bingx.contracts())["1000PEPE-USDT"]
    assert (contract.quantity_step, contract.price_tick) == (Decimal(1), Decimal("0.0000001"))
    assert (await bingx.prices())["1000PEPE-USDT"] == Decimal("0.0080000")


async def test_an_order_nobody_placed_is_absent_and_no_error(
    bingx: BingX, registry: CollectorRegistry
) -> None:
    assert await bingx.find("BTC-USDT", "nobody") is None
    assert errors(registry, "query_order") == {}


@pytest.mark.parametrize(
    "fault",
    [{"drop_before": True}, {"drop_after": True}, {"http_status": 504}, {"http_status": 500}, {"delay": 2}],
    ids=str,
)
async def test_an_order_without_an_answer_is_of_unknown_outcome_and_sent_once(
    bingx: BingX, exchange: Exchange, fault: dict[str, Any]
) -> None:
    set_faults(exchange, **fault)
    with pytest.raises(OutcomeUnknown):
        await bingx.place(ORDER)
    taken = len(exchange.orders)
    exchange.simulator.faults = faults.Faults()
    await asyncio.sleep(0)
    assert len(exchange.orders) == taken <= 1
    assert (await bingx.find("BTC-USDT", "tws1") is not None) == bool(taken)


@pytest.mark.parametrize("fault", [{"http_status": 502}, {"http_status": 403}, {"delay": 2}], ids=str)
async def test_a_failed_question_is_never_an_absent_order(
    bingx: BingX, exchange: Exchange, fault: dict[str, Any]
) -> None:
    set_faults(exchange, **fault)
    with pytest.raises((TryAgain, OutcomeUnknown)):
        await bingx.find("BTC-USDT", "tws1")


async def test_nobody_listening_means_certainly_not_sent(registry: CollectorRegistry) -> None:
    async with client("http://127.0.0.1:1", registry) as bingx:
        with pytest.raises(TryAgain, match="cannot connect"):
            await bingx.place(ORDER)
    assert errors(registry, "place_order") == {"transport": 1}


@pytest.mark.parametrize(
    ("code", "kind", "counted"),
    [
        (101204, Refused, "business"),
        (100410, TryAgain, "rate_limited"),
        (109500, OutcomeUnknown, "business"),
        (100419, StopTrading, "business"),
    ],
)
async def test_refusals_by_code(
    bingx: BingX,
    exchange: Exchange,
    registry: CollectorRegistry,
    code: int,
    kind: type[Exception],
    counted: str,
) -> None:
    set_faults(exchange, reject_orders={"code": code, "msg": "told so"})
    with pytest.raises(kind, match=f"{code}: told so"):
        await bingx.place(ORDER)
    assert errors(registry, "place_order") == {counted: 1}
    assert registry.get_sample_value("bingx_api_calls_total", {"endpoint": "place_order"}) == 1


async def test_an_id_that_was_used_before_is_asked_about_and_not_taken_for_refused(bingx: BingX) -> None:
    await bingx.place(ORDER)
    with pytest.raises(OutcomeUnknown, match="was taken"):
        await bingx.place(ORDER)


async def test_a_clock_that_is_off_is_measured_and_the_order_goes_out_once_more(
    bingx: BingX, exchange: Exchange
) -> None:
    ahead = exchange.simulator._now_ms
    exchange.simulator._now_ms = lambda: ahead() + 60_000
    assert (await bingx.place(ORDER)).event is Event.FILLED
    assert len(exchange.orders) == 1
    assert abs(await bingx.clock_offset() - 60) < 5


async def test_a_wrong_key_stops_trading(exchange: Exchange, registry: CollectorRegistry) -> None:
    async with client(exchange.url, registry, secret_key="other") as bingx:
        with pytest.raises(StopTrading, match="100001"):
            await bingx.place(ORDER)


async def test_no_error_shows_a_key_or_a_signature(exchange: Exchange, registry: CollectorRegistry) -> None:
    set_faults(exchange, drop_before=True)
    async with client(exchange.url, registry) as bingx:
        with pytest.raises(OutcomeUnknown) as caught:
            await bingx.place(ORDER)
    assert "signature" not in str(caught.value)
    shown = repr(
        Access(mode=Mode.SIMULATOR, base_url="http://127.0.0.1:1", api_key="akey", secret_key="sec", window=5)
    )
    assert "akey" not in shown
    assert "sec" not in shown


async def test_the_transport_itself_keeps_the_simulator_on_this_machine(registry: CollectorRegistry) -> None:
    with pytest.raises(ValueError, match=r"does not allow the host 'open-api\.bingx\.com'"):
        async with client("https://open-api.bingx.com", registry):
            pass
