"""Finds and runs external tools."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# The tools that `make setup` fetches, for whoever has not put them on the PATH.
_FETCHED = Path(__file__).parents[2] / ".tools" / "bin"
_PATIENCE = 300.0  # seconds; a tool takes far less even where others keep the machine busy
_MOST_AT_ONCE = 8
# promtool lives for seconds: collecting garbage less often saves it a quarter of them, for 200 MB.
_SPEED = {"GOGC": "400"}


class ToolMissingError(Exception):
    """A tool that the proof needs is not on this machine."""


def find(name: str) -> str:
    """Return the path of a tool; raise ToolMissingError with what to do."""
    path = os.pathsep.join([str(_FETCHED), os.environ.get("PATH", os.defpath)])
    if found := shutil.which(name, path=path):
        return found
    raise ToolMissingError(f"{name} is neither on the PATH nor in .tools/bin; `make setup` fetches it")


def run(name: str, *arguments: str, cwd: Path, patience: float = _PATIENCE) -> tuple[bool, str]:
    """Run a tool; return whether it was content, and all that it said, with paths as below `cwd`."""
    try:
        done = subprocess.run(
            [find(name), *arguments],
            cwd=cwd,
            env={**os.environ, **_SPEED},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=patience,
        )
    except subprocess.TimeoutExpired:
        return False, f"{name} gave no answer within {patience:g} s and was stopped"
    return done.returncode == 0, (done.stdout + done.stderr).strip().replace(f"{cwd}/", "")


def run_all(calls: Iterable[Sequence[str]], *, cwd: Path) -> list[tuple[bool, str]]:
    """Run tools, some at once, and return what `run` does of each, in the order of the calls."""
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_AT_ONCE)) as pool:
        return list(pool.map(lambda call: run(*call, cwd=cwd), calls))
