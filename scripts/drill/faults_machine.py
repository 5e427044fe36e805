"""Faults of the machine; all but one by a stand-in, as they would harm whoever else is on it."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from config.spec.duration import Duration
from scripts.drill.fault import ByHand, Cause, Daily, Fault, Setup
from scripts.drill.stand_in import OOM_KILLS, SIZE, StandIn, avail
from scripts.drill.world import HarnessError, World

_MINUTE, _HOUR = 60_000, 3_600_000
_BURNERS_PER_PROCESSOR = 2
_MACHINE = Setup(stand_in=True)
_ELSEWHERE = "the machine is not the drill's alone: {} would harm whoever else is on it"


@asynccontextmanager
async def processors_taken(_: World) -> AsyncIterator[str]:
    """Programs take all processors, at the least priority: hardly anybody waits for them."""
    command = ("nice", "-n", "19", sys.executable, "-c", "while True: pass")
    burners: list[asyncio.subprocess.Process] = []
    try:
        for _number in range(_BURNERS_PER_PROCESSOR * (os.cpu_count() or 1)):
            burners.append(await asyncio.create_subprocess_exec(*command))
        yield f"{len(burners)} programs toil, process {burners[0].pid} and so on"
    finally:
        for burner in burners:
            burner.kill()
            await burner.wait()


def figures(told: str, change: Callable[[World], Mapping[str, float]]) -> Cause:
    """Return the fault that the machine is like that, as the stand-in in front of its exporter tells it."""

    @asynccontextmanager
    async def cause(world: World) -> AsyncIterator[str]:
        stand_in = _machine(world)
        was = dict(stand_in.figures)
        stand_in.figures |= change(world)
        try:
            yield told
        finally:
            stand_in.figures.clear()
            stand_in.figures.update(was)

    return cause


def falling(told: str, series: Callable[[World], tuple[str, float, float]]) -> Cause:
    """Return the fault that a figure begins at a value and falls by so much in an hour of life."""

    @asynccontextmanager
    async def cause(world: World) -> AsyncIterator[str]:
        stand_in = _machine(world)
        was = dict(stand_in.figures)
        name, value, per_hour = series(world)
        begin = time.monotonic()

        async def fall() -> None:
            while True:
                hours = (time.monotonic() - begin) * world.home.time_scale / 3600
                stand_in.figures[name] = max(value - per_hour * hours, 0)
                await asyncio.sleep(0.05)

        task = asyncio.create_task(fall())
        try:
            yield told
        finally:
            task.cancel()
            stand_in.figures.clear()
            stand_in.figures.update(was)

    return cause


@asynccontextmanager
async def killed_for_memory(world: World) -> AsyncIterator[str]:
    """There is nothing to undo: a count does not fall."""
    stand_in = _machine(world)
    stand_in.figures[OOM_KILLS] += 1
    yield f"the exporter tells of {stand_in.figures[OOM_KILLS]:.0f} kills, one more than before"


def _machine(world: World) -> StandIn:
    if world.stand_in is None:
        raise HarnessError("this stack has no stand-in: its setup lacks it")
    return world.stand_in


def _memory(share: float) -> Callable[[World], Mapping[str, float]]:
    return lambda _: {"node_memory_MemAvailable_bytes": _total() * share}


def _total() -> float:
    """Return the machine's memory in bytes."""
    lines = Path("/proc/meminfo").read_text("utf-8").splitlines()
    return next(float(line.split()[1]) * 1024 for line in lines if line.startswith("MemTotal:"))


FAULTS: Mapping[str, Fault | Daily] = {
    "HighCPULoad": Fault(
        what="programs take all processors",
        cause=processors_taken,
        mend=(
            ByHand(
                does="ends the programs that take them",
                because="which program may be ended only a person knows",
                finds="the processors idle for only",
            ),
        ),
        calm=Duration(10 * _MINUTE),
        every=None,
        over_within=Duration(30 * _MINUTE),
    ),
    "HighMemoryUsage": Fault(
        what="three percent of the memory are left",
        cause=figures("the exporter tells of 3 % of memory that is left", _memory(0.03)),
        mend=(
            ByHand(
                does="ends a program that takes too much",
                because="which program may be ended only a person knows",
                finds="MemAvailable",
            ),
        ),
        setup=_MACHINE,
        stand_in=_ELSEWHERE.format("to use up its memory"),
    ),
    "DiskFull": Fault(
        what="four percent of a disk are left",
        cause=figures("the exporter tells of 4 % of a disk that are left", lambda _: {avail(): SIZE * 0.04}),
        mend=(
            ByHand(
                does="makes room",
                because="only a person knows which files nobody needs",
                finds="Mounted on",
            ),
        ),
        setup=_MACHINE,
        stand_in=_ELSEWHERE.format("to fill its disk"),
    ),
    "DiskFilling": Fault(
        what="a disk fills by five percent an hour",
        cause=falling(
            "what the exporter tells of a disk falls by 5 % an hour",
            lambda _: (avail(), SIZE * 0.5, SIZE * 0.05),
        ),
        mend=(
            ByHand(
                does="makes room",
                because="only a person knows which files nobody needs",
                finds="Mounted on",
            ),
        ),
        calm=Duration(2 * _HOUR),
        holds=Duration(20 * _MINUTE),
        over_within=Duration(8 * _HOUR),
        every=Duration(20 * _MINUTE),
        time_scale=240,
        setup=_MACHINE,
        stand_in=_ELSEWHERE.format("to fill its disk"),
    ),
    "MemoryFilling": Fault(
        what="memory fills by two percent an hour",
        cause=falling(
            "what the exporter tells of memory falls by 2 % an hour",
            lambda _: ("node_memory_MemAvailable_bytes", _total() * 0.48, _total() * 0.02),
        ),
        mend=(
            ByHand(
                does="ends the program that takes more and more",
                because="which program may be ended only a person knows",
                finds="MemAvailable",
            ),
        ),
        calm=Duration(2 * _HOUR),
        holds=Duration(20 * _MINUTE),
        over_within=Duration(14 * _HOUR),
        every=Duration(20 * _MINUTE),
        time_scale=240,
        setup=_MACHINE,
        stand_in=_ELSEWHERE.format("to use up its memory"),
    ),
    "OutOfMemoryKill": Fault(
        what="the kernel kills a program for want of memory",
        cause=killed_for_memory,
        mend=(
            ByHand(
                does="gives that program more memory",
                because="whether it, or another one, should have less only a person knows",
                finds="MemAvailable",
            ),
        ),
        calm=Duration(10 * _MINUTE),
        over_within=Duration(70 * _MINUTE),
        setup=_MACHINE,
        stand_in=_ELSEWHERE.format("to have the kernel kill one of its programs"),
    ),
}
