"""One stack per folder: a living run keeps others out, a killed one is waited for."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from scripts.stack.home import Home, HomeError
from scripts.stack.lock import locked
from scripts.stack.ports import Ports


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(path=tmp_path / "home", ports=Ports())


@pytest.fixture
def left_behind(home: Home) -> Iterator[IO[str]]:
    """The file that the supervisord of a killed run holds as long as it stops the services."""
    home.path.mkdir()
    (home.path / "lock").write_text("1")  # a process that lives, but is none of ours
    with (home.path / "services.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


async def test_a_living_run_keeps_others_out_at_once(home: Home) -> None:
    said: list[str] = []
    async with locked(home, said.append):
        with pytest.raises(HomeError, match=rf"already runs on .* \(process {os.getpid()}\); stop it first"):
            async with locked(home, said.append):
                pass
    async with locked(home, said.append):
        assert said == []


async def test_the_services_of_a_killed_run_are_waited_for(home: Home, left_behind: IO[str]) -> None:
    said: list[str] = []

    def stopped(text: str) -> None:
        said.append(text)
        left_behind.close()

    async with locked(home, stopped):
        assert said == ["the stack of a killed run is still stopping"]


async def test_one_who_waits_keeps_others_out_too(home: Home, left_behind: IO[str]) -> None:
    async def other_run() -> None:
        async with locked(home, lambda _: None):
            pass

    refused: list[str] = []

    def try_meanwhile(_: str) -> None:
        try:
            other_run().send(None)
        except HomeError as error:
            refused.append(str(error))
        left_behind.close()

    async with locked(home, try_meanwhile):
        assert f"process {os.getpid()}" in refused[0]


@pytest.mark.usefixtures("left_behind")
async def test_services_that_never_stop_are_told_of(home: Home) -> None:
    with pytest.raises(HomeError, match=r"has not stopped for 0 s; kill its supervisord .*supervisord\.pid"):
        async with locked(home, lambda _: None, patience=0):
            pass
    with pytest.raises(HomeError, match="has not stopped"):
        async with locked(home, lambda _: None, patience=0):
            pass
