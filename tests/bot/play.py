"""What the tests of the bot play with: the simulator in this process, and ways to wait."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from bot.simulator.__main__ import now_ms
from bot.simulator.book import Book
from bot.simulator.http import Simulator, make_app
from bot.simulator.journal import Journal
from bot.simulator.market import Market
from bot.simulator.signature import Credentials

KEYS = Credentials(api_key="the-api-key", secret_key="the-secret-key")
PATIENCE = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    url: str
    simulator: Simulator

    @property
    def orders(self) -> list[dict[str, Any]]:
        return [{"client_id": each.client_id, "status": each.status} for each in self.simulator.book.all()]


@asynccontextmanager
async def running_simulator(state: Path, port: int = 0) -> AsyncIterator[Exchange]:
    """Prices stand still until a test moves them."""
    market = Market(volatility=0)
    journal = Journal(state / "orders.jsonl")
    simulator = Simulator(market, Book(market, journal, now_ms), KEYS, now_ms)
    runner = web.AppRunner(make_app(simulator), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield Exchange(url=f"http://127.0.0.1:{runner.addresses[0][1]}", simulator=simulator)
    finally:
        await runner.cleanup()
        journal.close()


async def until(condition: Callable[[], bool | Awaitable[bool]], patience: float = PATIENCE) -> None:
    """Returns once the condition holds; fails the test if it never does."""
    async with asyncio.timeout(patience):
        while True:
            held = condition()
            if held if isinstance(held, bool) else await held:
                return
            await asyncio.sleep(0.01)


async def get(url: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.json()


async def post(url: str, body: Any, token: str | None = None) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    data = {"data": body} if isinstance(body, str | bytes) else {"json": body}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(url, **data) as response,
    ):
        return response.status, await response.json()
