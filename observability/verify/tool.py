"""Finds and runs an external tool."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

# The tools that `make setup` fetches, for whoever has not put them on the PATH.
_FETCHED = Path(__file__).parents[2] / ".tools" / "bin"


class ToolMissingError(Exception):
    """A tool that the proof needs is not on this machine."""


def find(name: str) -> str:
    """Return the path of a tool; raise ToolMissingError with what to do."""
    path = os.pathsep.join([str(_FETCHED), os.environ.get("PATH", os.defpath)])
    if found := shutil.which(name, path=path):
        return found
    raise ToolMissingError(f"{name} is neither on the PATH nor in .tools/bin; `make setup` fetches it")


def run(name: str, *arguments: str, cwd: Path) -> tuple[bool, str]:
    """Run a tool; return whether it was content, and all that it said."""
    done = subprocess.run(
        [find(name), *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return done.returncode == 0, (done.stdout + done.stderr).strip()


def sentence(output: str, keep: Sequence[str] = ()) -> str:
    """Return a tool's output as one message, its temporary paths taken out."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return "; ".join(line for line in lines if not keep or any(word in line for word in keep))
