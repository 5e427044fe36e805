"""Faults of the database and of the backup."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from dataclasses import replace

import psycopg2
from psycopg2.extensions import connection

from config.spec.duration import Duration
from scripts.drill.causes import deadlock_broken, orders_answered_late
from scripts.drill.fault import ByHand, Cause, Daily, Fault, Script, Setup
from scripts.drill.services import freshen, stopped, tell_backup
from scripts.drill.session import session_with, table_locked
from scripts.drill.world import HarnessError, World, until

_MINUTE, _HOUR = 60_000, 3_600_000
_LEAK = "-c application_name=leaky_report"
_TAKEN = 0.95
_SLOW_SECONDS, _PAUSE_SECONDS = 0.9, 0.2
_ROWS = 6000
_START_SECONDS = 60.0
_POOL = Setup(bot={"DATABASE_POOL_SIZE": "2", "DATABASE_MAX_OVERFLOW": "0"})
_UNREADY = {"BotNotReady": "it needs the database"}


@asynccontextmanager
async def server_stopped(world: World) -> AsyncIterator[str]:
    """The server was stopped; afterwards it is waited for, as what follows asks it."""
    async with stopped("postgres")(world) as said:
        yield said

    async def answers() -> bool | None:
        with suppress(psycopg2.OperationalError):
            await world.sql("SELECT 1")
            return True
        return None

    if await until(answers, _START_SECONDS) is None:
        raise HarnessError(f"the database did not come back within {_START_SECONDS:g} s")


@asynccontextmanager
async def connections_broken(world: World) -> AsyncIterator[str]:
    """Somebody ends the bot's connections again and again."""
    ended = await _end_connections(world)
    if not ended:
        raise HarnessError("the bot has no connection that could be ended")

    async def go_on() -> None:
        while True:
            await asyncio.sleep(30 / world.home.time_scale)
            await _end_connections(world)

    task = asyncio.create_task(go_on())
    try:
        yield f"{ended} connections of the bot are ended each half minute"
    finally:
        task.cancel()


async def _end_connections(world: World) -> int:
    rows = await world.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tradewatch-bot'"
    )
    return len(rows)


def connections_taken(share: float) -> Cause:
    """Return the fault that a program holds so many of the server's connections, and does nothing."""

    @asynccontextmanager
    async def cause(world: World) -> AsyncIterator[str]:
        [(most,)] = await world.sql("SELECT current_setting('max_connections')::int")
        [(used,)] = await world.sql(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
        )
        count = round(most * share) - used
        with ExitStack() as stack:
            for _ in range(count):
                stack.enter_context(closing(await _idle(world)))
            yield f"{count} connections of a report idle, of {most} that the server takes"

    return cause


@asynccontextmanager
async def connections_leaked(world: World) -> AsyncIterator[str]:
    """A program opens one connection more every quarter of an hour, and closes none."""
    with ExitStack() as stack:

        async def leak() -> None:
            for _ in range(60):
                stack.enter_context(closing(await _idle(world)))
                await asyncio.sleep(900 / world.home.time_scale)

        task = asyncio.create_task(leak())
        try:
            yield "a report opens a connection every quarter of an hour, and closes none"
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _idle(world: World) -> connection:
    url = world.home.secret("database_url").read_text("utf-8").strip()
    return await asyncio.to_thread(psycopg2.connect, url, options=_LEAK)


@asynccontextmanager
async def writes_slowed(world: World) -> AsyncIterator[str]:
    """A program locks the table of signals for most of each second."""
    url = world.home.secret("database_url").read_text("utf-8").strip()
    over = asyncio.Event()

    def lock(session: connection) -> None:
        with session, session.cursor() as cursor:
            cursor.execute("LOCK TABLE signals IN ACCESS EXCLUSIVE MODE")
            time.sleep(_SLOW_SECONDS)

    async def go_on() -> None:
        session: connection = await asyncio.to_thread(psycopg2.connect, url, options=_LEAK)
        with closing(session):
            while not over.is_set():
                await asyncio.to_thread(lock, session)
                await asyncio.sleep(_PAUSE_SECONDS)

    task = asyncio.create_task(go_on())
    try:
        yield f"the table of signals is locked for {_SLOW_SECONDS:g} s, again and again"
    finally:
        over.set()
        await task


@asynccontextmanager
async def rows_left_dead(world: World) -> AsyncIterator[str]:
    """A program rewrites a table, of which somebody has turned the cleaning off."""
    await world.sql("DROP TABLE IF EXISTS report")
    await world.sql(
        "CREATE TABLE report AS SELECT n, 0 AS seen FROM generate_series(1, %s) AS series(n)", _ROWS
    )
    await world.sql("ALTER TABLE report SET (autovacuum_enabled = false)")
    await world.sql("ANALYZE report")
    for _ in range(2):
        await world.sql("UPDATE report SET seen = seen + 1")
    try:
        yield f"{2 * _ROWS} rows of a table wait for vacuum, and {_ROWS} live"
    finally:
        await world.sql("DROP TABLE IF EXISTS report")


@asynccontextmanager
async def backup_forgotten(world: World) -> AsyncIterator[str]:
    """The last backup that was proven is older than a day and some grace."""
    hours = 27
    tell_backup(world.home.textfile, time.time() - hours * 3600 / world.home.time_scale)
    try:
        yield f"the last backup was proven {hours} hours ago"
    finally:
        freshen(world.home.textfile)


_ENDED = Script(name="database_performance", arguments=("--set", "pid={pid}", "--confirm", "{pid}"))

FAULTS: Mapping[str, Fault | Daily] = {
    "DatabaseDown": Fault(
        what="the database server was stopped",
        cause=server_stopped,
        # Not over for it is DatabaseConnectionErrors, which remembers errors for twenty minutes.
        mend=(Script(codes=(0, 9)),),
        # Its exporter tries for a second before it says that the server is down: a scrape has to last longer.
        time_scale=6,
        calm=Duration(2 * _MINUTE),
        beside={
            **_UNREADY,
            "ReadingStale": "nothing is read from the database",
            "SignalProcessingErrors": "signals that come meanwhile cannot be stored",
        },
    ),
    "DatabaseConnectionErrors": Fault(
        what="somebody ends the bot's connections, twice a minute",
        cause=connections_broken,
        mend=(
            ByHand(
                does="stops the program that ends them",
                because="only a person knows which program that is, and whether it may be stopped",
                finds="terminat",
            ),
        ),
        beside=_UNREADY,
        over_within=Duration(30 * _MINUTE),
    ),
    "PoolSaturated": Fault(
        what="somebody has locked the table of orders, and forgot it",
        cause=table_locked("orders"),
        # Not over for it is SlowQueries, which looks back an hour.
        mend=(replace(_ENDED, codes=(0, 9)),),
        setup=_POOL,
        beside={
            **_UNREADY,
            "SlowQueries": "statements wait for the lock",
            "OrderProcessingStalled": "signals wait for the lock",
            "DatabaseConnectionErrors": "statements that wait are given up",
            "LongTransaction": "the lock is that of a transaction",
            "ReadingStale": "what is read from the table waits",
            "TargetDown": "the exporter waits for the lock too",
            "SignalProcessingErrors": "signals that wait too long are given up",
        },
        every=Duration(15_000),
        over_within=Duration(70 * _MINUTE),
    ),
    "SlowQueries": Fault(
        what="a report locks the table of signals for most of each second",
        cause=writes_slowed,
        mend=(
            ByHand(
                does="stops the report",
                because="only a person knows which program that is, and whether it may be stopped",
                finds="signals",
            ),
        ),
        over_within=Duration(80 * _MINUTE),
        every=Duration(2 * _MINUTE),
        beside={**_UNREADY, "OrderProcessingStalled": "signals wait for the lock"},
    ),
    "DatabaseConnectionsHigh": Fault(
        what="a report holds nearly all connections of the server",
        cause=connections_taken(_TAKEN),
        mend=(
            ByHand(
                does="stops the report",
                because="the script ends connections that idled for ten minutes; these are younger",
                finds="leaky_report",
            ),
        ),
        beside={"ConnectionsGrowing": "so many at once are a steep line"},
    ),
    "ConnectionsGrowing": Fault(
        what="a report opens connections and closes none",
        cause=connections_leaked,
        mend=(
            ByHand(
                does="stops the report",
                because="the script ends connections that idled for ten minutes; these are younger",
                finds="leaky_report",
            ),
        ),
        calm=Duration(_HOUR),
        holds=Duration(20 * _MINUTE),
        over_within=Duration(26 * _HOUR),
        every=Duration(20 * _MINUTE),
        time_scale=240,
    ),
    "LongTransaction": Fault(
        what="somebody began a transaction, and forgot it",
        cause=session_with("SELECT count(*) FROM orders"),
        mend=(_ENDED,),
    ),
    "Deadlocks": Daily(
        what="two transactions wait for each other",
        cause=deadlock_broken,
        every=Duration(600_000),
        beside="SlowOrders",
        beside_what="the exchange answers late",
        beside_cause=orders_answered_late,
    ),
    "DeadRowsHigh": Fault(
        what="a table is rewritten whose cleaning is turned off",
        cause=rows_left_dead,
        mend=(Script(name="database_maintenance"),),
        calm=Duration(10 * _MINUTE),
        holds=Duration(10 * _MINUTE),
        every=Duration(10 * _MINUTE),
        time_scale=120,
    ),
    "BackupOverdue": Fault(
        what="no backup was made for 27 hours",
        cause=backup_forgotten,
        # It finds that there is no copy on another machine.
        mend=(Script(codes=(0, 3)),),
        calm=Duration(10 * _MINUTE),
        holds=Duration(10 * _MINUTE),
        every=Duration(5 * _MINUTE),
    ),
}
