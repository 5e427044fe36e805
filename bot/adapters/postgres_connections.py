"""Connections to PostgreSQL: every statement is bounded in time, counted, and told by what came of it."""

import asyncio
import time
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

import aiopg
import psycopg2

from bot.adapters.aiopg_mend import connected, mend
from bot.adapters.postgres_migrations import migrate
from bot.adapters.postgres_rows import PREPARE
from bot.log import Log
from bot.metrics import Metrics
from bot.ports import OutcomeUnknown, TryAgain

PATIENCE = 3.0  # seconds for a connection, and as many again for an answer
STATEMENT_TIMEOUT = "2s"  # the server gives up before we do, and then says so
_SETTINGS = {
    "statement_timeout": STATEMENT_TIMEOUT,
    "synchronous_commit": "on",  # whatever the server's default: what is answered is on its disk
    "timezone": "UTC",
    "application_name": "tradewatch-bot",
}
_OPTIONS: Mapping[str, Any] = {
    "timeout": PATIENCE,
    "enable_hstore": False,
    "options": " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items()),
}
_FAILURES = (psycopg2.Error, TimeoutError)

Values = Sequence[Any] | Mapping[str, Any]


class Connections:
    """Raises TryAgain until `open` has succeeded once; heals by itself after that."""

    def __init__(self, dsn: str, *, size: int, echo: bool, log: Log, metrics: Metrics) -> None:
        mend()
        self._dsn = dsn
        self._size = size
        self._echo = echo
        self._log = log
        self._metrics = metrics
        self._errors = metrics.db_connection_errors_total
        self._reads = metrics.db_query_duration_seconds.labels(operation="read")
        self._changes = metrics.db_query_duration_seconds.labels(operation="write")
        self._committed = metrics.db_transactions_total.labels(outcome="committed")
        self._rolled_back = metrics.db_transactions_total.labels(outcome="rolled_back")
        self._pool: aiopg.Pool | None = None
        self._writes: set[asyncio.Task[Any]] = set()
        self._show()

    async def open(self) -> None:
        """Bring the schema up to date and make the pool; cheap once that is done."""
        if self._pool is not None:
            return
        try:
            async with asyncio.timeout(PATIENCE):
                connection = await connected(self._dsn, **_OPTIONS)
            async with connection, connection.cursor() as cursor:
                await migrate(cursor, self._log)
        except _FAILURES as error:
            if not is_refusal(error):
                self._errors.inc()
            raise TryAgain(told(error)) from error
        # minsize=0: a pool that wants a connection at once cannot be made while the server is down.
        self._pool = await aiopg.create_pool(
            self._dsn, minsize=0, maxsize=self._size, on_connect=_prepare_statements, **_OPTIONS
        )

    async def close(self) -> None:
        if self._writes:
            await asyncio.wait(self._writes, timeout=PATIENCE)
        if self._pool is not None:
            self._pool.terminate()
            await self._pool.wait_closed()

    async def read(self, statement: str, values: Values = ()) -> Sequence[Any]:
        try:
            return await self._run(statement, values, self._reads)
        except _FAILURES as error:
            raise TryAgain(told(error)) from error

    async def write(self, statement: str, values: Values) -> Sequence[Any]:
        """Never cancelled: a statement that was sent is committed, whether or not somebody still listens."""
        try:
            return await self._shielded(self._run(statement, values, self._changes))
        except _FAILURES as error:
            kind = TryAgain if is_refusal(error) else OutcomeUnknown
            raise kind(told(error)) from error

    def _show(self) -> None:
        """At every use, so the gauges are always right."""
        idle = self._pool.freesize if self._pool else 0
        self._metrics.db_connections_active.set(self._pool.size - idle if self._pool else 0)
        self._metrics.db_connections_idle.set(idle)
        self._metrics.db_connections_max.set(self._size)

    async def _shielded(self, work: Coroutine[Any, Any, Sequence[Any]]) -> Sequence[Any]:
        task = asyncio.create_task(work)
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)
        return await asyncio.shield(task)

    async def _run(self, statement: str, values: Values, seconds: Any) -> Sequence[Any]:
        if self._pool is None:
            raise TryAgain("database: not reached yet")
        begin, outcome = time.monotonic(), "ok"
        try:
            connection = await self._acquire(self._pool)
            try:
                found = await _execute(connection, statement, values)
                self._committed.inc()
                return found
            except _FAILURES as error:
                self._count(error)
                raise
            finally:
                self._pool.release(connection)  # at once; what is to be awaited is only the next one's turn
        except BaseException as error:
            outcome = told(error) if isinstance(error, _FAILURES) else f"{type(error).__name__}: {error}"
            raise
        finally:
            self._show()
            took = time.monotonic() - begin
            seconds.observe(took)
            if self._echo:
                self._log.info(
                    "sql",
                    statement=" ".join(statement.split()),
                    milliseconds=round(took * 1000, 1),
                    outcome=outcome,
                )

    async def _acquire(self, pool: aiopg.Pool) -> aiopg.Connection:
        try:
            connection = await pool.acquire()
        except _FAILURES as error:
            if isinstance(error, TimeoutError) and pool.size == self._size and not pool.freesize:
                raise TryAgain(
                    f"database: all {self._size} connections were in use for {PATIENCE:g} s"
                ) from error
            self._errors.inc()
            raise TryAgain(told(error)) from error
        self._show()
        return connection

    def _count(self, error: BaseException) -> None:
        if is_refusal(error):
            self._rolled_back.inc()
        else:
            self._errors.inc()


async def _execute(connection: aiopg.Connection, statement: str, values: Values) -> Sequence[Any]:
    try:
        async with connection.cursor() as cursor:
            await cursor.execute(statement, values)
            return list(await cursor.fetchall())
    except BaseException as error:
        if not is_refusal(error):
            connection.close()  # before anything else opens a file under the number of its dead socket
        raise


async def _prepare_statements(connection: aiopg.Connection) -> None:
    try:
        async with connection.cursor() as cursor:
            await cursor.execute(PREPARE)
    except BaseException:
        connection.close()  # the pool would forget it and leave it open
        raise


def is_refusal(error: BaseException) -> bool:
    """Whether the server itself refused the statement; a lost connection says nothing about a commit."""
    code = getattr(error, "pgcode", None)
    return code is not None and not code.startswith(("08", "57P"))


def told(error: BaseException) -> str:
    """The first line, without libpq's hints; a password never stands in it."""
    if isinstance(error, TimeoutError):
        return f"database: no answer within {PATIENCE:g} s"
    lines = str(error).strip().splitlines()
    return f"database: {lines[0][:300] if lines else type(error).__name__}"
