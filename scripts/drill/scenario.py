"""The course of a drill: calm, fault, firing, told, fires on, mended, resolved, told."""

import asyncio
import re
from collections.abc import Collection, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from config.spec.duration import Duration
from config.spec.model import Alert, Routing
from scripts.drill.fault import Fault
from scripts.drill.mending import Mending
from scripts.drill.runbook import RUNBOOKS
from scripts.drill.stage import Stage, received, since
from scripts.drill.verdict import Promise
from scripts.drill.world import Json, until

# How the sink calls what a kind of receiver sends.
_CHANNELS = {"pagerduty": "pagerduty", "sns": "sns", "email": "email", "webhook": "webhook"}
_SMS_LENGTH = 160
_LATE_SECONDS = 5.0
_EARLY_SECONDS = 5.0  # people may be told of an end before the drill has asked for it
_LEAST_HOLD = 1.0  # in drill time: the rules are evaluated several times in it, however fast the drill
_DIGEST = "digest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A drill of one level of one alert; the runbooks are those of the folder `runbooks`."""

    stage: Stage
    alert: Alert
    fault: Fault
    severity: str
    runbooks: Path = RUNBOOKS

    async def run(self) -> None:
        """Go through the whole course; verdicts are in the drill."""
        stage, drill = self.stage, self.stage.drill
        begin = await stage.settled()
        drill.mark("begin", begin.at)
        await self._calm(begin.at)
        stage.say(f"fault: {self.fault.what}")
        before, broken = await stage.world.latest(), datetime.now(UTC)
        drill.mark("fault", broken)
        async with AsyncExitStack() as cause:
            proof = await cause.enter_async_context(self.fault.cause(stage.world))
            drill.judge("the fault is live", True, proof, Promise.LIVE)
            async with stage.world.traffic(self._every()):
                told = await self._told(broken, before)
                if drill.moment("firing"):
                    await self._fires_on()
            if drill.moment("firing"):
                await self._mended(told, cause)
        await stage.judge_nothing_lost()
        await self._nothing_else(begin.at)
        if not self.fault.misses_evaluations:
            await stage.judge_harness(begin)
        await stage.keep_what_was_told(self.alert.name, broken)
        drill.mark("end")

    @property
    def channels(self) -> list[str]:
        """The ways on which this level reaches people at once; none if the digest alone tells of it."""
        routing = self.stage.project.routing
        return [
            _CHANNELS[routing.receivers[name].kind] for name in routing.severities[self.severity].receivers
        ]

    @property
    def deliver(self) -> float:
        return self.stage.project.routing.severities[self.severity].deliver_within.seconds

    def _every(self, times: int = 1) -> Duration | None:
        """Return the time between two signals, or between so many times as many; None sends none."""
        every = self.fault.every
        return every and self.stage.scaled(every).scaled(times)

    async def _calm(self, begin: datetime) -> None:
        stage, world, calm = self.stage, self.stage.world, self.fault.calm
        stage.say(f"negative control: {calm} without the fault")
        before = len(world.answers)
        async with world.traffic(self._every()):
            await asyncio.sleep(stage.scaled(calm).seconds)
        answers = world.answers[before:]
        if self.fault.every:
            stage.need_taken(answers)
        # On a busy machine a scrape may come too late; that is over at the next one, and no fault.
        is_over = await until(self._resolved, self.alert.detect_within.seconds) is not None
        fired = await world.query(self._fired_since(begin))
        told = [one for one in await stage.told_since(begin) if self._is_ours(one, "firing")]
        seen = f"{len(answers)} orders, {len(fired)} fired, {len(told)} told"
        stage.drill.judge(
            "negative control: without the fault it stays silent",
            is_over and not fired and not told,
            seen if is_over else f"{seen}, still pending",
            Promise.SILENT,
        )

    def _fired_since(self, begin: datetime) -> str:
        length = round((datetime.now(UTC) - begin).total_seconds() * 1000)
        return f'max_over_time(ALERTS{{alertname="{self.alert.name}",alertstate="firing"}}[{length}ms])'

    async def _told(self, begin: datetime, before: int) -> dict[str, Json]:
        """Wait until everybody was told, which this returns by channel; judge both clocks."""
        world, drill, detect = self.stage.world, self.stage.drill, self.alert.detect_within.seconds
        pending = await until(lambda: world.pending_since(self.alert.name, self.severity), detect)
        drill.judge_time("pending", since(begin, pending), None, "since the fault")
        firing = pending and await until(lambda: world.firing_since(self.alert.name, self.severity), detect)
        drill.judge_time("firing", since(begin, firing), detect, "since the fault")
        told: dict[str, Json] = {}
        if not pending or not firing:
            return told
        drill.mark("pending", pending)
        drill.mark("firing", firing)
        for channel in self.channels:
            one = await self._notification(channel, "firing", before)
            seconds = since(firing, one)
            drill.judge_time(
                f"delivered: {channel}", seconds, self.deliver, "since firing", Promise.DELIVERED
            )
            if one:
                drill.mark(f"told: {channel}", received(one))
                told[channel] = one
        if not self.channels:
            await self._listed(firing)
        await self._says_what_matters(told)
        return told

    async def _listed(self, firing: datetime) -> None:
        """The digest, which is told once a day, lists it."""
        listed = await until(lambda: self.stage.world.in_digest(self.alert.name), _LATE_SECONDS)
        seconds = since(firing, listed)
        self.stage.drill.judge_time(
            "listed in the digest", seconds, self.deliver, "since firing", Promise.DELIVERED
        )
        if listed:
            self.stage.drill.mark(f"told: {_DIGEST}", listed)

    async def _notification(self, channel: str, status: str, after: int) -> Json | None:
        """Wait a little longer than promised, so that what comes late is told from what never comes.

        What the sink held before does not count: the start of a stack may make the alert fire too.
        """
        match = {"channel": channel, "status": status, "alertname": self.alert.name}
        return await self.stage.world.notification(self.deliver + _LATE_SECONDS, after=str(after), **match)

    def _is_ours(self, notification: Json, status: str) -> bool:
        return (notification["alertname"], notification["status"]) == (self.alert.name, status)

    async def _says_what_matters(self, told: dict[str, Json]) -> None:
        labels = self.stage.project.measures[self.alert.measure].by
        for channel, one in told.items():
            text = f"{one['title']} {one['text']} {one['raw']}"
            wanted = {
                "alert": re.escape(self.alert.name),
                "severity": self.severity,
                "summary with its values": filled(self.alert.summary, labels),
                "runbook": re.escape(self.alert.runbook),
            }
            missing = [name for name, part in wanted.items() if not re.search(part, text, re.IGNORECASE)]
            problems = [*(f"no {name}" for name in missing), *one["warnings"]]
            if channel == "sns" and len(one["text"]) > _SMS_LENGTH:
                problems.append(f"{len(one['text'])} characters")
            self.stage.drill.judge(f"text: {channel}", not problems, "; ".join(problems) or one["title"])
            if one["links"]:
                statuses = await self.stage.world.links(one)
                bad = [f"{href} {status}" for href, status in statuses.items() if status != 200]
                self.stage.drill.judge(f"links: {channel}", not bad, "; ".join(bad or statuses))

    async def _fires_on(self) -> None:
        """Do nothing for a while: what ends by itself needs no runbook."""
        seconds = max(self.stage.scaled(self.fault.holds).seconds, _LEAST_HOLD)
        self.stage.say(f"negative control: nothing is done for {self.fault.holds}")
        over = await until(self._resolved, seconds)
        seen = "it ended by itself" if over else f"it fires after {self.fault.holds} without anybody"
        self.stage.drill.judge("negative control: it fires on", over is None, seen, Promise.HOLDS)

    async def _mended(self, told: dict[str, Json], cause: AsyncExitStack) -> None:
        """Mend the fault as the spec says, and wait until everybody was told of the end."""
        stage, drill, begin = self.stage, self.stage.drill, datetime.now(UTC)
        drill.mark("mending", begin)
        mending = Mending(stage=stage, runbook=self.alert.runbook, folder=self.runbooks, cause=cause)
        async with stage.world.traffic(self._every(self.fault.recovery)):
            watch = asyncio.create_task(self._end_of(begin))
            try:
                for step in self.fault.mend:
                    await mending.do(step)
                mended = datetime.now(UTC)
                window = stage.scaled(self.fault.over_within).seconds
                # What a script waits for in life's time comes on top.
                allowed = (mended - begin).total_seconds() + window
                async with asyncio.timeout(window + _LATE_SECONDS):
                    resolved = await watch
            except TimeoutError:
                resolved = None
            finally:
                watch.cancel()
            drill.judge_time(
                "resolved", since(begin, resolved), allowed, "since the mending began", Promise.RESOLVED
            )
            if resolved is None:
                return
            drill.mark("resolved", resolved)
            for channel, before in told.items():
                one = await self._told_of_the_end(channel, before, resolved)
                after, what = since(resolved, one), f"delivered: {channel} resolved"
                drill.judge_time(what, after, self.deliver, "since resolved", Promise.TOLD)
                if one:
                    drill.mark(f"told of the end: {channel}", received(one))

    async def _told_of_the_end(self, channel: str, before: Json, resolved: datetime) -> Json | None:
        """Return the first word of this end; a scrape that came too late may have made another one before."""
        one = await self._notification(channel, "resolved", before["id"])
        while one and received(one) < resolved - timedelta(seconds=_EARLY_SECONDS):
            one = await self._notification(channel, "resolved", one["id"])
        return one

    async def _end_of(self, begin: datetime) -> datetime:
        while (over := await until(self._resolved, _LATE_SECONDS)) is None:
            pass
        return over

    async def _resolved(self) -> datetime | None:
        """Return now once Prometheus has let the level go: it keeps no stamp of that."""
        active = await self.stage.world.pending_since(self.alert.name, self.severity)
        return None if active else datetime.now(UTC)

    async def _nothing_else(self, begin: datetime) -> None:
        """Nobody was told of anything but this alert, and its lesser levels not while the gravest fired."""
        ours = {self.alert.name, *self.fault.beside, *self.stage.told_in_any_case()}
        every = await self.stage.told_since(begin)
        foreign = sorted({one["alertname"] for one in every if one["status"] == "firing"} - ours)
        # They are free when the gravest has ended; that it has is told when its group is looked at again.
        look = self.stage.project.routing.severities[self.severity].group_interval
        ranks = list(self.stage.project.routing.severities)
        graver = ranks[: ranks.index(self.severity)]
        told = [one for one in every if one["alertname"] == self.alert.name and one["severity"] not in graver]
        early = too_early(
            told,
            self.severity,
            timedelta(seconds=look.seconds),
            lesser_levels_first(self.alert, self.severity),
        )
        seen = f"told of: {', '.join(sorted({one['alertname'] for one in every}))}"
        self.stage.drill.judge("nothing else was told", not foreign, seen, Promise.ALONE)
        self.stage.drill.judge(
            "lesser levels waited for the gravest", not early, f"{len(early)} came early", Promise.ALONE
        )


def level_of(routing: Routing, alert: Alert, fault: Fault) -> str:
    """Return the level that is drilled: the gravest that somebody is told of at once, or the gravest."""
    told = (name for name, route in routing.severities.items() if name in alert.levels and route.receivers)
    return fault.level or next(told, "") or next(name for name in routing.severities if name in alert.levels)


def severity_told_at_once(routing: Routing, alert: Alert) -> str:
    """Return the gravest level of an alert that somebody is told of at once."""
    return next(
        name for name, route in routing.severities.items() if name in alert.levels and route.receivers
    )


def lesser_levels_first(alert: Alert, gravest: str) -> bool:
    """Whether a lesser level may fire before the gravest, because it waits no longer."""
    waits = {name: level.for_.milliseconds for name, level in alert.levels.items()}
    return any(wait <= waits[gravest] for name, wait in waits.items() if name != gravest)


def too_early(
    told: Iterable[Json], gravest: str, look: timedelta = timedelta(0), lesser_first: bool = False
) -> list[Json]:
    """Return what lesser levels of an alert told before the gravest one, having fired, had ended.

    The word of that end may be so late as Alertmanager takes from one `look` at a group to the next. With
    `lesser_first` they may speak before the gravest fires.
    """
    early, has_fired = [], False
    for one in sorted(told, key=received):
        if one["severity"] not in ("", gravest):
            early += [one] if has_fired or not lesser_first else []
        elif one["status"] == "firing":
            has_fired = True
        elif has_fired:
            return [lesser for lesser in early if received(lesser) < received(one) - look]
    return early


def filled(summary: str, labels: Collection[str] = ()) -> str:
    """Return a pattern of the summary with a value where its placeholders stand.

    It is a number, with a unit or as a length of time (1m 2s), or a label's.
    """

    def value(placeholder: re.Match[str]) -> str:
        return r"[\w.:/-]+" if placeholder[1] in labels else r"-?\d[\w.%]*(?: \d+[dhms])*"

    return re.sub(r"\\\{(\w+)\\\}", value, re.escape(summary))
