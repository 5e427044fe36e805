"""A bank for tests: the true simulator with a clock of its own, and what the bot reads of the money there."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry

from bot.adapters.bingx import Access, BingX
from bot.domain import health
from bot.domain.account import Balance, Income, NewOrder, PositionSide, Purpose
from bot.domain.ledger import Day
from bot.domain.mode import Mode
from bot.domain.signal import Side
from bot.ledger import read_money
from bot.log import open_log
from bot.metrics import instruments
from bot.simulator.book import Book
from bot.simulator.http import Simulator, make_app
from bot.simulator.journal import Journal
from bot.simulator.market import Market
from config.spec.load import load_metrics
from tests.bot.play import KEYS

CONFIG = Path(__file__).parents[2] / "config"
MIDNIGHT = datetime(2026, 3, 10, tzinfo=UTC)
NOON = MIDNIGHT + timedelta(hours=12)
HOUR = timedelta(hours=1)


@dataclass(slots=True)
class Kept:
    """The two columns of the store that hold what the balance should be."""

    anchor: tuple[Decimal, datetime] | None = None
    fail: Exception | None = None
    fails_once: bool = False

    async def expected_balance(self) -> tuple[Decimal, datetime] | None:
        self._maybe_fail()
        return self.anchor

    async def expect_balance(self, amount: Decimal, at: datetime) -> None:
        self._maybe_fail()
        self.anchor = (amount, at)

    def _maybe_fail(self) -> None:
        if self.fail:
            fail, self.fail = self.fail, None if self.fails_once else self.fail
            raise fail


@dataclass(slots=True, kw_only=True)
class Bank:
    """The simulator, the bot's client for it, and what the bot knows; its time stands still until moved."""

    now: datetime = NOON
    timezone: str = "UTC"
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    kept: Kept = field(default_factory=Kept)
    simulator: Any = None
    access: Any = None
    http: Any = None
    bingx: Any = None
    desk: Any = None

    def seconds(self) -> float:
        return self.now.timestamp()

    def restart(self) -> None:
        """Forget everything but the database."""
        self.registry = CollectorRegistry()
        catalogue, _ = load_metrics(CONFIG)
        self.desk = SimpleNamespace(
            account=self.bingx,
            store=self.kept,
            metrics=instruments(catalogue, self.registry),
            log=open_log("ERROR", "simulator", [], io.StringIO()),
            mode=Mode.SIMULATOR,
            clock=self.seconds,
            wall=lambda: self.now,
            clock_offset=None,
            money=None,
            checks={"money": health.first("money", self.seconds())},
            hedged=True,
        )

    async def read(self, after: timedelta = timedelta(seconds=5)) -> Any:
        self.now += after
        self.simulator.book.fill_crossed(Decimal(1))
        await read_money(Day(timezone=ZoneInfo(self.timezone), loss_limit=Decimal(1000)))(self.desk)
        return self.desk.money

    async def trade(self, side: Side, purpose: Purpose, quantity: str = "0.1") -> None:
        order = NewOrder(
            purpose=purpose,
            symbol="BTC-USDT",
            side=side,
            position_side=PositionSide.LONG,
            quantity=Decimal(quantity),
        )
        await self.bingx.submit(order, lambda: "")

    async def open(self) -> None:
        await self.trade(Side.BUY, Purpose.ENTRY)

    async def close(self) -> None:
        await self.trade(Side.SELL, Purpose.CLOSE)

    def price(self, price: str) -> None:
        self.simulator.market.set("BTC-USDT", Decimal(price))

    def gauge(self, name: str) -> float | None:
        return self.registry.get_sample_value(name)


@dataclass(slots=True)
class Moving:
    """An account in which a fee is paid between two questions, as often as told; knows what it was asked."""

    times: int = 0
    balance: Decimal = Decimal(100)
    rows: list[Income] = field(default_factory=list)
    asked: list[tuple[datetime, datetime]] = field(default_factory=list)

    async def balances(self) -> list[Balance]:
        one = Balance(
            uid="1",
            asset="USDT",
            balance=self.balance,
            equity=self.balance,
            unrealised=Decimal(0),
            available=self.balance,
            used=Decimal(0),
        )
        return [one, replace(one, asset="BTC", balance=Decimal(0))]

    async def income(self, since: datetime, until: datetime) -> list[Income]:
        self.asked.append((since, until))
        told = [row for row in self.rows if since <= row.at < until]
        if self.times:
            self.times -= 1
            self.balance -= 2
            self.rows.append(
                Income(
                    kind="TRADING_FEE",
                    amount=Decimal(-2),
                    asset="USDT",
                    symbol="",
                    at=NOON,
                    id=str(len(self.rows)),
                    trade_id="",
                )
            )
        return told


@asynccontextmanager
async def open_bank(folder: Path) -> AsyncIterator[Bank]:
    bank = Bank()

    def now_ms() -> int:
        return round(bank.seconds() * 1000)

    journal = Journal(folder / "orders.jsonl")
    market = Market(volatility=0)
    bank.simulator = Simulator(market, Book(market, journal, now_ms), KEYS, now_ms)
    runner = web.AppRunner(make_app(bank.simulator), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    bank.access = Access(
        mode=Mode.SIMULATOR,
        base_url=f"http://127.0.0.1:{runner.addresses[0][1]}",
        api_key=KEYS.api_key,
        secret_key=KEYS.secret_key,
        window=5,
    )
    catalogue, _ = load_metrics(CONFIG)
    metrics = instruments(catalogue, CollectorRegistry())
    async with aiohttp.ClientSession() as bank.http:
        bank.bingx = BingX(bank.http, bank.access, metrics, bank.seconds, bank.seconds)
        bank.restart()
        bank.price("60000")
        yield bank
    await runner.cleanup()
    journal.close()
