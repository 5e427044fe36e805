"""Who may use the folder of a stack: one run at a time, after the services of a killed one have stopped.

Two files are locked. `lock` is held by the run alone, so it is free as soon as that ends, however it ends.
`services.lock` is handed on to supervisord, which a killed run leaves behind to stop the services.
"""

import asyncio
import fcntl
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

from scripts.stack.home import Home, HomeError, usable

_STOP_SECONDS = 60.0
_POLL_SECONDS = 0.05


@asynccontextmanager
async def locked(
    home: Home, say: Callable[[str], None], patience: float = _STOP_SECONDS
) -> AsyncIterator[IO[str]]:
    """Hold the folder while the block lasts; yields the file that supervisord has to keep open."""
    home.check_path()
    with usable(home.path):
        home.path.mkdir(parents=True, exist_ok=True)
        own, services = (home.path / "lock").open("a+"), (home.path / "services.lock").open("a")
    with own, services:
        if not _take(own):
            own.seek(0)
            owner = own.read().strip() or "unknown"
            raise HomeError(f"a stack already runs on {home.path} (process {owner}); stop it first")
        own.truncate(0)
        own.write(str(os.getpid()))
        own.flush()
        await _after_a_killed_run(home, services, say, patience)
        yield services


async def empty(home: Home, say: Callable[[str], None]) -> None:
    """Take away what an earlier run left, which would be told of again; not under one that still runs."""
    async with locked(home, say):
        for folder in (home.path / "data", home.path / "log"):
            shutil.rmtree(folder, ignore_errors=True)


async def _after_a_killed_run(
    home: Home, services: IO[str], say: Callable[[str], None], patience: float
) -> None:
    if _take(services):
        return
    say("the stack of a killed run is still stopping")
    end = time.monotonic() + patience
    while not _take(services):
        if time.monotonic() > end:
            pid = home.path / "supervisord.pid"
            raise HomeError(
                f"the stack of a killed run on {home.path} has not stopped for {patience:g} s; "
                f"kill its supervisord (its process number stands in {pid})"
            )
        await asyncio.sleep(_POLL_SECONDS)  # another process' lock has no event to wait for


def _take(file: IO[str]) -> bool:
    with usable(Path(file.name)):  # not every network file system has locks
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
