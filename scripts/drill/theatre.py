"""The real stacks in which drills take place, and how one is made ready for the next drill."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import psycopg2

from config.spec.model import Project
from observability.scale import scaled
from scripts.drill.days import Days
from scripts.drill.digests import Digests, severity_of_digest
from scripts.drill.fault import ByHand, Daily, Fault, Script, Setup
from scripts.drill.lanes import Play
from scripts.drill.runbook import RUNBOOKS
from scripts.drill.scenario import Scenario, level_of
from scripts.drill.services import freshen
from scripts.drill.stage import Stage
from scripts.drill.stand_in import StandIn
from scripts.drill.verdict import Drill, as_table
from scripts.drill.world import HarnessError, World
from scripts.stack.home import Home
from scripts.stack.local import running
from scripts.stack.lock import empty
from scripts.stack.ports import Ports

Say = Callable[[str], None]
# What a drill meets where something other than the alert is broken, or too slow.
UNEXPECTED = (HarnessError, aiohttp.ClientError, psycopg2.Error, OSError, TimeoutError)
# A stack on a quiet machine starts and settles in less, so that a drill waits for its first window.
_START = timedelta(seconds=20)
_ALERTMANAGER, _PROMETHEUS = "local/alertmanager.yml", "local/prometheus.yml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A stack that is ready; `days` are those of its digest, if it has short ones."""

    world: World
    project: Project
    time_scale: float
    days: Days | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalTheatre:
    """Stacks in folders below `folder`, of a project at the real speed, which is read from `specs`.

    `edits` change what is rendered, by its path.
    """

    project: Project
    say: Say
    folder: Path
    specs: Path
    runbooks: Path = RUNBOOKS
    edits: Mapping[str, Callable[[str], str]] = field(default_factory=dict)

    @asynccontextmanager
    async def stack(self, play: Play, lane: int) -> AsyncIterator[Standing]:
        """Run a stack for plays of this kind while the block lasts."""
        setup = play.fault.setup if isinstance(play.fault, Fault) else Setup()
        days = Days.after(datetime.now(UTC) + _START) if isinstance(play.fault, Daily) else None
        edits = {**self.edits, **({_ALERTMANAGER: days.put_into} if days else {})}

        def say(text: str) -> None:
            self.say(f"stack {lane}: {text}")

        async with AsyncExitStack() as closing:
            ports = Ports.free()
            stand_in = None
            if setup.stand_in:
                stand_in = await closing.enter_async_context(StandIn.running(ports.node_exporter))
                edits[_PROMETHEUS] = stand_in.put_into
            home = Home(
                path=self.folder / f"stack-{lane}",
                ports=ports,
                time_scale=play.time_scale,
                specs=self.specs,
                repeats=True,
                edits=edits,
                bot_config_edits=setup.bot_config,
                bot_environment=setup.bot,
                bot_module=setup.bot_module,
                notices=setup.notices,
            )
            say(f"starting, {play.time_scale:g} times as fast as in life")
            await empty(home, say)
            await closing.enter_async_context(running(home, _only_trouble(say)))
            freshen(home.textfile)
            session = await closing.enter_async_context(aiohttp.ClientSession())
            yield Standing(
                world=World(home, session, stand_in),
                project=scaled(self.project, play.time_scale),
                time_scale=play.time_scale,
                days=days,
            )

    async def perform(self, stack: Standing, play: Play) -> Drill:
        """Play one drill; what kept it from a verdict is in `harness` of the drill."""
        drill = self._drill(play)

        def say(text: str) -> None:
            self.say(f"{play.alert}: {text}")

        stage = Stage(project=stack.project, scale=play.time_scale, world=stack.world, drill=drill, say=say)
        alert, fault = stack.project.alerts[play.alert], play.fault
        try:
            if isinstance(fault, Daily):
                assert stack.days is not None
                await Digests(stage=stage, alert=alert, fault=fault, days=stack.days).run()
            else:
                await Scenario(
                    stage=stage, alert=alert, fault=fault, severity=drill.severity, runbooks=self.runbooks
                ).run()
            if drill.passed and not play.leaves:
                await _tidied(stack.world)
        except* UNEXPECTED as errors:
            drill.harness = "; ".join(f"{error}" or type(error).__name__ for error in leaves(errors))
            drill.mark("end")
        drill.finished = datetime.now(UTC)
        say(drill.said)
        if not drill.passed:
            print(f"\n{drill.name}, so far\n{as_table(drill)}\n", flush=True)
        return drill

    def failed(self, play: Play, error: Exception) -> Drill:
        drill = self._drill(play)
        drill.harness, drill.finished = f"its stack did not come up: {error}", datetime.now(UTC)
        self.say(f"{play.alert}: {drill.said}")
        return drill

    def _drill(self, play: Play) -> Drill:
        alert, routing, fault = self.project.alerts[play.alert], self.project.routing, play.fault
        if isinstance(fault, Daily):
            level, how, stand_in = severity_of_digest(routing, alert), "nobody, it ends by itself", ""
        else:
            level, how, stand_in = level_of(routing, alert, fault), how_mended(fault), fault.stand_in
        return Drill(
            alert=play.alert,
            severity=level,
            time_scale=play.time_scale,
            fault=fault.what,
            runbook=alert.runbook,
            mended_by=how,
            stand_in=stand_in,
        )


def how_mended(fault: Fault) -> str:
    """Say in a few words who mends a fault."""

    def words(step: Script | ByHand) -> str:
        if isinstance(step, ByHand):
            return f"by hand: {step.does}"
        return "runbook" + (f" {step.name}" if step.name else "")

    return ", then ".join(map(words, fault.mend))


async def _tidied(world: World) -> None:
    """Take away what a drill may have left: planted faults, a closed switch."""
    await world.clear_faults()
    freshen(world.home.textfile)
    status = await world.bot("GET", "/status")
    if status["switch"]["level"] != 0:
        await world.open_trading()


def _only_trouble(say: Say) -> Say:
    """Leave out that each service is ready: there are many stacks."""

    def told(text: str) -> None:
        if not text.endswith(" is ready"):
            say(text)

    return told


def leaves(errors: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    """Return what went wrong, without the groups of tasks around it."""
    found: list[BaseException] = []
    for error in errors.exceptions:
        found += leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found
