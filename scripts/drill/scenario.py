"""The course of a drill of an alert told at once: calm, fault, firing, told, mended, resolved, told."""

import asyncio
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from config.spec.duration import Duration
from config.spec.model import Alert, Routing
from scripts.drill.fault import Fault
from scripts.drill.stage import Stage, received, since
from scripts.drill.world import Json, until

# How the sink calls what a kind of receiver sends.
_CHANNELS = {"pagerduty": "pagerduty", "sns": "sns", "email": "email", "webhook": "webhook"}
_SMS_LENGTH = 160
_LATE_SECONDS = 5.0
_RECOVERY_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A drill of the gravest level of one alert."""

    stage: Stage
    alert: Alert
    fault: Fault

    async def run(self) -> None:
        """Go through the whole course; verdicts are in the drill."""
        begin = await self.stage.settled()
        await self._calm(begin.at)
        self.stage.say(f"fault: {self.fault.what}")
        broken = datetime.now(UTC)
        async with self.fault.cause(self.stage.world) as proof:
            self.stage.drill.judge("the fault is live", True, proof)
            told = await self._told(broken)
        await self._mended(told)
        await self.stage.judge_nothing_lost()
        await self._nothing_else(begin.at)
        await self.stage.judge_harness(begin)
        await self.stage.keep_what_was_told(self.alert.name, broken)

    @property
    def severity(self) -> str:
        return severity_told_at_once(self.stage.project.routing, self.alert)

    @property
    def channels(self) -> list[str]:
        """The ways on which the gravest level reaches people."""
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
        world, calm = self.stage.world, self.fault.calm
        self.stage.say(f"negative control: {calm} of orders that go well")
        async with world.traffic(self._every()):
            await asyncio.sleep(self.stage.scaled(calm).seconds)
        self.stage.need_taken(world.answers)
        # On a busy machine a scrape may come too late; that is over at the next one, and no fault.
        is_over = await until(self._resolved, self.alert.detect_within.seconds) is not None
        fired = await world.query(self._fired_since(begin))
        told = [one for one in await self.stage.told_since(begin) if self._is_ours(one, "firing")]
        seen = f"{len(world.answers)} orders, {len(fired)} fired, {len(told)} told"
        self.stage.drill.judge(
            "negative control: without the fault it stays silent",
            is_over and not fired and not told,
            seen if is_over else f"{seen}, still pending",
        )

    def _fired_since(self, begin: datetime) -> str:
        length = round((datetime.now(UTC) - begin).total_seconds() * 1000)
        return f'max_over_time(ALERTS{{alertname="{self.alert.name}",alertstate="firing"}}[{length}ms])'

    async def _told(self, begin: datetime) -> dict[str, Json]:
        """Let the fault last until everybody was told, which this returns by channel; judge both clocks."""
        world, drill, detect = self.stage.world, self.stage.drill, self.alert.detect_within.seconds
        before = await world.latest()
        async with world.traffic(self._every()):
            pending = await until(lambda: world.pending_since(self.alert.name, self.severity), detect)
            drill.judge_time("pending", since(begin, pending), None, "since the fault")
            firing = await until(lambda: world.firing_since(self.alert.name, self.severity), detect)
            drill.judge_time("firing", since(begin, firing), detect, "since the fault")
            told = {}
            for channel in self.channels if firing else ():
                one = await self._notification(channel, "firing", before)
                drill.judge_time(f"delivered: {channel}", since(firing, one), self.deliver, "since firing")
                if one:
                    told[channel] = one
        await self._says_what_matters(told)
        return told

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

    async def _mended(self, told: dict[str, Json]) -> None:
        """Let good orders thin the failures out, and wait until everybody was told."""
        self.stage.say("the fault is taken away")
        mended, drill = datetime.now(UTC), self.stage.drill
        async with self.stage.world.traffic(self._every(self.fault.recovery)):
            resolved = await until(self._resolved, _RECOVERY_SECONDS)
            drill.judge_time("resolved", since(mended, resolved), None, "since it was mended")
            for channel, before in told.items():
                one = await self._notification(channel, "resolved", before["id"])
                after = since(resolved, one)
                drill.judge_time(f"delivered: {channel} resolved", after, self.deliver, "since resolved")

    async def _resolved(self) -> datetime | None:
        """Return now once Prometheus has let the level go: it keeps no stamp of that."""
        active = await self.stage.world.pending_since(self.alert.name, self.severity)
        return None if active else datetime.now(UTC)

    async def _nothing_else(self, begin: datetime) -> None:
        """Nobody was told of anything but this alert; its lesser levels only after the gravest had ended."""
        ours = {self.alert.name, *self.stage.told_in_any_case()}
        every = await self.stage.told_since(begin)
        foreign = sorted({one["alertname"] for one in every if one["status"] == "firing"} - ours)
        # They are free when the gravest has ended; that it has is told when its group is looked at again.
        look = self.stage.project.routing.severities[self.severity].group_interval
        told = [one for one in every if one["alertname"] == self.alert.name]
        early = too_early(told, self.severity, timedelta(seconds=look.seconds))
        seen = f"told of: {', '.join(sorted({one['alertname'] for one in every}))}"
        self.stage.drill.judge("nothing else was told", not foreign, seen)
        self.stage.drill.judge("lesser levels waited for the gravest", not early, f"{len(early)} came early")


def severity_told_at_once(routing: Routing, alert: Alert) -> str:
    """Return the gravest level of an alert that somebody is told of at once."""
    return next(
        name for name, route in routing.severities.items() if name in alert.levels and route.receivers
    )


def too_early(told: Iterable[Json], gravest: str, look: timedelta = timedelta(0)) -> list[Json]:
    """Return what lesser levels of an alert told before the gravest one, having fired, had ended.

    The word of that end may be so late as Alertmanager takes from one `look` at a group to the next.
    """
    early, has_fired = [], False
    for one in sorted(told, key=received):
        if one["severity"] not in ("", gravest):
            early.append(one)
        elif one["status"] == "firing":
            has_fired = True
        elif has_fired:
            return [lesser for lesser in early if received(lesser) < received(one) - look]
    return early


def filled(summary: str, labels: Collection[str] = ()) -> str:
    """Return a pattern of the summary with a value where its placeholders stand: a number, or a label's."""

    def value(placeholder: re.Match[str]) -> str:
        return r"[\w.:/-]+" if placeholder[1] in labels else r"-?\d[\w.%]*"

    return re.sub(r"\\\{(\w+)\\\}", value, re.escape(summary))
