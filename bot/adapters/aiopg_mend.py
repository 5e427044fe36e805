"""The one place that mends aiopg 1.4: no cancellation is lost or made up, and nobody waits for nothing.

A connection waits with `asyncio.wait_for`, which on Python 3.11 drops a cancel() that races with the answer,
and turns the server's own "query cancelled" (57014) into CancelledError (aiopg#537), so that a statement
timeout looks as if someone had cancelled the task. The pool's `async_timeout` drops a cancel() that comes
together with its timeout. A full pool does not tell those who wait that a connection broke and left room, or
that somebody whose turn it was went away.
And libpq looks up the server's name before it returns, so all tasks stand still when no name server answers.
"""

import asyncio
import socket
from ipaddress import ip_address
from typing import Any

import psycopg2
from aiopg import connect, pool
from aiopg.connection import Connection
from psycopg2.extensions import parse_dsn

_upstream_acquire = pool.Pool._acquire
_upstream_release = pool.Pool.release


async def connected(dsn: str, **options: Any) -> Connection:
    """`aiopg.connect`, but other tasks go on while the name is looked up."""
    return await connect(dsn, **options, **await _addresses(parse_dsn(dsn)))


def mend() -> None:
    Connection._poll = _poll  # type: ignore[method-assign]
    pool.Pool._acquire = _acquire  # type: ignore[method-assign]
    pool.Pool.release = _release  # type: ignore[method-assign,assignment]
    pool.async_timeout = asyncio  # type: ignore[attr-defined]
    pool.connect = connected  # type: ignore[attr-defined,assignment]


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


async def _acquire(self: Any) -> Connection:
    try:
        return await _upstream_acquire(self)
    except BaseException:
        # It may have been its turn. The pool's lock holds the task while that waits for it.
        asyncio.ensure_future(self._wakeup())  # noqa: RUF006
        raise


def _release(self: Any, connection: Connection) -> "asyncio.Future[None]":
    released = _upstream_release(self, connection)
    return asyncio.ensure_future(self._wakeup()) if connection.closed else released


async def _addresses(given: dict[str, str]) -> dict[str, Any]:
    """Every address of the host, which libpq tries in turn; nothing if there is nothing to look up."""
    host = given.get("host", "")
    if "hostaddr" in given or not host or host[0] in "/@" or "," in host or _is_address(host):
        return {}
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise psycopg2.OperationalError(f"the host {host} is not known: {error.strerror}") from error
    addresses = [str(each[4][0]) for each in found]
    return {"host": ",".join([host] * len(addresses)), "hostaddr": ",".join(addresses)}


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
