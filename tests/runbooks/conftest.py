"""A real PostgreSQL whose database is like the bot's, and for each test a copy of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.postgres import temporary
from tests.runbooks.databases import Cluster, Desk


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    with temporary(folder) as dsn:
        made = Cluster(dsn=dsn, folder=folder)
        made.make("like_ours", rows=300)
        yield made


@pytest.fixture(scope="session")
def like_ours(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Desk(cluster=cluster, database="like_ours", folder=tmp_path_factory.mktemp("desk")).saved()


@pytest.fixture
def desk(cluster: Cluster, like_ours: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Desk:
    database = f"desk_{abs(hash(request.node.nodeid))}"
    cluster.psql(f"CREATE DATABASE {database} TEMPLATE like_ours")
    for folder in ("textfile", "control"):
        (tmp_path / folder).mkdir()
    return Desk(cluster=cluster, database=database, folder=tmp_path, like_ours=like_ours)
