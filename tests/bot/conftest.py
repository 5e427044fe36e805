"""A real PostgreSQL with a fresh database for each test, and a real simulator over HTTP."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiopg
import pytest

from bot.adapters.aiopg_mend import mend
from scripts.postgres import temporary
from tests.bot.play import Exchange, running_simulator


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with temporary(tmp_path_factory.mktemp("postgres")) as dsn:
        yield dsn


@pytest.fixture
async def dsn(server: str, request: pytest.FixtureRequest) -> str:
    mend()
    name = f"test_{abs(hash(request.node.nodeid))}"
    async with aiopg.connect(server, enable_hstore=False) as connection, connection.cursor() as cursor:
        await cursor.execute(f"CREATE DATABASE {name}")
    return f"{server.rpartition('/')[0]}/{name}"


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    async with running_simulator(tmp_path / "exchange") as running:
        yield running
