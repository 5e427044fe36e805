"""Runs programs: each in a session of its own, for a limited time, and gone when its caller is cancelled."""

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_SHOWN = 600  # characters of what a program that failed said last


class CommandError(Exception):
    """A program failed or took too long; the message has its last words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return f"{self.out}{self.err}".strip()


async def run(
    *command: str, cwd: Path, env: Mapping[str, str], within: float, may: tuple[int, ...] | None = (0,)
) -> Ran:
    """Run a program for so many seconds at most; raise CommandError unless it ends with a code of `may`.

    None as `may` takes every code.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env=dict(env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C reaches us alone, and we end what runs
    )
    try:
        async with asyncio.timeout(within):
            out, err = await process.communicate()
    except TimeoutError:
        raise CommandError(f"{_named(command)} did not end within {within:g} s") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    assert process.returncode is not None
    ran = Ran(code=process.returncode, out=out.decode(errors="replace"), err=err.decode(errors="replace"))
    if may is not None and ran.code not in may:
        raise CommandError(f"{_named(command)} ended with {ran.code}: {ran.said[-_SHOWN:]}")
    return ran


def _named(command: tuple[str, ...]) -> str:
    return " ".join(command)[:100]
