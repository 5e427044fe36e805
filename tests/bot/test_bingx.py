"""The client against the simulator over real HTTP: two readings of the same documents that must agree."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from bot.adapters.bingx import Access, BingX
from bot.domain.account import MarginType, NewOrder, PositionSide, Purpose
from bot.domain.mode import Mode
from bot.domain.order import Event, Order
from bot.domain.signal import Side
from bot.metrics import instruments
from bot.ports import NothingLeft, OutcomeUnknown, Refused, StopTrading, TryAgain
from bot.simulator import faults
from bot.simulator.switches import Switches, parse
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
        with pytest.raises(TryAgain, match="cannot connect") as caught:
            await bingx.place(ORDER)
    assert caught.value.__cause__ is None  # its text might hold the signed address
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


OTHERWISE = {
    "codes": "old",
    "ack": "bare",
    "cancelled": "CANCELED",
    "one_way_side": "both",
    "mode_as": "bool",
    "empty_income": "null",
    "history": "oldest",
    "asset": "VST",
}
TARGET = NewOrder(
    purpose=Purpose.TARGET,
    symbol="BTC-USDT",
    side=Side.SELL,
    position_side=PositionSide.LONG,
    quantity=Decimal("0.04"),
    trigger=Decimal(61000),
)
whatever_the_documents_leave_open = pytest.mark.parametrize(
    ("hedge", "switches"),
    [(True, {}), (True, OTHERWISE), (False, {}), (False, OTHERWISE)],
    ids=["hedge", "hedge, otherwise", "one-way", "one-way, otherwise"],
)


def switched(exchange: Exchange, hedge: bool, switches: dict[str, str]) -> None:
    exchange.simulator.book.switches = parse(Switches(), {"codes": "new", **switches})
    exchange.simulator.book.account.hedge = hedge


async def test_leverage_and_margin_are_set_and_read(bingx: BingX) -> None:
    await bingx.set_margin_type("BTC-USDT", MarginType.ISOLATED)
    await bingx.set_leverage("BTC-USDT", PositionSide.LONG, 5)
    await bingx.set_leverage("BTC-USDT", PositionSide.SHORT, 3)
    assert await bingx.margin_type("BTC-USDT") is MarginType.ISOLATED
    told = await bingx.leverage("BTC-USDT")
    assert (told.long, told.short, told.max_long >= 5) == (5, 3, True)


@whatever_the_documents_leave_open
async def test_protection_is_placed_listed_and_cancelled(
    bingx: BingX, exchange: Exchange, hedge: bool, switches: dict[str, str]
) -> None:
    switched(exchange, hedge, switches)
    assert await bingx.is_hedged() is hedge
    await bingx.place(ORDER)
    (stop,) = await bingx.open_orders("BTC-USDT")
    assert (stop.type, stop.trigger, stop.side) == ("STOP_MARKET", Decimal(59094), Side.SELL)
    target = TARGET if hedge else replace(TARGET, position_side=PositionSide.BOTH)
    placed = await bingx.submit(target, str)
    assert {order.exchange_id for order in await bingx.open_orders()} == {
        stop.exchange_id,
        placed.exchange_id,
    }
    with pytest.raises(Refused):
        await bingx.submit(replace(target, purpose=Purpose.STOP), str)  # above the price
    assert await bingx.cancel("BTC-USDT", exchange_id=placed.exchange_id or "") is not None
    assert await bingx.cancel("BTC-USDT", exchange_id="999") is None
    assert list(await bingx.cancel_all("BTC-USDT")) == []
    assert list(await bingx.open_orders()) == []


@whatever_the_documents_leave_open
async def test_a_position_is_closed_and_what_it_cost_is_told(
    bingx: BingX, exchange: Exchange, hedge: bool, switches: dict[str, str]
) -> None:
    switched(exchange, hedge, switches)
    began = datetime.now(UTC) - timedelta(seconds=1)
    asset = switches.get("asset", "USDT")
    before = {each.asset: each.balance for each in await bingx.balances()}[asset]
    assert list(await bingx.income(began, began)) == []
    await bingx.is_hedged()
    await bingx.place(ORDER)
    (position,) = await bingx.positions()
    assert (position.is_long, position.quantity, position.entry_price) == (True, Decimal("0.1"), 60000)
    side = PositionSide.LONG if hedge else PositionSide.BOTH
    close = replace(TARGET, purpose=Purpose.CLOSE, position_side=side, trigger=None, client_id="twc1")
    await bingx.submit(replace(close, quantity=position.quantity), str)
    assert list(await bingx.positions()) == []
    with pytest.raises(NothingLeft):
        await bingx.submit(replace(close, client_id="twc2"), str)
    ended = datetime.now(UTC) + timedelta(seconds=1)
    past = await bingx.history("BTC-USDT", began, ended)
    assert {"tws1", "twc1"} <= {order.client_id for order in past}
    income = await bingx.income(began, ended)
    after = {each.asset: each.balance for each in await bingx.balances()}[asset]
    assert after == before + sum(row.amount for row in income if row.is_result)
    assert after < before


async def test_a_flood_of_calls_stays_below_the_limits_of_the_exchange(
    bingx: BingX, exchange: Exchange
) -> None:
    exchange.simulator.limits.enforced = True
    orders = [replace(ORDER, client_id=f"tws{n}", quantity=Decimal("0.001")) for n in range(14)]
    calls: list[Awaitable[Any]] = [bingx.place(order) for order in orders]
    calls += [bingx.balances() for _ in range(8)]
    calls += [bingx.find("BTC-USDT", f"nobody{n}") for n in range(15)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [each for each in results if isinstance(each, BaseException)] == []
    assert exchange.simulator.limits.bans == {}
