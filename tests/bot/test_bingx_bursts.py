"""The client and a simulator that bans whoever calls too often: whatever comes at once, nobody is banned."""

import asyncio
import time
from decimal import Decimal

import aiohttp
from prometheus_client import CollectorRegistry

from bot.adapters.bingx import Access, BingX
from bot.adapters.bingx_codes import RateLimited
from bot.adapters.bingx_endpoints import PLACE
from bot.domain.account import NewOrder, PositionSide, Purpose
from bot.domain.mode import Mode
from bot.domain.signal import Side
from bot.metrics import instruments
from bot.ports import TryAgain
from bot.simulator.faults import Faults
from config.spec.load import load_metrics
from tests.bot.play import CONFIG, KEYS, Exchange, post, until

# Two equal orders within a second are taken for one.
BURST = [
    NewOrder(
        purpose=Purpose.CLOSE,
        symbol="BTC-USDT",
        side=Side.SELL,
        position_side=PositionSide.LONG,
        quantity=Decimal(number) / 10_000,
    )
    for number in range(1, 61)
]


def wide_open() -> str:
    return ""


class Clock:
    """Runs with the real one, and further when a test moves it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


async def placed(bingx: BingX, order: NewOrder) -> None:
    """Like one who asks again until there is room."""
    while True:
        try:
            await bingx.submit(order, wide_open)
        except RateLimited:
            raise
        except TryAgain:
            continue
        return


async def test_sixty_orders_at_once_are_no_ban_though_the_exchange_stands_still_and_they_travel_unevenly(
    exchange: Exchange,
) -> None:
    exchange.simulator.limits.enforced = True
    registry, clock = CollectorRegistry(), Clock()
    access = Access(
        mode=Mode.SIMULATOR,
        base_url=exchange.url,
        api_key=KEYS.api_key,
        secret_key=KEYS.secret_key,
        window=5,
    )
    catalogue, _ = load_metrics(CONFIG)
    bought = {"symbol": "BTC-USDT", "side": "BUY", "positionSide": "LONG", "type": "MARKET", "quantity": "1"}
    await post(f"{exchange.url}/control/foreign", bought)
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        bingx = BingX(session, access, instruments(catalogue, registry), clock=clock)
        exchange.simulator.faults = Faults(frozen=True)
        for order in BURST[:30]:
            group.create_task(placed(bingx, order))
        sent = {"endpoint": PLACE.name}
        await until(lambda: registry.get_sample_value("bingx_api_calls_total", sent) == PLACE.per_second)
        clock.ahead = 60  # long after they left, and still nobody knows when they arrive
        for order in BURST[30:]:
            group.create_task(placed(bingx, order))
        exchange.simulator.faults = Faults(jitter=0.4)
    assert exchange.simulator.limits.bans == {}
    assert len(exchange.orders) == 1 + len(BURST)
