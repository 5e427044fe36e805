"""The faults of aiopg that the bot mends; without the mend these tests fail on Python 3.11."""

import asyncio
import socket
import time
from typing import Any

import aiopg
import psycopg2
import psycopg2.errors
import pytest


async def test_a_statement_timeout_is_an_error_and_no_cancellation(dsn: str) -> None:
    options = "-c statement_timeout=50ms"
    async with (
        aiopg.connect(dsn, enable_hstore=False, options=options) as connection,
        connection.cursor() as cursor,
    ):
        with pytest.raises(psycopg2.errors.QueryCanceled):
            await cursor.execute("SELECT pg_sleep(10)")


async def test_a_cancelled_task_ends(dsn: str) -> None:
    async with aiopg.create_pool(dsn, minsize=0, maxsize=2, enable_hstore=False) as pool:
        for attempt in range(60):
            task = asyncio.create_task(_query_forever(pool))
            await asyncio.sleep(0.001 + attempt * 0.0001)
            task.cancel()
            done, _ = await asyncio.wait({task}, timeout=1)
            while not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=0.01)
            assert done, f"cancel() number {attempt + 1} was swallowed"


async def test_a_cancelled_connection_is_never_used_again(dsn: str) -> None:
    async with aiopg.create_pool(dsn, minsize=0, maxsize=1, enable_hstore=False) as pool:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05), pool.acquire() as connection, connection.cursor() as cursor:
                await cursor.execute("SELECT pg_sleep(10)")
        async with pool.acquire() as connection, connection.cursor() as cursor:
            await cursor.execute("SELECT 7")
            assert await cursor.fetchone() == (7,)


async def test_a_task_cancelled_just_as_its_wait_for_a_connection_ends_is_cancelled(dsn: str) -> None:
    async with aiopg.create_pool(dsn, minsize=0, maxsize=1, timeout=0.5, enable_hstore=False) as pool:
        async with pool.acquire():
            task = asyncio.create_task(_acquire(pool))
            await asyncio.sleep(0)
            asyncio.get_running_loop().call_later(0.5, task.cancel)
            time.sleep(0.6)  # noqa: ASYNC251 - both are due when the loop comes back
            await asyncio.wait({task})
        assert task.cancelled()


async def test_who_waits_is_told_when_a_connection_broke_and_left_room(dsn: str) -> None:
    async with aiopg.create_pool(dsn, minsize=0, maxsize=1, timeout=30, enable_hstore=False) as pool:
        broken = await pool.acquire()
        task = asyncio.create_task(_acquire(pool))
        await asyncio.sleep(0)
        broken.close()
        pool.release(broken)
        async with asyncio.timeout(20):
            await task


async def test_who_is_cancelled_when_its_turn_has_come_passes_it_on(dsn: str) -> None:
    async with aiopg.create_pool(dsn, minsize=0, maxsize=1, timeout=30, enable_hstore=False) as pool:
        held = await pool.acquire()
        first, second = asyncio.create_task(_acquire(pool)), asyncio.create_task(_acquire(pool))
        await asyncio.sleep(0)
        pool.release(held)
        await asyncio.sleep(0)
        first.cancel()
        async with asyncio.timeout(20):
            await second
        assert first.cancelled()


async def test_the_name_of_the_server_is_looked_up_beside_other_tasks(dsn: str) -> None:
    """libpq, which would stop them meanwhile, gets every address and so looks up nothing."""
    named = dsn.replace("127.0.0.1", "localhost")
    found = {each[4][0] for each in socket.getaddrinfo("localhost", None, type=socket.SOCK_STREAM)}
    made = aiopg.create_pool(named, minsize=0, maxsize=1, enable_hstore=False)
    async with made as pool, pool.acquire() as connection:
        assert set(connection.raw.get_dsn_parameters()["hostaddr"].split(",")) == found


async def test_a_name_that_is_not_known_is_told_as_an_error_of_the_connection(dsn: str) -> None:
    unknown = dsn.replace("127.0.0.1", "nowhere.invalid")
    async with aiopg.create_pool(unknown, minsize=0, maxsize=1, enable_hstore=False) as pool:
        with pytest.raises(psycopg2.OperationalError, match=r"the host nowhere\.invalid is not known: "):
            await _acquire(pool)


async def _acquire(pool: Any) -> None:
    async with pool.acquire():
        pass


async def _query_forever(pool: Any) -> None:
    while True:
        async with pool.acquire() as connection, connection.cursor() as cursor:
            for _ in range(50):
                await cursor.execute("SELECT 1")
