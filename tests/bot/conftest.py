"""A real PostgreSQL with a fresh database for each test, and a real simulator over HTTP."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiopg
import pytest

from bot.adapters.aiopg_mend import mend
from bot.adapters.postgres import Postgres
from bot.ports import OrderStore
from scripts.postgres import temporary
from tests.bot.broken_database import Machine
from tests.bot.fakes import FakeStore
from tests.bot.made_control import control_directory
from tests.bot.play import Exchange, running_simulator
from tests.bot.room import Room, make_room
from tests.bot.stored import prepared


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with temporary(tmp_path_factory.mktemp("postgres")) as dsn:
        yield dsn


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A server that a test may freeze, stop and starve."""
    made_one = Machine(tmp_path_factory.mktemp("machine"))
    made_one.start()
    yield made_one
    made_one.stop()


@pytest.fixture
async def dsn(server: str, request: pytest.FixtureRequest) -> str:
    mend()
    name = f"test_{abs(hash(request.node.nodeid))}"
    async with aiopg.connect(server, enable_hstore=False) as connection, connection.cursor() as cursor:
        await cursor.execute(f"CREATE DATABASE {name}")
    return f"{server.rpartition('/')[0]}/{name}"


@pytest.fixture
async def postgres(dsn: str) -> AsyncIterator[Postgres]:
    async with prepared(dsn) as store:
        yield store


@pytest.fixture(params=["fake", "postgres"])
def store(request: pytest.FixtureRequest) -> OrderStore:
    """Whoever asks for it says what holds for both."""
    if request.param == "fake":
        return FakeStore()
    found: Postgres = request.getfixturevalue("postgres")
    return found


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    async with running_simulator(tmp_path / "exchange") as running:
        yield running


@pytest.fixture
def control(tmp_path: Path) -> Path:
    return control_directory(tmp_path / "control")


@pytest.fixture
async def room() -> Room:
    return await make_room()
