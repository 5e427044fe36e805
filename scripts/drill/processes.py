"""Finds the process of one service of a stack, and tells whether it stands still."""

from collections.abc import Iterator
from pathlib import Path

from scripts.drill.world import HarnessError
from scripts.stack.home import Home

_PROCESSES = Path("/proc")
# supervisord gives each of its children its name.
_NAME = "SUPERVISOR_PROCESS_NAME"


def process_of(home: Home, service: str) -> int:
    """Return the process of a service that runs; raise HarnessError when there is not exactly one."""
    supervisord = int((home.path / "supervisord.pid").read_text("utf-8"))
    named = f"{_NAME}={service}"
    found = [process for process in _children(supervisord) if named in _environment(process)]
    if len(found) != 1:
        raise HarnessError(
            f"{service} has {len(found)} processes below supervisord {supervisord}; expected 1"
        )
    return found[0]


def has_stopped(process: int) -> bool:
    return _status(process)[0] in ("T", "t")


def _children(parent: int) -> Iterator[int]:
    for folder in _PROCESSES.iterdir():
        if folder.name.isdigit():
            try:
                is_child = int(_status(int(folder.name))[1]) == parent
            except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
                continue
            if is_child:
                yield int(folder.name)


def _status(process: int) -> list[str]:
    """Return the state and the parent and so on; the name before them may hold blanks and brackets."""
    text = (_PROCESSES / str(process) / "stat").read_text("utf-8", errors="replace")
    return text.rpartition(")")[2].split()


def _environment(process: int) -> list[str]:
    text = (_PROCESSES / str(process) / "environ").read_text("utf-8", errors="replace")
    return text.split("\0")
