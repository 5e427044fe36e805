"""Stops and starts single services of a drill's stack, as supervisord does for a person."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from scripts.drill.fault import Cause
from scripts.drill.world import HarnessError, World

_PERIODS = {"daily": 86_400, "weekly": 7 * 86_400, "monthly": 31 * 86_400}


async def control(world: World, action: str, service: str) -> str:
    """Tell supervisord to start, stop or restart a service; return what it said."""
    config = world.home.path / "supervisord.conf"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "supervisor.supervisorctl",
        "-c",
        str(config),
        action,
        service,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    return told.decode(errors="replace").strip()


def stopped(service: str) -> Cause:
    """Return the fault that a service was stopped, and stays so until somebody starts it."""

    @asynccontextmanager
    async def cause(world: World) -> AsyncIterator[str]:
        said = await control(world, "stop", service)
        if "stopped" not in said:
            raise HarnessError(f"{service} was not stopped: {said}")
        try:
            yield said
        finally:
            # It says so if a runbook has started it already.
            await control(world, "start", service)

    return cause


def freshen(textfile: Path) -> None:
    """Leave what the backup and the checklists leave for node_exporter, as if all had run just now.

    A stack of a drill has no time for them, and without it alerts would say that they never ran.
    """
    now = time.time()
    tell_backup(textfile, now)
    for name in _PERIODS:
        tell_checklist(textfile, name, now)


def tell_backup(textfile: Path, at: float) -> None:
    """Say that a backup was proven at a moment, in seconds since 1970."""
    _tell(textfile / "backup.prom", {"backup_last_verified_timestamp_seconds": at})


def tell_checklist(textfile: Path, name: str, at: float) -> None:
    """Say that a checklist ran at a moment and found nothing."""
    label = f'{{checklist="{name}"}}'
    figures = {
        f"checklist_last_run_timestamp_seconds{label}": at,
        f"checklist_period_seconds{label}": _PERIODS[name],
        f"checklist_findings{label}": 0,
    }
    _tell(textfile / f"checklist_{name}.prom", figures)


def _tell(file: Path, figures: dict[str, float]) -> None:
    # A runbook looks for whole seconds.
    lines = [
        f"# TYPE {name.partition('{')[0]} gauge\n{name} {value:.0f}\n" for name, value in figures.items()
    ]
    new = file.with_suffix(".new")
    new.write_text("".join(lines), "utf-8")
    new.replace(file)
