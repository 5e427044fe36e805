"""Runs a shipped runbook as an operator would, in the environment of a drill's stack."""

import asyncio
import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scripts.drill.world import HarnessError
from scripts.stack.home import ROOT, Home

RUNBOOKS = ROOT / "runbooks"
_LONGEST = 240.0  # seconds; a runbook that waits for more than that in a drill waits for the wrong thing
_LAST = 15.0
_LINES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A run that ended; `output` is all that it said."""

    command: str
    code: int
    output: str
    seconds: float

    @property
    def tail(self) -> str:
        return "\n".join(self.output.splitlines()[-_LINES:])


async def run(home: Home, script: Path, arguments: Sequence[str]) -> Ran:
    """Run a script to its end; raise HarnessError if there is none of that name."""
    if not os.access(script, os.X_OK):
        raise HarnessError(f"{script} cannot be run: is there a runbook of that name?")
    command = (str(script), "--yes", "--no-color", "--platform", "local", *arguments)
    begin = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *command,
        "--run-dir",
        str(home.path / "runs"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=_environment(home),
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(_LONGEST):
            told, _ = await process.communicate()
    except TimeoutError:
        told = f"it had not ended after {_LONGEST:g} s".encode()
    finally:
        await _ended(process)
    return Ran(
        command=" ".join([f"runbooks/{script.name}", *arguments]),
        code=process.returncode if process.returncode is not None else -1,
        output=told.decode(errors="replace"),
        seconds=time.monotonic() - begin,
    )


def _environment(home: Home) -> Mapping[str, str]:
    """What differs from stack to stack the script reads by itself, as it does for an operator."""
    return {
        "TRADEWATCH_HOME": str(home.path),
        "HOME": str(home.path),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
    }


async def _ended(process: asyncio.subprocess.Process) -> None:
    """End a run that still goes on: in order first, so that it says what is half done."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST):
                await process.wait()
