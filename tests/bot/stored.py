"""An order and a signal to store, and a store to keep them in."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiopg
from prometheus_client import CollectorRegistry

from bot.adapters.postgres import Postgres
from bot.domain.order import Order
from bot.domain.reason import Verdict
from bot.domain.signal import Side
from bot.log import open_log
from bot.metrics import instruments
from bot.ports import Incoming, SignalRow
from config.spec.load import load_metrics

CONFIG = Path(__file__).parents[2] / "config"
ORDER = Order(
    client_id="tws1",
    source="test",
    symbol="BTC-USDT",
    side=Side.BUY,
    quantity=Decimal("0.1000"),
    price=Decimal("60300.0"),
    stop=Decimal("0.0000001"),
    targets=(Decimal("0.00000810"), Decimal(70000), Decimal("123456789012345678901234567890.123456789")),
    leverage=5,
    expires_at=datetime(2027, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
)


def row(message: str = "1", order: Order | None = ORDER, reason: str | None = None) -> SignalRow:
    told = Incoming(source="test", chat="c", message_id=message, text="BUY 100% 'now' \\ ☃")
    verdict = Verdict.ACCEPTED if order else Verdict.REFUSED
    return SignalRow(incoming=told, verdict=verdict, reason=reason, order=order)


def numbered(name: str) -> Order:
    return replace(ORDER, client_id=f"tws{name.replace('_', '')}")


def made(dsn: str, *, size: int = 5, registry: CollectorRegistry | None = None) -> Postgres:
    """Not prepared yet."""
    catalogue, _ = load_metrics(CONFIG)
    metrics = instruments(catalogue, registry or CollectorRegistry())
    log = open_log("INFO", "simulator", [], io.StringIO())
    return Postgres(dsn, size=size, echo=False, log=log, metrics=metrics)


@asynccontextmanager
async def prepared(
    dsn: str, *, size: int = 5, registry: CollectorRegistry | None = None
) -> AsyncIterator[Postgres]:
    async with made(dsn, size=size, registry=registry) as store:
        await store.prepare()
        yield store


async def execute(dsn: str, statement: str) -> list[Any]:
    async with aiopg.connect(dsn, enable_hstore=False) as connection, connection.cursor() as cursor:
        await cursor.execute(statement)
        return list(await cursor.fetchall()) if cursor.description else []
