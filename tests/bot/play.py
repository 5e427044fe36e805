"""What the tests of the bot play with: the simulator in this process, and ways to wait."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
from aiohttp import web

from bot.app import run
from bot.desk import Pace
from bot.log import open_log
from bot.settings import Settings, read_settings
from bot.simulator.__main__ import now_ms
from bot.simulator.book import Book
from bot.simulator.http import Simulator, make_app
from bot.simulator.journal import Journal
from bot.simulator.market import Market
from bot.simulator.signature import Credentials
from bot.start import read_configuration
from scripts.stack.lifted import lifted
from tests.bot.made_control import control_directory

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


TOKEN = "the-admin-token"
CONFIG = Path(__file__).parents[2] / "config"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    url: str
    stop: asyncio.Event
    task: "asyncio.Task[None]"
    log: io.StringIO

    async def is_ready(self) -> bool:
        return (await get(f"{self.url}/readyz"))[0] == 200

    async def order(self, message: str = "BUY BTCUSDT 0.1", id_: str = "1") -> tuple[int, Any]:
        body = {"message": message, "source": "test", "execute": True, "id": id_}
        return await post(f"{self.url}/debug/signal", body, TOKEN)

    async def states(self) -> dict[str, int] | None:
        _, told = await get(f"{self.url}/status")
        orders = told["orders"]
        return {state: count for state, count in orders.items() if count} if orders is not None else None

    async def metric(self, line: str) -> float | None:
        """The value of one series, named as it is exported."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/metrics") as response:
            for each in (await response.text()).splitlines():
                if each.startswith(f"{line} "):
                    return float(each.rpartition(" ")[2])
        return None

    def has(self, states: dict[str, int]) -> Callable[[], Awaitable[bool]]:
        async def has() -> bool:
            return await self.states() == states

        return has


def settings(dsn: str, exchange_url: str, **changes: str) -> Settings:
    environment = {
        "DATABASE_URL": dsn,
        "BINGX_BASE_URL": exchange_url,
        "BINGX_API_KEY": KEYS.api_key,
        "BINGX_SECRET_KEY": KEYS.secret_key,
        "ADMIN_TOKEN": TOKEN,
        "TRADING_ENABLED": "true",
        "LOG_LEVEL": "DEBUG",
        "TIME_SCALE": "50",
    }
    made, problems = read_settings(environment | changes)
    assert made is not None, problems
    return made


@asynccontextmanager
async def running_bot(
    dsn: str, exchange_url: str, *, wait: bool = True, pace: Pace | None = None, **changes: str
) -> AsyncIterator[Bot]:
    """The true application in this process, its timers fifty times as fast; it may repeat an order."""
    with TemporaryDirectory() as folder:
        control = control_directory(Path(folder) / "control")
        config = lifted(CONFIG, Path(folder) / "config")
        given = settings(
            dsn, exchange_url, **{"CONTROL_DIR": str(control), "CONFIG_DIR": str(config)} | changes
        )
        async with _running(given, pace) as bot:
            if wait:
                await until(bot.is_ready)
            yield bot


@asynccontextmanager
async def _running(given: Settings, pace: Pace | None) -> AsyncIterator[Bot]:
    configuration, problems = read_configuration(given.config_dir)
    assert configuration is not None, problems
    out, stop = io.StringIO(), asyncio.Event()
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    log = open_log(given.log_level, given.mode.value, given.secrets(), out)
    work = run(
        replace(given, http_port=0), configuration, log, stop, pace=pace, listening=listening.set_result
    )
    task = asyncio.create_task(work)
    task.add_done_callback(lambda _: listening.done() or listening.cancel())
    await asyncio.wait({listening})
    if task.done():
        await task
    bot = Bot(url=listening.result(), stop=stop, task=task, log=out)
    try:
        yield bot
    finally:
        stop.set()
        await task
