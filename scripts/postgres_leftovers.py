"""What killed runs leave behind: servers that hold a data directory, socket directories nobody uses."""

import contextlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from scripts.postgres_binaries import PostgresError

PREFIX = "tradewatch-pg-"
LONGEST = 60  # of a base for socket directories: the name of a socket may have 107 bytes


def end_servers(data: Path, *, patience: float = 10.0) -> int:
    """Stop every server process that works in this data directory, ever less gently; how many there were."""
    found = dict(_servers(data))
    if not found:
        return 0
    masters = [pid for pid, parent in found.items() if parent not in found]
    for pids, number in ((masters, signal.SIGINT), (masters, signal.SIGQUIT), (None, signal.SIGKILL)):
        for pid in pids if pids is not None else dict(_servers(data)):
            _send(pid, number)
        if _gone(data, patience):
            return len(found)
    raise PostgresError(f"processes {', '.join(map(str, found))} of an earlier run hold {data}: end them")


def _servers(data: Path) -> Iterator[tuple[int, int]]:
    """(pid, parent) of the processes that have it as working directory, as every PostgreSQL process does."""
    here = os.path.realpath(data)
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if os.readlink(entry / "cwd") == here and "postgres" in os.readlink(entry / "exe"):
                status = (entry / "stat").read_text().rpartition(")")[2].split()
                yield int(entry.name), int(status[1])
        except OSError:
            continue  # it ended meanwhile, or is another user's


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
        os.kill(pid, signal.SIGCONT)  # a frozen one would not hear


def _gone(data: Path, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while any(True for _ in _servers(data)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def socket_directory() -> Path:
    """A new private directory with a short name; the pid in it tells later runs whose it is."""
    base = socket_base()
    remove_stale(base)
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=base))


def socket_base() -> Path:
    """The machine's place for temporary files, or /tmp if that one's name would be too long or too odd."""
    base = tempfile.gettempdir()
    awkward = set(base) & set(" ,'\"\\")  # the setting is a list with its own quoting
    return Path("/tmp" if awkward or len(os.fsencode(base)) > LONGEST else base)


def remove_stale(base: Path) -> None:
    """Remove the directories of runs that are dead."""
    for folder in base.glob(f"{PREFIX}*-*"):
        pid = folder.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdigit() and not Path("/proc", pid).exists():
            shutil.rmtree(folder, ignore_errors=True)
