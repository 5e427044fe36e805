"""One run: an exchange and an empty database, the bot killed at a point, the next one judged; all by fork."""

import asyncio
import ctypes
import gc
import io
import json
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from prometheus_client import CollectorRegistry

from bot.adapters.postgres import Postgres
from bot.desk import Desk
from bot.log import open_log
from bot.metrics import instruments
from bot.start import read_configuration
from tests.bot.made_control import control_directory
from tests.sweep import venue
from tests.sweep.lives import first_life, next_life
from tests.sweep.place import Place
from tests.sweep.scenarios import Scenario

CONFIG = Path(__file__).parents[2] / "config"
LONGEST_RECOVERY = 150  # callbacks, more or less
PATIENCE = 60.0  # seconds for one life
NO_KILL = "after its end"
OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
EMPTY = """DELETE FROM orders; DELETE FROM signals; DELETE FROM switch; DELETE FROM account;
    UPDATE lease SET holder = 'nobody', epoch = 0, until = now()"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Kills the bot at the `first` point of its first life, and at the `second` of its recovery, if any."""

    scenario: Scenario
    first: int
    second: int | None = None
    counts: bool = False  # only how many callbacks there are until the last kill that never comes

    @property
    def kills_again(self) -> list[int | None]:
        """Where each life after the first is killed; the last is not."""
        if self.counts:
            return [] if self.second is None else [self.second]
        chance = random.Random(self.first)
        crashes = [chance.randint(1, LONGEST_RECOVERY) for _ in range(self.scenario.crashes)]
        return [*crashes, None] if self.second is None else [self.second, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`sites` are where it was killed; `bare` are the seconds until each position had its stop."""

    sites: Sequence[str]
    callbacks: int
    bare: float
    wrong: Sequence[str]


class Stage:
    """In a process that has neither event loop nor threads."""

    def __init__(self, dsn: str, folder: Path, keep: Path | None, broken: Callable[[Desk], None]) -> None:
        """What a run that went wrong left in its folder is copied to `keep`."""
        self._dsn = dsn
        self._folder = folder
        self._keep = keep
        configuration, problems = read_configuration(CONFIG)
        if configuration is None:
            raise ValueError(f"config is wrong: {problems}")
        self._configuration = configuration
        self._broken = broken
        if wrong := self._run_to_end(self._prepare()):
            raise RuntimeError(f"the database of the sweep cannot be made: {wrong[0]}")
        self._database = psycopg2.connect(dsn)
        self._database.autocommit = True
        gc.collect()
        gc.freeze()  # so that children share these pages

    def run(self, job: Job) -> Result:
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        control_directory(folder / "control")
        self._alone()
        self._ask(EMPTY)
        with _exchange(folder, job.scenario) as port:
            place = Place(
                folder=folder,
                dsn=self._dsn,
                port=port,
                configuration=self._configuration,
                broken=self._broken,
            )
            place.venue.price(job.scenario.begin, job.scenario.symbol)
            result = self._lives(place, job)
        if self._keep and result.wrong:
            name = "-".join(map(str, (job.scenario.name, job.first, job.second or "")))
            shutil.copytree(folder, self._keep / name, dirs_exist_ok=True)
        shutil.rmtree(folder)
        return result

    def _lives(self, place: Place, job: Job) -> Result:
        wrong = self._run_to_end(first_life(place, job.scenario, job.first))
        self._while_dead(place, job.scenario)
        last = "first" if job.second is None else "second"
        for kill_at in job.kills_again:
            self._alone()
            place.venue.catch_up()
            wrong += self._run_to_end(next_life(place, job.scenario, kill_at))
        judged = place.read("judged")
        if not judged and not job.counts:
            wrong.append("the last life was not judged: it ended before that")
        more, bare = json.loads(judged[0]) if judged else ([], 0)
        return Result(
            sites=[(place.read(f"{life}.site") or [NO_KILL])[0] for life in dict.fromkeys(("first", last))],
            callbacks=int((place.read(f"{last}.count") or ["0"])[0]),
            bare=bare,
            wrong=[*wrong, *more],
        )

    def _while_dead(self, place: Place, scenario: Scenario) -> None:
        self._alone()
        place.venue.catch_up()
        place.venue.fault(clock_skew=place.venue.skew() + scenario.away)
        for price in scenario.meanwhile:
            place.venue.price(price, scenario.symbol)

    def _alone(self) -> None:
        """What a dead bot had sent to the database has been done, or never will be."""
        deadline = time.monotonic() + PATIENCE
        while self._ask(OTHERS) != [(0,)]:
            if time.monotonic() > deadline:
                raise RuntimeError("somebody else uses the database of the sweep")
            time.sleep(0.001)

    def _ask(self, statement: str) -> list[Any]:
        with self._database.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _run_to_end(self, work: Coroutine[Any, Any, None]) -> list[str]:
        complaints, out = os.pipe()
        pid = forked(lambda: asyncio.run(work), out)
        work.close()
        os.close(out)
        code = _awaited(pid)
        with open(complaints) as file:
            text = file.read()
        if code in (0, -signal.SIGKILL):
            return []
        return [f"a life ended with {code}: {text.strip() or 'no word'}"]

    async def _prepare(self) -> None:
        metrics = instruments(self._configuration.catalogue, CollectorRegistry())
        log = open_log("INFO", "simulator", [], io.StringIO())
        async with Postgres(self._dsn, size=1, echo=False, log=log, metrics=metrics) as store:
            await store.prepare()


def forked(work: Callable[[], None], complaints: int) -> int:
    """The id of a child that does the work, writes what goes wrong, and ends with its parent."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        work()
        code = 0
    except BaseException:  # noqa: BLE001 - the last place that can say it
        os.write(complaints, traceback.format_exc().encode())
    finally:
        sys.stdout.flush()
        os._exit(code)


def _awaited(pid: int) -> int:
    """The exit code, negative for a signal; killed, and a word about it, when it takes too long."""
    descriptor = os.pidfd_open(pid)
    try:
        if not select.select([descriptor], [], [], PATIENCE)[0]:
            os.kill(pid, signal.SIGTERM)
            select.select([descriptor], [], [], 1)
            os.kill(pid, signal.SIGQUIT)
    finally:
        os.close(descriptor)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@contextmanager
def _exchange(folder: Path, scenario: Scenario) -> Iterator[int]:
    told, out = os.pipe()
    pid = forked(lambda: venue.serve(folder, scenario.switches, scenario.hedge, out), 2)
    os.close(out)
    try:
        with open(told) as file:
            yield int(file.read())
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
