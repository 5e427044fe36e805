"""Plays one part of the day in a stack of its own, and says what was told and what nearly was."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from config.spec.duration import Duration
from config.spec.model import Project
from observability.names import DAILY_DIGEST, WATCHDOG
from observability.scale import scaled
from observability.world import jobs_of
from scripts.drill.days import Days, listed
from scripts.drill.fault import Fault
from scripts.drill.services import freshen
from scripts.drill.stage import received
from scripts.drill.world import HarnessError, World, until
from scripts.quiet_day.pending import Stretch, as_range, needed_of, stretches
from scripts.quiet_day.programme import Happening, Part, Traffic
from scripts.stack.home import Home
from scripts.stack.local import running
from scripts.stack.lock import empty
from scripts.stack.ports import Ports

Say = Callable[[str], None]
_ALERTMANAGER = "local/alertmanager.yml"
_MACHINE = "node"  # the job that looks at the machine
_SETTLE_SECONDS, _MOST_MISSED = 180.0, 0.05
_START, _DIGEST_TAKES = timedelta(seconds=20), timedelta(seconds=10)
_MISSED = "prometheus_rule_group_iterations_missed_total"
_WANTED = "prometheus_rule_group_iterations_total"


@dataclass(slots=True, kw_only=True)
class Played:
    """One part as it went. `told` is what people were told that they should not have been told.

    With `digest_due` a window of the digest opened in it.
    """

    part: str
    time_scale: float
    hours: float
    signals: int = 0
    orders: int = 0
    digests: int = 0
    digest_due: bool = True
    beats: int = 0
    happened: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    fired: list[str] = field(default_factory=list)
    pending: list[Stretch] = field(default_factory=list)
    missed: float = 0

    @property
    def is_quiet(self) -> bool:
        """Whether nobody was told of anything, nothing fired, and those who always speak did."""
        return not self.told and not self.fired and not self.silent

    @property
    def silent(self) -> list[str]:
        """What did not come, though it always does."""
        wanted = (("digest", self.digests or not self.digest_due), ("heartbeat", self.beats))
        return [name for name, came in wanted if not came]


def need_evaluated(played: Played, *, is_planted: bool) -> None:
    """Raise HarnessError if Prometheus left out so much that a part proves nothing.

    One evaluation that is left out makes RulesLate fire, and others with it: what is told then may be the
    machine's noise, unless a fault was planted to be told of.
    """
    is_noise = played.missed > 0 and not played.is_quiet and not is_planted
    if played.missed > _MOST_MISSED or is_noise:
        raise HarnessError(
            f"Prometheus left out {played.missed:.1%} of its evaluations; try a smaller --time-scale"
        )


async def play(
    project: Project, part: Part, scale: float, folder: Path, say: Say, planted: Fault | None = None
) -> Played:
    """Play a part at `scale` times the speed; with a fault planted in its middle it must not stay quiet."""
    days = Days.after(datetime.now(UTC) + _START)
    home = Home(
        path=folder / part.name,
        ports=Ports.free(),
        time_scale=scale,
        repeats=True,
        edits={_ALERTMANAGER: days.put_into},
    )
    await empty(home, say)
    async with AsyncExitStack() as closing:
        await closing.enter_async_context(running(home, lambda _: None))
        freshen(home.textfile)
        session = await closing.enter_async_context(aiohttp.ClientSession())
        stage = _Stage(World(home, session), scaled(project, scale), part, scale, days, say)
        return await stage.played(planted)


class _Stage:
    """One stack, and what happens in it."""

    def __init__(
        self, world: World, project: Project, part: Part, scale: float, days: Days, say: Say
    ) -> None:
        self._world, self._project, self._part, self._scale = world, project, part, scale
        self._days, self._say = days, say
        self._beat = project.scrape.evaluation_interval.seconds

    async def played(self, planted: Fault | None) -> Played:
        part = self._part
        played = Played(part=part.name, time_scale=self._scale, hours=part.lasts.seconds / 3600)
        begin = await self._settled()
        self._say(f"{played.hours:g} hours of life begin")
        begun = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for traffic in part.traffic:
                group.create_task(self._traffic(traffic, begun))
            for happening in part.happenings:
                group.create_task(self._happens(happening, begun, played))
            if planted:
                group.create_task(self._planted(planted, begun, played))
            await self._until(part.lasts, begun)
        await self._judge(played, begin, datetime.now(UTC))
        need_evaluated(played, is_planted=planted is not None)
        return played

    async def _settled(self) -> datetime:
        """Return once nothing fires that the start made fire, and nothing of it is still told of."""
        await self._world.until_scraped(len(self._project.scrape.jobs))
        names = set[str]()

        async def silent() -> datetime | None:
            now = {one["metric"]["alertname"] for one in await self._world.query("ALERTS")}
            names.clear()
            names.update((now | await self._world.held()) - self._always)
            return None if names else datetime.now(UTC)

        if (begin := await until(silent, _SETTLE_SECONDS)) is None:
            raise HarnessError(f"before the day begins this fires: {', '.join(sorted(names))}")
        return begin

    @property
    def _always(self) -> frozenset[str]:
        """The alerts that always fire, and those that look only at the machine, which is not ours alone."""
        alerts = self._project.alerts.values()
        of_machine = (alert.name for alert in alerts if jobs_of(self._project, alert) == {_MACHINE})
        return frozenset((WATCHDOG, DAILY_DIGEST, *of_machine))

    async def _until(self, at: Duration, begun: float) -> None:
        await asyncio.sleep(max(begun + at.scaled(self._scale).seconds - time.monotonic(), 0))

    async def _traffic(self, traffic: Traffic, begun: float) -> None:
        await self._until(traffic.begins, begun)
        async with self._world.traffic(traffic.every.scaled(self._scale)):
            await self._until(min(traffic.ends, self._part.lasts), begun)

    async def _happens(self, happening: Happening, begun: float, played: Played) -> None:
        await self._until(happening.at, begun)
        said = await happening.do(self._world)
        played.happened.append(f"{happening.at}: {happening.what}, {said}")
        self._say(f"{happening.at} of life: {happening.what}, {said}")

    async def _planted(self, fault: Fault, begun: float, played: Played) -> None:
        """Break something in the middle, and leave it so to the end."""
        middle = Duration(self._part.lasts.milliseconds // 2)
        await self._until(middle, begun)
        async with fault.cause(self._world) as proof, self._load(fault):
            played.happened.append(f"{middle}: planted: {fault.what}, {proof}")
            self._say(f"{middle} of life: planted: {fault.what}, {proof}")
            await self._until(self._part.lasts, begun)

    @asynccontextmanager
    async def _load(self, fault: Fault) -> AsyncIterator[None]:
        """Send the signals that show the fault, if it wants any."""
        async with self._world.traffic(fault.every.scaled(self._scale) if fault.every else None):
            yield

    async def _judge(self, played: Played, begin: datetime, end: datetime) -> None:
        world = self._world
        every = [one for one in await world.notifications() if received(one) > begin]
        digests = [one for one in every if one["alertname"] == DAILY_DIGEST]
        beats = await world.call("GET", world.home.url("sink", "/heartbeats"))
        played.digest_due = self._days.next_opening(begin) + _DIGEST_TAKES < end
        played.digests, played.beats = len(digests), sum(one["beats"] for one in beats)
        played.signals = len(world.answers)
        played.orders = sum(bool(answer.get("order")) for answer in world.answers)
        played.told = [*self._told(every), *self._in_digests(digests)]
        url = world.home.url("prometheus", "/api/v1/query_range")
        matrix = await world.call("GET", url, params=as_range(begin, end, self._beat))
        rules = await world.call("GET", world.home.url("prometheus", "/api/v1/rules"))
        held = stretches(matrix["data"]["result"], needed_of(rules), self._beat, self._scale)
        played.pending = [one for one in held if one.alert not in (WATCHDOG, DAILY_DIGEST)]
        played.fired = sorted(
            {f"{one.alert} ({one.severity})" for one in held if one.fired and one.alert not in self._always}
        )
        played.missed = await self._missed(begin, end)

    def _told(self, every: Iterable[dict[str, Any]]) -> list[str]:
        return [
            f"{one['channel']}: {one['title'] or one['alertname']}"
            for one in every
            if not set(one["alertname"].split(", ")) <= self._always
        ]

    def _in_digests(self, digests: Iterable[dict[str, Any]]) -> list[str]:
        """Return what the digests list beside the machine: on a quiet day they have nothing to tell."""
        found = []
        for digest in digests:
            if (names := listed(digest["text"])) is None:
                found.append(f"a digest that cannot be read: {digest['title']}")
            elif told := sorted((names[0] | names[1]) - self._always):
                found.append(f"the digest lists {', '.join(told)}")
        return found

    async def _missed(self, begin: datetime, end: datetime) -> float:
        """Return the share of evaluations that Prometheus left out, also over its restarts."""
        length = f"{max(round((end - begin).total_seconds() * 1000), 1)}ms"

        async def count(name: str) -> float:
            found = await self._world.query(f"sum(increase({name}[{length}]))")
            return float(found[0]["value"][1]) if found else 0.0

        wanted = await count(_WANTED)
        return await count(_MISSED) / wanted if wanted else 1.0
