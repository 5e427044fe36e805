"""One contract for the real order store and its fake; then what only PostgreSQL does."""

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

import aiopg
import pytest

from bot.adapters.postgres import Postgres
from bot.domain.order import Order, State
from bot.domain.signal import Side
from bot.log import Log, open_log
from bot.ports import Incoming, OrderStore, OutcomeUnknown, SignalRow, StopTrading, TryAgain, Verdict
from tests.bot.fakes import FakeStore
from tests.bot.play import until

ORDER = Order(
    client_id="tws1",
    source="test",
    symbol="BTC-USDT",
    side=Side.BUY,
    quantity=Decimal("0.1000"),
    price=Decimal("60300.0"),
    stop=Decimal("0.0000001"),
)


def row(message: str = "1", order: Order | None = ORDER, reason: str | None = None) -> SignalRow:
    told = Incoming(source="test", chat="c", message_id=message, text="BUY 100% 'now' \\ ☃")
    verdict = Verdict.ACCEPTED if order else Verdict.REFUSED
    return SignalRow(incoming=told, verdict=verdict, reason=reason, order=order)


@pytest.fixture
def log() -> Log:
    return open_log("INFO", "simulator", [], io.StringIO())


@pytest.fixture
async def postgres(dsn: str, log: Log) -> AsyncIterator[Postgres]:
    async with Postgres(dsn, size=5, echo=False, log=log) as store:
        await store.prepare()
        yield store


@pytest.fixture(params=["fake", "postgres"])
def store(request: pytest.FixtureRequest) -> OrderStore:
    if request.param == "fake":
        return FakeStore()
    found: OrderStore = request.getfixturevalue("postgres")
    return found


async def test_what_was_admitted_is_found_as_it_was(store: OrderStore) -> None:
    assert await store.admit(row())
    found = await store.find(row().incoming)
    assert found is not None
    assert found.order is not None
    assert found.order.created_at is not None
    assert found.order.created_at.tzinfo is not None
    assert replace(found, created_at=None, order=replace(found.order, created_at=None)) == row()


async def test_a_message_is_admitted_once(store: OrderStore) -> None:
    assert await store.admit(row())
    assert not await store.admit(row())
    assert not await store.admit(row(order=None, reason="later"))
    assert await store.counts() == {State.INTENT: 1}


async def test_of_many_at_once_one_is_admitted(store: OrderStore) -> None:
    results = await asyncio.gather(*(store.admit(row()) for _ in range(20)))
    assert sorted(results) == [False] * 19 + [True]


async def test_a_refusal_is_stored_without_an_order(store: OrderStore) -> None:
    assert await store.admit(row(order=None, reason="halted"))
    found = await store.find(row().incoming)
    assert found is not None
    assert (found.verdict, found.reason, found.order) == (Verdict.REFUSED, "halted", None)
    assert await store.counts() == {}


async def test_a_state_is_saved_only_over_the_one_it_came_from(store: OrderStore) -> None:
    await store.admit(row())
    filled = replace(ORDER, state=State.FILLED, exchange_id="7", average_price=Decimal("60000.5"))
    assert await store.save(filled, was=State.INTENT)
    assert not await store.save(replace(ORDER, state=State.UNKNOWN), was=State.INTENT)
    found = await store.find(row().incoming)
    assert found is not None
    assert found.order is not None
    assert replace(found.order, created_at=None) == filled


async def test_unsettled_are_those_whose_end_is_not_known(store: OrderStore) -> None:
    for state in State:
        order = replace(ORDER, client_id=f"tws{state.value.replace('_', '')}")
        await store.admit(row(message=state.value, order=order))
        if state is not State.INTENT:
            await store.save(replace(order, state=state), was=State.INTENT)
    assert {order.state for order in await store.unsettled()} == {
        State.INTENT,
        State.UNKNOWN,
        State.PENDING,
    }
    assert await store.counts() == dict.fromkeys(State, 1)


async def test_failures_in_a_row_count_from_the_last_order_that_was_placed(store: OrderStore) -> None:
    expected = []
    for number, (state, count) in enumerate(
        [
            (State.REJECTED, 1),
            (State.NOT_SENT, 2),
            (State.UNKNOWN, 2),
            (State.REJECTED, 3),
            (State.FILLED, 0),
            (State.INTENT, 0),
            (State.REJECTED, 1),
            (State.PENDING, 0),
        ]
    ):
        order = replace(ORDER, client_id=f"tws{number}")
        await store.admit(row(message=str(number), order=order))
        if state is not State.INTENT:
            await store.save(replace(order, state=state), was=State.INTENT)
        expected.append((await store.failed_in_a_row(), count))
    assert [seen for seen, _ in expected] == [count for _, count in expected]


async def test_the_latest_come_first(store: OrderStore) -> None:
    for number in range(3):
        await store.admit(row(message=str(number), order=None, reason="r"))
    assert [each.incoming.message_id for each in await store.latest(2)] == ["2", "1"]


async def test_before_it_was_reached_every_call_says_try_again(log: Log) -> None:
    async with Postgres("postgresql://u:p@127.0.0.1:1/d", size=1, echo=False, log=log) as store:
        with pytest.raises(TryAgain, match="refused"):
            await store.prepare()
        for call in (store.admit(row()), store.counts(), store.save(ORDER, was=State.INTENT)):
            with pytest.raises(TryAgain, match="not reached"):
                await call


async def test_a_commit_outlives_the_task_that_asked_for_it(postgres: Postgres) -> None:
    task = asyncio.create_task(postgres.admit(row()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()

    async def stored() -> bool:
        return await postgres.find(row().incoming) is not None

    await until(stored)


async def test_closing_waits_for_commits_on_their_way(dsn: str, log: Log) -> None:
    async with Postgres(dsn, size=5, echo=False, log=log) as store:
        await store.prepare()
        task = asyncio.create_task(store.admit(row()))
        await asyncio.sleep(0)
    assert await task


async def test_it_heals_after_its_connections_were_cut(postgres: Postgres, dsn: str) -> None:
    await asyncio.gather(*(postgres.counts() for _ in range(5)))
    await execute(dsn, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    for _ in range(5):
        try:
            await postgres.admit(row())
        except (TryAgain, OutcomeUnknown):
            continue
    assert await postgres.counts() == {State.INTENT: 1}


async def test_a_statement_that_takes_too_long_is_an_error_and_not_a_cancellation(
    postgres: Postgres, dsn: str
) -> None:
    await postgres.counts()
    async with aiopg.connect(dsn, enable_hstore=False) as connection, connection.cursor() as cursor:
        await cursor.execute("BEGIN; LOCK TABLE signals")
        with pytest.raises(TryAgain, match="statement timeout"):
            await postgres.admit(row())
        await cursor.execute("ROLLBACK")
    assert await postgres.admit(row())


async def test_a_connection_whose_start_fails_is_closed(postgres: Postgres, dsn: str) -> None:
    async with aiopg.connect(dsn, enable_hstore=False) as connection, connection.cursor() as cursor:
        await cursor.execute("BEGIN; LOCK TABLE signals")
        with pytest.raises(TryAgain, match="statement timeout"):
            await postgres.counts()
        others = "datname = current_database() AND pid <> pg_backend_pid()"

        async def are_gone() -> bool:
            await cursor.execute(f"SELECT 1 FROM pg_stat_activity WHERE {others}")
            return await cursor.fetchone() is None

        await until(are_gone)


async def test_two_bots_that_start_at_once_both_find_the_schema(dsn: str, log: Log) -> None:
    stores = [Postgres(dsn, size=1, echo=False, log=log) for _ in range(3)]
    await asyncio.gather(*(store.prepare() for store in stores))
    assert [await store.counts() for store in stores] == [{}, {}, {}]
    for store in stores:
        await store.__aexit__()


async def test_a_migration_that_was_changed_afterwards_stops_the_bot(dsn: str, log: Log) -> None:
    async with Postgres(dsn, size=1, echo=False, log=log) as store:
        await store.prepare()
    await execute(dsn, "UPDATE schema_migrations SET sha256 = 'other'")
    async with Postgres(dsn, size=1, echo=False, log=log) as store:
        with pytest.raises(StopTrading, match=r"0001_signals_and_orders\.sql was changed"):
            await store.prepare()


async def test_the_guides_queries_work(postgres: Postgres, dsn: str) -> None:
    await postgres.admit(row())
    for table in ("orders", "signals"):
        assert await execute(dsn, f"SELECT * FROM {table} ORDER BY created_at DESC LIMIT 5")


async def execute(dsn: str, statement: str) -> list[object]:
    async with aiopg.connect(dsn, enable_hstore=False) as connection, connection.cursor() as cursor:
        await cursor.execute(statement)
        return list(await cursor.fetchall()) if cursor.description else []
