"""Does jobs in several processes, each with a database of its own, and gives results as they come."""

import json
import os
import selectors
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import psycopg2

from tests.sweep.stage import Job, Result, Stage, forked


class Workers:
    """The processes end with the block, or with this process however that dies."""

    def __init__(self, dsn: str, count: int, make: Callable[[str], Stage]) -> None:
        self._make = make
        self._dsns = [_database(dsn, f"sweep{number}") for number in range(count)]
        self._pids: list[int] = []

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        for pid in self._pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def done(self, jobs: Sequence[Job]) -> Iterator[tuple[int, Result]]:
        """The index of a job and what came of it, in any order."""
        with selectors.DefaultSelector() as selector:
            for number, dsn in enumerate(self._dsns):
                selector.register(self._start(dsn, jobs, number), selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select():
                    line = key.fileobj.readline()  # type: ignore[union-attr]
                    if line:
                        index, told = json.loads(line)
                        yield index, Result(**told)
                    else:
                        selector.unregister(key.fileobj)
                        key.fileobj.close()  # type: ignore[union-attr]
        while self._pids:
            code = os.waitstatus_to_exitcode(os.waitpid(self._pids.pop(), 0)[1])
            if code:
                raise RuntimeError(f"a worker of the sweep ended with {code}")

    def _start(self, dsn: str, jobs: Sequence[Job], number: int) -> Any:
        """Unbuffered: the selector sees what the pipe holds, not what a buffer does."""
        told, out = os.pipe()

        def work() -> None:
            os.close(told)
            stage = self._make(dsn)
            for index in range(number, len(jobs), len(self._dsns)):
                result = asdict(stage.run(jobs[index]))
                os.write(out, json.dumps([index, result]).encode() + b"\n")

        self._pids.append(forked(work, 2))
        os.close(out)
        return os.fdopen(told, "rb", buffering=0)


def _database(dsn: str, name: str) -> str:
    connection = psycopg2.connect(dsn)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
    finally:
        connection.close()
    return f"{dsn.rpartition('/')[0]}/{name}"
