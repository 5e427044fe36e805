"""What happens on a quiet day: when signals come, and what people and machines do to the stack.

It is played in two stacks. The day itself runs as fast as Prometheus can evaluate. A program that starts
takes seconds however fast time runs, which would be minutes of that day: so all restarts have a stack of
their own, in which time runs slower.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import aiohttp
import psycopg2

from config.spec.duration import Duration
from scripts.drill.processes import process_of
from scripts.drill.runbook import RUNBOOKS, run
from scripts.drill.services import control
from scripts.drill.world import HarnessError, World, until

_FINDING = 3  # of runbooks, by docs/runbooks.md
_HOUR, _MINUTE = 3_600_000, 60_000
_READY = {
    "bot": "/readyz",
    "prometheus": "/-/ready",
    "alertmanager": "/-/ready",
    "node_exporter": "/metrics",
    "postgres_exporter": "/metrics",
}
_READY_SECONDS = 60.0
_RESTART_SECONDS = 45.0  # of life; what is longer is an outage, of which people are to hear


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something done `at` a time of life from the begin on; `do` returns what there is to say of it."""

    at: Duration
    what: str
    do: Callable[[World], Awaitable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Signals from a time of life to another one, one every so often."""

    begins: Duration
    ends: Duration
    every: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one stack is put through; lengths are those of life."""

    name: str
    lasts: Duration
    traffic: tuple[Traffic, ...]
    happenings: tuple[Happening, ...]

    def until(self, lasts: Duration) -> "Part":
        """Return the part cut off after so long."""
        return Part(
            name=self.name,
            lasts=min(lasts, self.lasts),
            traffic=tuple(one for one in self.traffic if one.begins < lasts),
            happenings=tuple(one for one in self.happenings if one.at < lasts),
        )


def runbook(name: str) -> Callable[[World], Awaitable[str]]:
    """Return what runs a runbook of the daily round; one that finds something has done its work, too."""

    async def do(world: World) -> str:
        ran = await run(world.home, RUNBOOKS / f"{name}.sh", ())
        if ran.code not in (0, _FINDING):
            raise HarnessError(f"{ran.command} ended with {ran.code}\n{ran.tail}")
        return f"{ran.command} took {ran.seconds:.1f} s"

    return do


def reloaded(services: Sequence[str]) -> Callable[[World], Awaitable[str]]:
    async def do(world: World) -> str:
        for service in services:
            os.kill(process_of(world.home, service), signal.SIGHUP)
        return f"SIGHUP to {' and '.join(services)}"

    return do


def restarted(*services: str) -> Callable[[World], Awaitable[str]]:
    async def do(world: World) -> str:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        for service in services:
            said = await control(world, "restart", service)
            if "started" not in said:
                raise HarnessError(f"{service} was not restarted: {said}")
        for service in services:
            await _until_ready(world, service)
        took = loop.time() - begin
        need_short(took, world.home.time_scale, " and ".join(services))
        return f"took {took:.1f} s"

    return do


def need_short(seconds: float, scale: float, what: str) -> None:
    """Raise HarnessError if a restart took longer of the life that is played than one takes in life."""
    if seconds * scale > _RESTART_SECONDS:
        raise HarnessError(
            f"the restart of {what} took {seconds:.1f} s, which are {seconds * scale:.0f} s of life; it may "
            f"take {_RESTART_SECONDS:g} s: try a smaller --restart-scale"
        )


async def killed_bot(world: World) -> str:
    """supervisord starts it again at once."""
    loop = asyncio.get_running_loop()
    begin, process = loop.time(), process_of(world.home, "bot")
    os.kill(process, signal.SIGKILL)
    await _until_ready(world, "bot", after=process)
    took = loop.time() - begin
    need_short(took, world.home.time_scale, "the bot")
    return f"process {process}, took {took:.1f} s"


async def _until_ready(world: World, service: str, after: int = 0) -> None:
    """Return once a service answers, in another process than `after`, as it does when it has started."""

    async def ready() -> bool | None:
        with suppress(aiohttp.ClientError, psycopg2.Error, HarnessError, OSError):
            if process_of(world.home, service) == after:
                return None
            if service == "postgres":
                await world.sql("SELECT 1")
            else:
                await world.call("GET", world.home.url(service, _READY[service]))
            return True
        return None

    if not await until(ready, _READY_SECONDS):
        raise HarnessError(f"{service} was not ready {_READY_SECONDS:g} s after its restart")


def _hours(hours: float) -> Duration:
    return Duration(round(hours * _HOUR))


def _minutes(minutes: float) -> Duration:
    return Duration(round(minutes * _MINUTE))


DAY = Part(
    name="day",
    lasts=_hours(24),
    traffic=(
        Traffic(begins=_hours(1), ends=_hours(2), every=_minutes(20)),
        Traffic(begins=_hours(8), ends=_hours(12), every=_minutes(10)),
        Traffic(begins=_hours(15), ends=_hours(22), every=_minutes(25)),
    ),
    happenings=(
        Happening(at=_hours(0.5), what="the backup is made and proven", do=runbook("backup")),
        Happening(at=_hours(3), what="the daily checklist is gone through", do=runbook("daily")),
        Happening(
            at=_hours(10),
            what="new rules and routes are loaded",
            do=reloaded(("prometheus", "alertmanager")),
        ),
        Happening(at=_hours(23), what="the next backup is made and proven", do=runbook("backup")),
    ),
)

RESTARTS = Part(
    name="restarts",
    lasts=_minutes(75),
    traffic=(Traffic(begins=_minutes(1), ends=_minutes(75), every=_minutes(3)),),
    happenings=(
        Happening(at=_minutes(5), what="a deploy: the bot is restarted", do=restarted("bot")),
        Happening(at=_minutes(17), what="Prometheus is restarted", do=restarted("prometheus")),
        Happening(at=_minutes(29), what="Alertmanager is restarted", do=restarted("alertmanager")),
        Happening(at=_minutes(41), what="the database is restarted", do=restarted("postgres")),
        Happening(
            at=_minutes(53),
            what="both exporters are restarted",
            do=restarted("node_exporter", "postgres_exporter"),
        ),
        Happening(at=_minutes(61), what="the bot crashes, and is started again", do=killed_bot),
    ),
)
