"""A PostgreSQL that a test can freeze, kill and start again, a wire to cut, and ways to wait for either."""

import asyncio
import contextlib
import os
import secrets
import signal
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import aiopg
import pytest

from bot.ports import OutcomeUnknown, TryAgain
from scripts.postgres import DATABASE, HOST, THROWAWAY, USER, Server, find, free_port, serving
from scripts.postgres_leftovers import end_servers
from tests.bot.play import until
from tests.bot.stored import execute

SLOTS = 12  # connections that the server takes
BOUND = 20.0  # seconds; the store gives up after six, and the machine may be busy


class Machine:
    """Made in the main thread: the server ends with the thread that started it."""

    def __init__(self, folder: Path) -> None:
        settings = {**THROWAWAY, "max_connections": str(SLOTS), "superuser_reserved_connections": "0"}
        self._server = Server(
            postgres=find(),
            data=folder / "data",
            port=free_port(),
            password=secrets.token_hex(8),
            settings=settings,
        )
        self._log = folder / "postgres.log"
        self._running = ExitStack()
        self._process = 0
        self._frozen: list[int] = []

    def start(self) -> None:
        log = self._running.enter_context(self._log.open("ab"))
        self._process = self._running.enter_context(serving(self._server, log=log)).pid

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """Returns when the last of its processes is gone, a postmaster that was killed leaves some behind."""
        os.kill(self._process, number)
        self._running.close()
        end_servers(self._server.data)

    async def new(self, name: str) -> str:
        """The DSN of an empty database."""
        base = f"postgresql://{USER}:{self._server.password}@{HOST}:{self._server.port}"
        await execute(f"{base}/{DATABASE}", f"CREATE DATABASE {name}")
        return f"{base}/{name}"

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The postmaster first, so that it makes no more children; backends have sessions of their own."""
        stopped = [self._process]
        try:
            os.kill(self._process, signal.SIGSTOP)
            children = Path(f"/proc/{self._process}/task/{self._process}/children").read_text()
            stopped += map(int, children.split())
            for process in stopped:
                os.kill(process, signal.SIGSTOP)
            yield
        finally:
            for process in stopped:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGCONT)


@dataclass(slots=True, kw_only=True)
class Wire:
    """Passes everything on, until it was told how many bytes more may pass in one direction.

    Then it ends all its connections, or, if it is to be silent, only swallows what still comes.
    """

    dsn: str = ""
    up: int | None = None
    down: int | None = None
    silent: bool = False
    passed_up: int = 0
    passed_down: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def heal(self) -> None:
        self.up = self.down = None
        self.silent = False
        self.cut()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def count(self) -> None:
        self.passed_up = self.passed_down = 0

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool) -> None:
        self._writers.add(writer)
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(self._let(data, up=up))
                await writer.drain()
                if 0 in (self.up, self.down) and not self.silent:
                    self.cut()
        writer.close()

    def _let(self, data: bytes, *, up: bool) -> bytes:
        left = self.up if up else self.down
        data = data if left is None else data[:left]
        if up:
            self.up = None if self.up is None else self.up - len(data)
            self.passed_up += len(data)
        else:
            self.down = None if self.down is None else self.down - len(data)
            self.passed_down += len(data)
        return data


@asynccontextmanager
async def wired(dsn: str) -> AsyncIterator[Wire]:
    """A wire to the server of that DSN, with a DSN of its own."""
    there = urlsplit(dsn)
    wire = Wire()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(there.hostname, there.port)
        async with asyncio.TaskGroup() as group:
            group.create_task(wire.pump(reader, far_writer, up=True))
            group.create_task(wire.pump(far_reader, writer, up=False))

    server = await asyncio.start_server(pass_on, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    wire.dsn = dsn.replace(f":{there.port}/", f":{port}/")
    try:
        yield wire
    finally:
        server.close()
        wire.cut()


async def fails(kind: type[Exception], call: Awaitable[object], match: str | None = None) -> None:
    async with asyncio.timeout(BOUND):
        with pytest.raises(kind, match=match):
            await call


async def quietly(call: Awaitable[object]) -> object:
    try:
        return await call
    except (TryAgain, OutcomeUnknown):
        return None


@asynccontextmanager
async def locked(dsn: str, table: str) -> AsyncIterator[None]:
    async with aiopg.connect(dsn, enable_hstore=False) as other, other.cursor() as cursor:
        await cursor.execute(f"BEGIN; LOCK TABLE {table}")
        yield


async def waits(dsn: str, count: int, what: str = "Lock") -> None:
    """Until so many of the store's statements wait for a lock, or for something else."""

    async def wait() -> bool:
        waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND"
        found = await execute(dsn, f"{waiting} '{what}' IN (wait_event_type, wait_event)")
        return len(found) == count

    await until(wait)


async def is_quiet(dsn: str, *, but: int = 0) -> None:
    """Until no statement runs, and no connection of the store is left but those that wait to be used."""

    async def quiet() -> bool:
        others = (
            "datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        rows = await execute(dsn, f"SELECT state FROM pg_stat_activity WHERE {others}")
        return len(rows) <= but or (not but and all(state == ("idle",) for state in rows))

    await until(quiet)
