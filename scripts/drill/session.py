"""A session of somebody who began a transaction at the database, and forgot it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import psycopg2
from psycopg2.extensions import connection

from scripts.drill.fault import Cause, Fault, Script
from scripts.drill.world import HarnessError, World

_NAME = "-c application_name=forgotten"


def table_locked(table: str) -> Cause:
    """Return the fault that nobody can read or write the table; its session is {pid} for runbooks."""
    return session_with(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")


def session_with(statement: str) -> Cause:
    """Return the fault that a session has done so in a transaction, and idles in it."""

    @asynccontextmanager
    async def cause(world: World) -> AsyncIterator[str]:
        url = world.home.secret("database_url").read_text("utf-8").strip()
        session: connection = await asyncio.to_thread(psycopg2.connect, url, options=_NAME)
        with closing(session), session.cursor() as cursor:
            pid = session.info.backend_pid
            await asyncio.to_thread(cursor.execute, statement)
            found = await world.sql("SELECT state FROM pg_stat_activity WHERE pid = %s", pid)
            if found != [("idle in transaction",)]:
                raise HarnessError(f"the session {pid} is {found}; expected it to idle in a transaction")
            world.facts["pid"] = str(pid)
            yield f"session {pid} idles in a transaction: {statement}"

    return cause


def forgotten(what: str, cause: Cause) -> Fault:
    """Return the drill of such a session: the runbook of the database ends it."""
    return Fault(
        what=what,
        cause=cause,
        # 9: what it looks at last, how slow statements were, goes back an hour.
        mend=(
            Script(
                name="database_performance",
                arguments=("--set", "pid={pid}", "--confirm", "{pid}"),
                codes=(0, 9),
            ),
        ),
        every=None,
        beside={
            "LongTransaction": "the forgotten session is one",
            "SlowQueries": "statements that waited for it count as slow for an hour",
        },
        leaves="an hour in which SlowQueries speaks of the statements that waited",
    )
