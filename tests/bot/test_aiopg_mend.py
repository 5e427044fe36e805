"""Both faults of aiopg that the bot mends; without the mend these tests fail on Python 3.11."""

import asyncio
from typing import Any

import aiopg
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


async def _query_forever(pool: Any) -> None:
    while True:
        async with pool.acquire() as connection, connection.cursor() as cursor:
            for _ in range(50):
                await cursor.execute("SELECT 1")
