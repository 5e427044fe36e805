"""The schema is brought up to date once, whole or not at all, over what an older version left."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

import aiopg
import pytest

from bot.adapters.postgres_migrations import MIGRATIONS
from bot.domain.order import State
from bot.ports import StopTrading, TryAgain
from tests.bot.stored import execute, made, prepared


async def test_bots_that_start_at_once_all_find_the_schema(dsn: str) -> None:
    stores = [made(dsn, size=1) for _ in range(4)]
    await asyncio.gather(*(store.prepare() for store in stores))
    assert [await store.counts() for store in stores] == [{}] * 4
    for store in stores:
        await store.__aexit__()
    applied = await execute(dsn, "SELECT name FROM schema_migrations ORDER BY name")
    assert applied == [(file.name,) for file in sorted(MIGRATIONS.glob("*.sql"))]


async def test_a_second_bot_waits_for_the_migration_of_the_first(dsn: str) -> None:
    async with prepared(dsn):
        pass
    async with aiopg.connect(dsn, enable_hstore=False) as other, other.cursor() as cursor, made(dsn) as store:
        await cursor.execute("SELECT pg_advisory_lock(7219404117)")
        with pytest.raises(TryAgain, match="statement timeout"):
            await store.prepare()
        await cursor.execute("SELECT pg_advisory_unlock_all()")
        await store.prepare()


async def test_a_migration_that_fails_half_way_leaves_nothing_and_is_done_later(dsn: str) -> None:
    await _apply_first(dsn)
    await execute(dsn, "CREATE TABLE account (in_the_way int)")  # the last thing that 0002 makes
    before = await execute(dsn, _COLUMNS)
    async with made(dsn) as store:
        with pytest.raises(TryAgain, match='"account" already exists'):
            await store.prepare()
        assert await execute(dsn, _COLUMNS) == before
        assert await execute(dsn, "SELECT name FROM schema_migrations") == [("0001_signals_and_orders.sql",)]
        await execute(dsn, "DROP TABLE account")
        await store.prepare()
        assert await store.counts() == {}


async def test_whoever_holds_an_old_schema_is_not_kept_waiting(dsn: str) -> None:
    await _apply_first(dsn)
    async with aiopg.connect(dsn, enable_hstore=False) as old, old.cursor() as cursor, made(dsn) as store:
        await cursor.execute("BEGIN; SELECT * FROM orders")
        with pytest.raises(TryAgain, match="lock timeout"):
            await store.prepare()
        await cursor.execute("ROLLBACK")
        await store.prepare()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE schema_migrations SET sha256 = 'x' WHERE name LIKE '0001%'", "0001.*was changed"),
        ("UPDATE schema_migrations SET sha256 = 'x' WHERE name LIKE '0002%'", "0002.*was changed"),
        ("INSERT INTO schema_migrations VALUES ('9999_x.sql', 'x')", r"9999_x\.sql of a newer version"),
    ],
)
async def test_a_schema_that_is_not_this_versions_stops_the_bot(dsn: str, change: str, told: str) -> None:
    async with prepared(dsn):
        pass
    await execute(dsn, change)
    async with made(dsn) as store:
        with pytest.raises(StopTrading, match=told):
            await store.prepare()


async def test_orders_of_the_first_schema_are_there_after_the_second(dsn: str) -> None:
    await _apply_first(dsn)
    for number, state in enumerate(State):
        await execute(
            dsn,
            f"""WITH s AS (INSERT INTO signals (source, chat, message_id, message, verdict)
                    VALUES ('test', 'c', '{number}', 'BUY', 'accepted') RETURNING id)
                INSERT INTO orders (created_at, signal_id, source, client_id, symbol, side, quantity, price,
                                    stop, state, filled_quantity)
                SELECT '2026-01-02 03:04:05Z', id, 'test', 'tws{number}', 'BTC-USDT', 'BUY', 0.10, 60300,
                       59000, '{state}', CASE WHEN '{state}' = 'filled' THEN 0.10 ELSE 0 END FROM s""",
        )
    async with prepared(dsn) as store:
        live = await store.live()
        assert [order.state for order in live] == [State.INTENT, State.UNKNOWN, State.PENDING]
        assert {order.created_at for order in live} == {datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)}
        assert {(order.targets, order.leverage, order.expires_at) for order in live} == {((), None, None)}
        assert {str(order.quantity) for order in live} == {str(Decimal("0.10"))}
        assert await store.counts() == dict.fromkeys(State, 1)


_COLUMNS = """SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'
    UNION SELECT tablename, indexname FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2"""


async def _apply_first(dsn: str) -> None:
    """As a bot did that knew only the first migration."""
    async with prepared(dsn):
        pass
    first = MIGRATIONS / "0001_signals_and_orders.sql"
    kept = await execute(dsn, "SELECT sha256 FROM schema_migrations WHERE name LIKE '0001%'")
    await execute(
        dsn,
        "DROP SCHEMA public CASCADE; CREATE SCHEMA public;"
        "CREATE TABLE schema_migrations (name text PRIMARY KEY, sha256 text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT now());"
        f"INSERT INTO schema_migrations VALUES ('{first.name}', '{kept[0][0]}');{first.read_text()}",
    )
