"""Runs the backup and the checklists of the local stack when they are due.

When each ran last stands in the file that it leaves for node_exporter, so a restart forgets nothing, and what
was due while the machine slept is run when it wakes. On other machines cron does it: docs/checklists.md.
"""

import argparse
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from scripts.stack.home import ROOT

# After a start: until then a person who only tries something is not disturbed.
_FIRST, _LOOK, _AGAIN = 300.0, 60.0, 3600.0
_DAY = 86400
_STAMP = re.compile(r"^\w+_timestamp_seconds(?:\{.*\})? (\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A runbook, how often it is due, and the file that tells when it ran."""

    name: str
    every: int
    file: str


# In this order: the backup is proven before the others look at it, and the daily list sees that they ran.
JOBS = (
    Job(name="backup", every=_DAY, file="backup.prom"),
    Job(name="monthly", every=31 * _DAY, file="checklist_monthly.prom"),
    Job(name="weekly", every=7 * _DAY, file="checklist_weekly.prom"),
    Job(name="daily", every=_DAY, file="checklist_daily.prom"),
)


def due(textfile: Path, tried: Mapping[str, float], now: float, monotonic: float) -> Iterator[Job]:
    """Yield the jobs whose time has come; one that failed waits an hour."""
    for job in JOBS:
        last = _last(textfile / job.file)
        waits = monotonic - tried.get(job.name, -_AGAIN) < _AGAIN
        # A time that lies ahead was told by a clock that was wrong.
        if not waits and not now - job.every < last <= now:
            yield job


def _last(file: Path) -> float:
    try:
        found = _STAMP.search(file.read_text("utf-8"))
    except FileNotFoundError:
        return 0
    return float(found[1]) if found else 0


def _run(home: Path, job: Job) -> int:
    script = ROOT / "runbooks" / f"{job.name}.sh"
    command = (str(script), "--yes", "--no-color", "--platform", "local", "--run-dir", str(home / "runs"))
    # Its environment is that of the stack, which the script reads by itself.
    environment = {"TRADEWATCH_HOME": str(home), "HOME": str(home), "PATH": "/usr/local/bin:/usr/bin:/bin"}
    with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL) as process:
        try:
            return process.wait()
        finally:
            # If we are told to stop: the script then ends its step in order.
            process.terminate()


def _ended(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="where the stack is")
    home: Path = parser.parse_args().home
    signal.signal(signal.SIGTERM, _ended)
    tried: dict[str, float] = {}
    time.sleep(_FIRST)
    while True:
        for job in due(home / "textfile", tried, time.time(), time.monotonic()):
            tried[job.name] = time.monotonic()
            print(f"{job.name} is due", flush=True)
            print(f"{job.name} ended with {_run(home, job)}", flush=True)
        time.sleep(_LOOK)


if __name__ == "__main__":
    main()
