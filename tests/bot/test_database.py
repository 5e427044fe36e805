"""What only the real store does: it commits whatever becomes of the caller, and counts what it does."""

import asyncio
from dataclasses import replace

import aiopg
import pytest
from prometheus_client import CollectorRegistry

from bot.adapters.postgres import Postgres
from bot.domain.order import State
from bot.domain.switch import Level, Switch
from bot.ports import TryAgain
from tests.bot.broken_database import locked, quietly, waits
from tests.bot.fakes import opened
from tests.bot.play import until
from tests.bot.stored import ORDER, execute, made, numbered, prepared, row


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


async def test_before_it_was_reached_every_call_says_try_again(registry: CollectorRegistry) -> None:
    async with made("postgresql://u:p@127.0.0.1:1/d", registry=registry) as store:
        with pytest.raises(TryAgain, match="refused"):
            await store.prepare()
        for call in (store.admit(row(), 1), store.counts(), store.save(ORDER, was=State.INTENT)):
            with pytest.raises(TryAgain, match="not reached"):
                await call
    assert registry.get_sample_value("db_connection_errors_total") == 1
    assert registry.get_sample_value("db_connections_max") == 5


async def test_a_commit_outlives_the_task_that_asked_for_it(dsn: str) -> None:
    async with prepared(dsn, size=1) as store:
        epoch = await opened(store)
        async with locked(dsn, "account"):
            busy = asyncio.create_task(quietly(store.expected_balance()))
            await waits(dsn, 1)
            task = asyncio.create_task(store.admit(row(), epoch))
            await asyncio.sleep(0.01)  # it waits for the one connection, and nothing was sent
            task.cancel()
            await asyncio.wait({task})
        await busy
        assert task.cancelled()

        async def stored() -> bool:
            return await store.find(row().incoming) is not None

        await until(stored)


async def test_closing_waits_for_commits_on_their_way(dsn: str) -> None:
    async with prepared(dsn) as store:
        task = asyncio.create_task(store.admit(row(), await opened(store)))
        await asyncio.sleep(0)
    assert await task


async def test_to_admit_takes_one_statement(dsn: str, registry: CollectorRegistry) -> None:
    async with prepared(dsn, registry=registry) as store:
        epoch = await opened(store)
        before = _statements(registry)
        assert await store.admit(row(), epoch)
        assert _statements(registry) - before == 1


async def test_text_that_no_database_can_hold_is_kept_as_far_as_it_goes(postgres: Postgres) -> None:
    epoch = await opened(postgres)
    odd, told = "a \x00 and half a pair \ud83d", "a \ufffd and half a pair ?"
    refused = await postgres.admit(row(message="2", order=None, reason=odd), epoch)
    assert refused is not None
    assert refused.reason == told
    await postgres.admit(row(), epoch)
    await postgres.save(replace(ORDER, state=State.REJECTED, reason=odd), was=State.INTENT)
    found = await postgres.find(row().incoming)
    assert found is not None
    assert found.order is not None
    assert found.order.reason == told
    assert (await postgres.set_switch(Switch(level=Level.OPEN, reason=odd, who=odd))).reason == told
    await postgres.adopt(replace(numbered("9"), state=State.FILLED, reason=odd), odd)
    assert (await postgres.latest(1))[0].incoming.text == told


async def test_only_signals_of_the_last_day_are_counted(postgres: Postgres, dsn: str) -> None:
    for number in range(3):
        await postgres.admit(row(message=str(number), order=None, reason="r"), None)
    await execute(dsn, "UPDATE signals SET created_at = now() - interval '25 hours' WHERE message_id = '0'")
    assert await postgres.signals_by_source() == {"test": 2}


async def test_every_switch_that_was_set_can_be_read_in_the_database(postgres: Postgres, dsn: str) -> None:
    await opened(postgres)
    await postgres.set_switch(Switch(level=Level.NO_ENTRIES, reason="enough", who="ann"))
    assert await execute(dsn, "SELECT level, who FROM switch ORDER BY id") == [(0, "bot"), (1, "ann")]


async def test_live_orders_are_found_by_their_index(postgres: Postgres, dsn: str) -> None:
    await opened(postgres)
    plan = await execute(
        dsn,
        "SET enable_seqscan = off; EXPLAIN SELECT * FROM orders o WHERE o.state IN ('intent', 'unknown', "
        "'pending') OR (o.closed_at IS NULL AND (o.state = 'filled' OR o.filled_quantity > 0)) ORDER BY o.id",
    )
    assert "orders_live" in str(plan)


async def test_the_guides_queries_work(postgres: Postgres, dsn: str) -> None:
    await postgres.admit(row(), await opened(postgres))
    for table in ("orders", "signals"):
        assert await execute(dsn, f"SELECT * FROM {table} ORDER BY created_at DESC LIMIT 5")


async def test_statements_are_timed_and_counted(dsn: str, registry: CollectorRegistry) -> None:
    async with prepared(dsn, registry=registry) as store:
        await store.counts()
        await store.set_switch(Switch(level=Level.OPEN, reason="r", who="w"))
        with pytest.raises(TryAgain, match="violates check constraint"):
            await store.set_switch(replace(await store.switch(), size_factor=ORDER.price))
    value = registry.get_sample_value
    assert value("db_query_duration_seconds_count", {"operation": "read"}) == 2
    assert value("db_query_duration_seconds_count", {"operation": "write"}) == 2
    assert value("db_transactions_total", {"outcome": "committed"}) == 3
    assert value("db_transactions_total", {"outcome": "rolled_back"}) == 1
    assert value("db_connection_errors_total") == 0


async def test_connections_are_shown_while_they_are_used(dsn: str, registry: CollectorRegistry) -> None:
    def shown() -> tuple[float | None, ...]:
        names = ("active", "idle", "max")
        return tuple(registry.get_sample_value(f"db_connections_{name}") for name in names)

    async with prepared(dsn, size=3, registry=registry) as store:
        assert shown() == (0, 0, 3)
        async with aiopg.connect(dsn, enable_hstore=False) as other, other.cursor() as cursor:
            await cursor.execute("BEGIN; LOCK TABLE account")
            waiting = [asyncio.create_task(quietly(store.expected_balance())) for _ in range(2)]
            await until(lambda: shown() == (2, 0, 3))
            await cursor.execute("ROLLBACK")
        await asyncio.gather(*waiting)
        assert shown() == (0, 2, 3)


def _statements(registry: CollectorRegistry) -> float:
    names = [{"operation": each} for each in ("read", "write")]
    return sum(registry.get_sample_value("db_query_duration_seconds_count", each) or 0 for each in names)
