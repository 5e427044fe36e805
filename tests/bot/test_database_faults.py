"""The real store while its server is frozen, restarted, full or slow.

Of each fault: which error the caller gets, that it comes within a bound, and that all works again afterwards.
"""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress

import aiopg
import psycopg2
import pytest
from prometheus_client import CollectorRegistry

from bot.adapters.aiopg_mend import mend
from bot.adapters.postgres import Postgres
from bot.domain.order import State
from bot.domain.switch import Level, Switch
from bot.ports import OutcomeUnknown, TryAgain
from tests.bot.broken_database import SLOTS, Machine, fails, is_quiet, locked, quietly, waits
from tests.bot.fakes import opened
from tests.bot.stored import execute, made, prepared, row


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
    async with locked(dsn, "account"):
        waiting = [asyncio.create_task(quietly(store.expected_balance())) for _ in range(3)]
        await waits(dsn, 3)
    await asyncio.gather(*waiting)
    return await opened(store)


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
    await is_quiet(dsn)
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
    await waits(dsn, 2, "PgSleep")
    await store.set_switch(Switch(level=Level.OPEN, reason="the last before it", who="ann"))
    machine.stop(number)
    try:
        await asyncio.gather(write, read)
        await fails(TryAgain, store.admit(row(), epoch), "refused")
        await fails(TryAgain, store.counts(), "refused")
    finally:
        machine.start()
    assert (await store.switch()).reason == "the last before it", "what was answered is on disk"
    await execute(dsn, "DROP FUNCTION IF EXISTS sleep() CASCADE")
    assert await store.admit(row(), epoch), "it was not committed, and no call fails any more"
    assert await asyncio.gather(*(store.counts() for _ in range(3))) == [{State.INTENT: 1}] * 3


async def test_a_connection_that_was_cut_while_idle_is_not_used_again(
    store: Postgres, epoch: int, dsn: str, registry: CollectorRegistry
) -> None:
    await execute(dsn, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    await is_quiet(dsn)
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
        async with locked(dsn, "account"):
            busy = [asyncio.create_task(quietly(store.expected_balance())) for _ in range(3)]
            await waits(dsn, 1)
            await fails(TryAgain, store.admit(row(), epoch), "all 1 connections were in use for 3 s")
        await asyncio.gather(*busy)
        assert await store.admit(row(), epoch)
        assert registry.get_sample_value("db_connection_errors_total") == 0, "none broke"


async def test_a_statement_that_takes_too_long_was_certainly_not_done(
    store: Postgres, epoch: int, dsn: str, registry: CollectorRegistry
) -> None:
    async with locked(dsn, "signals"):
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
        async with locked(dsn, "signals"):
            await fails(TryAgain, store.counts(), "statement timeout")
            await is_quiet(dsn, but=1)
        assert await store.counts() == {}


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
