"""The order store in PostgreSQL: starts while the database is down, and survives its restart."""

import asyncio
import hashlib
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import aiopg
import psycopg2

from bot.adapters import postgres_rows as rows
from bot.adapters.aiopg_mend import mend
from bot.domain.order import Order, State
from bot.log import Log
from bot.ports import Incoming, OutcomeUnknown, SignalRow, StopTrading, TryAgain

MIGRATIONS = Path(__file__).parent.parent / "migrations"
PATIENCE = 3.0  # seconds for a connection, a free place in the pool, and an answer
MIGRATION_PATIENCE = 60.0
STATEMENT_TIMEOUT = "2s"
_LOCK = 7219404117  # any number that no other program uses for an advisory lock on this database
_OPTIONS: Mapping[str, Any] = {
    "timeout": PATIENCE,
    "enable_hstore": False,
    "options": f"-c statement_timeout={STATEMENT_TIMEOUT} -c timezone=UTC -c application_name=tradewatch-bot",
}


class Postgres:
    """Implements bot.ports.OrderStore. Every call raises TryAgain until `prepare` has succeeded once."""

    def __init__(self, dsn: str, *, size: int, echo: bool, log: Log) -> None:
        mend()
        self._dsn = dsn
        self._size = size
        self._echo = echo
        self._log = log
        self._pool: aiopg.Pool | None = None
        self._writes: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._writes:
            await asyncio.wait(self._writes, timeout=PATIENCE)
        if self._pool is not None:
            self._pool.terminate()
            await self._pool.wait_closed()

    async def prepare(self) -> None:
        """Bring the schema up to date and open the pool; cheap once that is done."""
        if self._pool is not None:
            return
        try:
            async with aiopg.connect(self._dsn, **_OPTIONS) as connection, connection.cursor() as cursor:
                await _migrate(cursor, self._log)
            # minsize=0: a pool that wants a connection at once cannot be made while the server is down.
            self._pool = await aiopg.create_pool(
                self._dsn, minsize=0, maxsize=self._size, on_connect=_prepare_statements, **_OPTIONS
            )
        except (psycopg2.Error, TimeoutError) as error:
            raise TryAgain(_told(error)) from error

    async def admit(self, row: SignalRow) -> bool:
        return bool(await self._write(rows.ADMIT, rows.admission(row)))

    async def save(self, order: Order, *, was: State) -> bool:
        return bool(await self._write(rows.SAVE, rows.change(order, was)))

    async def find(self, incoming: Incoming) -> SignalRow | None:
        found = await self._read(rows.FIND, (incoming.source, incoming.chat, incoming.message_id))
        return rows.signal_of(found[0]) if found else None

    async def unsettled(self) -> Sequence[Order]:
        return [rows.order_of(row) for row in await self._read(rows.UNSETTLED)]

    async def counts(self) -> Mapping[State, int]:
        return {State(state): count for state, count in await self._read(rows.COUNTS)}

    async def failed_in_a_row(self) -> int:
        [[count]] = await self._read(rows.FAILED_IN_A_ROW)
        return int(count)

    async def latest(self, limit: int) -> Sequence[SignalRow]:
        return [rows.signal_of(row) for row in await self._read(rows.LATEST, (limit,))]

    async def _read(self, statement: str, values: Sequence[Any] = ()) -> Sequence[Any]:
        try:
            return await self._run(statement, values)
        except (psycopg2.Error, TimeoutError) as error:
            raise TryAgain(_told(error)) from error

    async def _write(self, statement: str, values: Sequence[Any]) -> Sequence[Any]:
        """Never cancelled: a statement that was sent is committed, whether or not somebody still listens."""
        try:
            return await self._shielded(self._run(statement, values))
        except (psycopg2.Error, TimeoutError) as error:
            kind = TryAgain if _is_rolled_back(error) else OutcomeUnknown
            raise kind(_told(error)) from error

    async def _shielded(self, work: Coroutine[Any, Any, Sequence[Any]]) -> Sequence[Any]:
        task = asyncio.create_task(work)
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)
        return await asyncio.shield(task)

    async def _run(self, statement: str, values: Sequence[Any]) -> Sequence[Any]:
        if self._pool is None:
            raise TryAgain("database: not reached yet")
        if self._echo:
            self._log.info("sql", statement=" ".join(statement.split()))
        try:
            connection = await self._pool.acquire()
        except (psycopg2.Error, TimeoutError) as error:
            raise TryAgain(_told(error)) from error
        try:
            async with connection.cursor() as cursor:
                await cursor.execute(statement, values)
                return list(await cursor.fetchall())
        finally:
            await self._pool.release(connection)


async def _prepare_statements(connection: aiopg.Connection) -> None:
    try:
        async with connection.cursor() as cursor:
            await cursor.execute(rows.PREPARE)
    except BaseException:
        connection.close()  # the pool would forget it and leave it open
        raise


async def _migrate(cursor: aiopg.Cursor, log: Log) -> None:
    # The lock ends with the connection. A second bot that starts now waits here, then finds nothing to do.
    await cursor.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
    await cursor.execute("SET statement_timeout = %s", (int(MIGRATION_PATIENCE * 1000),))
    await cursor.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations"
        " (name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    await cursor.execute("SELECT name, sha256 FROM schema_migrations")
    applied = dict(await cursor.fetchall())
    for file in sorted(MIGRATIONS.glob("*.sql")):
        text = file.read_text()
        digest = hashlib.sha256(text.encode()).hexdigest()
        if applied.get(file.name, digest) != digest:
            raise StopTrading(f"migration {file.name} was changed after it was applied to this database")
        if file.name not in applied:
            # One string of several statements is one transaction.
            done = f"INSERT INTO schema_migrations (name, sha256) VALUES ('{file.name}', '{digest}')"
            await cursor.execute(f"{text};\n{done}", timeout=MIGRATION_PATIENCE)
            log.info("migration applied", migration=file.name)


def _is_rolled_back(error: BaseException) -> bool:
    """Whether the server itself refused the statement; a lost connection says nothing about a commit."""
    code = getattr(error, "pgcode", None)
    return code is not None and not code.startswith(("08", "57P"))


def _told(error: BaseException) -> str:
    """The first line, without libpq's hints; a password never stands in it."""
    if isinstance(error, TimeoutError):
        return f"database: no answer within {PATIENCE:g} s"
    lines = str(error).strip().splitlines()
    return f"database: {lines[0][:300] if lines else type(error).__name__}"
