"""The real store while its server is frozen, restarted, full, slow, or lost in the middle of a commit.

Of each fault: which error the caller gets, that it comes within a bound, and that all works again afterwards.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

import aiopg
import psycopg2
import pytest
from prometheus_client import CollectorRegistry

from bot.adapters.aiopg_mend import mend
from bot.adapters.postgres import Postgres
from bot.domain.order import State
from bot.ports import OutcomeUnknown, SignalRow, TryAgain
from tests.bot.broken_database import SLOTS, Machine, Wire, wired
from tests.bot.fakes import opened
from tests.bot.play import until
from tests.bot.stored import ORDER, execute, made, prepared, row

BOUND = 20.0  # seconds; the store gives up after six, and the machine may be busy


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    made_one = Machine(tmp_path_factory.mktemp("machine"))
    made_one.start()
    yield made_one
    made_one.stop()


@pytest.fixture
async def dsn(machine: Machine, request: pytest.FixtureRequest) -> str:
    mend()
    return await machine.new(f"test_{abs(hash(request.node.nodeid))}")


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
async def store(dsn: str, registry: CollectorRegistry) -> AsyncIterator[Postgres]:
    async with prepared(dsn, size=3, registry=registry) as made_one:
        yield made_one


@pytest.fixture
async def epoch(store: Postgres, dsn: str) -> int:
    """With it, every connection of the pool is made."""
    async with _locked(dsn, "account"):
        waiting = [asyncio.create_task(store.expected_balance()) for _ in range(3)]
        await _waits(dsn, 3)
    await asyncio.gather(*waiting)
    return await opened(store)


async def fails(kind: type[Exception], call: Awaitable[object], match: str | None = None) -> None:
    async with asyncio.timeout(BOUND):
        with pytest.raises(kind, match=match):
            await call


async def test_a_frozen_server_leaves_a_write_unknown_and_a_read_to_be_tried_again(
    machine: Machine, store: Postgres, epoch: int, dsn: str, registry: CollectorRegistry
) -> None:
    with machine.frozen():
        await asyncio.gather(
            fails(OutcomeUnknown, store.admit(row(), epoch), "no answer within"),
            fails(TryAgain, store.counts(), "no answer within"),
            fails(TryAgain, store.live(), "no answer within"),
        )
        # None of the pool's connections was kept, and no new one can be made: nothing is sent any more.
        await fails(TryAgain, store.admit(row(message="2"), epoch), "no answer within")
        await fails(TryAgain, made(dsn).prepare(), "no answer within")
    await _is_told_once(store, epoch)
    await _is_quiet(dsn)
    assert await store.counts() == {State.INTENT: 1}
    assert registry.get_sample_value("db_connection_errors_total") == 4
    assert registry.get_sample_value("db_connections_active") == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])
async def test_a_restart_in_the_middle(
    machine: Machine, store: Postgres, epoch: int, dsn: str, number: signal.Signals
) -> None:
    await execute(dsn, _SLEEPERS)
    write = asyncio.create_task(fails(OutcomeUnknown, store.admit(row(), epoch)))
    read = asyncio.create_task(fails(TryAgain, store.expected_balance()))
    await _waits(dsn, 2, "PgSleep")
    machine.stop(number)
    try:
        await asyncio.gather(write, read)
        await fails(TryAgain, store.admit(row(), epoch), "refused")
        await fails(TryAgain, store.counts(), "refused")
    finally:
        machine.start()
    await execute(dsn, "DROP FUNCTION IF EXISTS sleep() CASCADE")
    assert await store.admit(row(), epoch), "nothing was committed, and the first call after it works"
    assert await asyncio.gather(*(store.counts() for _ in range(3))) == [{State.INTENT: 1}] * 3


async def test_a_connection_that_was_cut_while_idle_is_not_used_again(
    store: Postgres, epoch: int, dsn: str, registry: CollectorRegistry
) -> None:
    await execute(dsn, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    await _is_quiet(dsn)
    await asyncio.sleep(0)
    assert await store.admit(row(), epoch)
    assert registry.get_sample_value("db_connection_errors_total") == 0


async def test_when_others_took_every_connection_the_pools_own_still_work(
    store: Postgres, epoch: int, dsn: str, registry: CollectorRegistry
) -> None:
    async with AsyncExitStack() as others:
        with suppress(psycopg2.OperationalError):
            for _ in range(SLOTS + 1):
                await others.enter_async_context(aiopg.connect(dsn, enable_hstore=False))
        assert await store.admit(row(), epoch)
        async with made(dsn) as late:
            await fails(TryAgain, late.prepare(), "too many clients")
            await fails(TryAgain, late.admit(row(message="2"), epoch), "not reached yet")
    async with prepared(dsn) as late:
        assert await late.counts() == {State.INTENT: 1}


async def test_a_pool_whose_connections_are_all_in_use_says_so(dsn: str, registry: CollectorRegistry) -> None:
    async with prepared(dsn, size=1, registry=registry) as store:
        epoch = await opened(store)
        async with _locked(dsn, "account"):
            busy = [asyncio.create_task(_quietly(store.expected_balance())) for _ in range(3)]
            await _waits(dsn, 1)
            await fails(TryAgain, store.admit(row(), epoch), "all 1 connections were in use for 3 s")
        await asyncio.gather(*busy)
        assert await store.admit(row(), epoch)
        assert registry.get_sample_value("db_connection_errors_total") == 0, "none broke"


async def test_a_statement_that_takes_too_long_was_certainly_not_done(
    store: Postgres, epoch: int, dsn: str, registry: CollectorRegistry
) -> None:
    async with _locked(dsn, "signals"):
        await asyncio.gather(
            fails(TryAgain, store.admit(row(), epoch), "statement timeout"),
            fails(TryAgain, store.find(row().incoming), "statement timeout"),
        )
    assert await store.find(row().incoming) is None
    assert registry.get_sample_value("db_transactions_total", {"outcome": "rolled_back"}) == 2
    assert registry.get_sample_value("db_connection_errors_total") == 0
    assert await store.admit(row(), epoch)


async def test_a_connection_whose_start_takes_too_long_is_closed(dsn: str) -> None:
    async with prepared(dsn) as store:
        async with _locked(dsn, "signals"):
            await fails(TryAgain, store.counts(), "statement timeout")
            await _is_quiet(dsn, but=1)
        assert await store.counts() == {}


async def test_a_backend_that_is_killed_in_its_commit_leaves_the_outcome_unknown(
    store: Postgres, epoch: int, dsn: str
) -> None:
    async with _slow_commits(dsn):
        lost = asyncio.create_task(fails(OutcomeUnknown, store.admit(row(), epoch)))
        await _waits(dsn, 1)
        await execute(
            dsn, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        )
        await lost
    assert await store.find(row().incoming) is None
    assert await store.admit(row(), epoch)
    assert await store.counts() == {State.INTENT: 1}


async def test_a_commit_that_outlives_our_patience_is_found_afterwards(
    store: Postgres, epoch: int, dsn: str
) -> None:
    async with _slow_commits(dsn):
        await fails(OutcomeUnknown, store.admit(row(), epoch), "no answer within")
        # The same message waits for the first one's end, and so cannot be there twice.
        await fails(TryAgain, store.admit(row(), epoch), "statement timeout")
        assert await store.find(row().incoming) is None, "which is why absence must not be taken from a read"

    async def is_there() -> bool:
        return await store.find(row().incoming) is not None

    await until(is_there)
    assert await store.admit(row(), epoch) is None
    assert await store.counts() == {State.INTENT: 1}


async def test_an_answer_that_never_comes_leaves_a_commit_unknown(dsn: str) -> None:
    async with _through_wire(dsn) as (store, wire, epoch):
        wire.down, wire.silent = 0, True
        await fails(OutcomeUnknown, store.admit(row(), epoch), "no answer within")
        wire.heal()
        assert await store.admit(row(), epoch) is None
        found = await store.find(row().incoming)
        assert found is not None
        assert found.order is not None
        assert await store.counts() == {State.INTENT: 1}


async def test_wherever_the_wire_breaks_a_message_becomes_one_intent(dsn: str) -> None:
    async with _through_wire(dsn) as (store, wire, epoch):
        wire.count()
        assert await store.admit(_numbered("whole"), epoch)
        up, down = wire.passed_up, wire.passed_down
        cuts = [("up", byte) for byte in range(1, up, 40)] + [("down", byte) for byte in range(1, down, 9)]
        seen = set()
        for direction, byte in [*cuts, ("up", up - 1), ("up", up), ("down", down - 1)]:
            message = f"{direction}{byte}"
            setattr(wire, direction, byte)
            told = await _quietly(store.admit(_numbered(message), epoch))
            assert told is None or byte >= down - 6, "an answer without its end is no answer"
            wire.heal()
            seen.add((direction, await _is_new(store, _numbered(message), epoch)))
            found = await store.find(_numbered(message).incoming)
            assert found is not None
            assert found.order is not None
            assert found.order.client_id == f"tws{message}"
        orders = await execute(dsn, "SELECT client_id, count(*) FROM orders GROUP BY client_id")
        assert {count for _, count in orders} == {1}
        assert len(orders) == len(cuts) + 4
        # Cut on its way there it was not done, and on its way back it was.
        assert {("up", True), ("down", False)} <= seen
        assert ("down", True) not in seen


async def test_after_a_lost_answer_each_write_may_be_made_again(dsn: str) -> None:
    async with _through_wire(dsn) as (store, wire, epoch):
        await store.admit(row(), epoch)
        now = (await store.latest(1))[0].created_at
        assert now is not None
        placed = replace(ORDER, state=State.PENDING)
        filled = replace(ORDER, client_id="tws9", state=State.FILLED)
        switch = replace(await store.switch(), reason="again")
        calls: list[tuple[Any, ...]] = [
            (lambda: store.save(placed, was=State.INTENT), False),
            (lambda: store.close([ORDER.client_id]), None),
            (lambda: store.adopt(filled, "by hand"), None),
            (lambda: store.take_lease("the test", 60), epoch),
            (lambda: store.expect_balance(Decimal(7), now), None),
            (lambda: store.give_lease_back("the test"), None),
        ]
        for call, second in calls:
            wire.down = 0
            await fails(OutcomeUnknown, call())
            wire.heal()
            assert await call() == second
        wire.down = 0
        await fails(OutcomeUnknown, store.set_switch(switch))
        wire.heal()
        assert (await store.switch()).reason == "again"
        assert [order.state for order in await store.live()] == [State.PENDING, State.FILLED]
        assert await store.expected_balance() == (Decimal(7), now)
        assert await store.take_lease("other", 60) == epoch + 1


_SLEEPERS = """
    CREATE FUNCTION sleep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NEW; END';
    CREATE TRIGGER slow BEFORE INSERT ON signals FOR EACH ROW EXECUTE FUNCTION sleep();
    UPDATE account SET expected_balance = 1, expected_at = now();
    ALTER TABLE account RENAME TO slow_account;
    CREATE VIEW account AS SELECT * FROM slow_account WHERE pg_sleep(60) IS NOT NULL"""


async def _is_told_once(store: Postgres, epoch: int) -> None:
    """What became of the message can be asked, and either way it is admitted once."""
    again = await store.admit(row(), epoch)
    found = await store.find(row().incoming)
    assert found is not None
    assert found.order is not None
    assert again in (None, found)


async def _is_new(store: Postgres, signal: SignalRow, epoch: int) -> bool:
    """Asked until it is answered: a connection that was cut a moment ago may not know it yet."""
    while True:
        with suppress(OutcomeUnknown):
            return await store.admit(signal, epoch) is not None


def _numbered(message: str) -> SignalRow:
    return row(message=message, order=replace(ORDER, client_id=f"tws{message}"))


async def _quietly(call: Awaitable[object]) -> object:
    try:
        return await call
    except (TryAgain, OutcomeUnknown):
        return None


@asynccontextmanager
async def _through_wire(dsn: str) -> AsyncIterator[tuple[Postgres, Wire, int]]:
    async with wired(dsn) as wire, prepared(wire.dsn, size=1) as store:
        yield store, wire, await opened(store)


@asynccontextmanager
async def _locked(dsn: str, table: str) -> AsyncIterator[None]:
    async with aiopg.connect(dsn, enable_hstore=False) as other, other.cursor() as cursor:
        await cursor.execute(f"BEGIN; LOCK TABLE {table}")
        yield


@asynccontextmanager
async def _slow_commits(dsn: str) -> AsyncIterator[None]:
    """Each commit of a signal waits, past its last statement, until the block ends."""
    await execute(
        dsn,
        """CREATE FUNCTION wait_in_commit() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END';
        CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON signals DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION wait_in_commit()""",
    )
    async with aiopg.connect(dsn, enable_hstore=False) as other, other.cursor() as cursor:
        await cursor.execute("SELECT pg_advisory_lock(1)")
        yield


async def _waits(dsn: str, count: int, what: str = "Lock") -> None:
    """Until so many of the store's statements wait for a lock, or for something else."""

    async def wait() -> bool:
        waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND"
        found = await execute(dsn, f"{waiting} '{what}' IN (wait_event_type, wait_event)")
        return len(found) == count

    await until(wait)


async def _is_quiet(dsn: str, *, but: int = 0) -> None:
    """Until no statement runs, and no connection of the store is left but those that wait to be used."""

    async def quiet() -> bool:
        others = (
            "datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        rows = await execute(dsn, f"SELECT state FROM pg_stat_activity WHERE {others}")
        return len(rows) <= but or (not but and all(state == ("idle",) for state in rows))

    await until(quiet)
