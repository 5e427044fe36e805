"""The one place that mends aiopg 1.4: no cancellation is lost or made up, and nobody waits for nothing.

A connection waits with `asyncio.wait_for`, which on Python 3.11 drops a cancel() that races with the answer,
and turns the server's own "query cancelled" (57014) into CancelledError (aiopg#537), so that a statement
timeout looks as if someone had cancelled the task. The pool's `async_timeout` drops a cancel() that comes
together with its timeout. And a full pool does not tell those who wait that a connection broke and left room.
"""

import asyncio
from typing import Any

from aiopg import pool
from aiopg.connection import Connection

_upstream_release = pool.Pool.release


async def _poll(self: Any, waiter: "asyncio.Future[None]", timeout: float) -> None:  # noqa: ASYNC109
    self._ready(self._weakref)
    try:
        async with asyncio.timeout(timeout):
            await waiter
    except (asyncio.CancelledError, TimeoutError):
        self.close()  # what the server made of the statement is unknown: never use this connection again
        raise
    finally:
        self._waiter = None


def _release(self: Any, connection: Connection) -> "asyncio.Future[None]":
    released = _upstream_release(self, connection)
    return asyncio.ensure_future(self._wakeup()) if connection.closed else released


def mend() -> None:
    Connection._poll = _poll  # type: ignore[method-assign]
    pool.Pool.release = _release  # type: ignore[method-assign,assignment]
    pool.async_timeout = asyncio  # type: ignore[attr-defined]
