"""Makes a deadlock: two transactions that wait for each other, until the server ends one."""

import asyncio
from contextlib import closing

import psycopg2
import psycopg2.errors
from psycopg2.extensions import connection

from scripts.drill.world import HarnessError

# Long beside the second after which the server looks for deadlocks.
_OPTIONS = "-c statement_timeout=20s -c application_name=drill"
_LOCKS = (271_828, 314_159)
_CONNECT_SECONDS = 10


async def deadlock(url: str) -> str:
    """Return what the server said to the transaction that it ended."""
    first = await asyncio.to_thread(_connected, url)
    with closing(first):
        second = await asyncio.to_thread(_connected, url)
        with closing(second):
            one, other = _LOCKS
            await asyncio.to_thread(_lock, first, one)
            await asyncio.to_thread(_lock, second, other)
            said = await asyncio.gather(
                asyncio.to_thread(_ended, first, other), asyncio.to_thread(_ended, second, one)
            )
    broken = [text for text in said if text]
    if len(broken) != 1:
        raise HarnessError(f"of two transactions that waited for each other {len(broken)} were ended")
    return broken[0]


def _connected(url: str) -> connection:
    try:
        return psycopg2.connect(url, options=_OPTIONS, connect_timeout=_CONNECT_SECONDS)
    except psycopg2.Error as error:
        raise HarnessError(f"the database does not answer: {str(error).strip()}") from None


def _lock(session: connection, number: int) -> None:
    """Take a lock that lasts until the transaction ends."""
    with session.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (number,))


def _ended(session: connection, number: int) -> str:
    """Take a lock and end the transaction; return what the server said if it ended it first."""
    try:
        _lock(session, number)
    except psycopg2.errors.DeadlockDetected as error:
        return str(error).splitlines()[0]
    except psycopg2.Error as error:
        raise HarnessError(f"no deadlock: {str(error).strip()}") from None
    finally:
        session.rollback()
    return ""
