"""The course of a drill: calm, fault, pending, firing, told, mended, resolved, told, nothing lost."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from config.spec.duration import Duration
from config.spec.model import Alert, Project
from observability.names import DAILY_DIGEST, WATCHDOG
from observability.world import jobs_of
from scripts.drill.faults import Fault
from scripts.drill.verdict import Drill
from scripts.drill.world import HarnessError, Json, World, until

# How the sink calls what a kind of receiver sends.
_CHANNELS = {"pagerduty": "pagerduty", "sns": "sns", "email": "email", "webhook": "webhook"}
_SMS_LENGTH = 160
_LATE_SECONDS = 5.0
_RECOVERY_SECONDS = 300.0
_SETTLE_SECONDS = 60.0
_MACHINE = "node"  # the job that looks at the machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A drill of one alert; `project` is scaled already."""

    project: Project
    alert: Alert
    fault: Fault
    scale: float
    world: World
    drill: Drill
    say: Callable[[str], None]

    async def run(self) -> None:
        """Go through the whole course; verdicts are in `drill`."""
        await self.world.until_scraped(len(self.project.scrape.jobs))
        begin = await self._settled()
        await self._calm()
        broken = await self._break()
        told = await self._told(broken)
        await self._mend(told)
        await self._nothing_lost()
        await self._nothing_else(begin)
        await self._harness_kept_up()

    @property
    def severity(self) -> str:
        """The gravest level of the alert that somebody is told of at once."""
        severities = self.project.routing.severities
        return next(name for name in severities if name in self.alert.levels and severities[name].receivers)

    @property
    def channels(self) -> list[str]:
        """The ways on which the gravest level reaches people."""
        receivers = self.project.routing.severities[self.severity].receivers
        return [_CHANNELS[self.project.routing.receivers[name].kind] for name in receivers]

    def _every(self, times: int = 1) -> Duration:
        return self.fault.every.scaled(self.scale * times)

    async def _settled(self) -> datetime:
        """Return once nothing fires that the start of the stack made fire: it takes minutes of life."""
        known = "|".join((WATCHDOG, DAILY_DIGEST, *self._of_this_machine()))
        firing = f'ALERTS{{alertname!~"{known}"}}'

        async def silent() -> datetime | None:
            return None if await self.world.query(firing) else datetime.now(UTC)

        begin = await until(silent, _SETTLE_SECONDS)
        if begin is None:
            names = ", ".join(sorted({one["metric"]["alertname"] for one in await self.world.query(firing)}))
            raise HarnessError(f"before any fault this fires: {names}")
        return begin

    def _of_this_machine(self) -> list[str]:
        """Return the alerts that look only at the machine, which is not the drill's alone and may be busy."""
        alerts = self.project.alerts.values()
        return [alert.name for alert in alerts if jobs_of(self.project, alert) == {_MACHINE}]

    async def _calm(self) -> None:
        calm = self.fault.calm
        self.say(f"negative control: {calm} of orders that go well")
        async with self.world.traffic(self._every()):
            await asyncio.sleep(calm.scaled(self.scale).seconds)
        self._need(_states(self.world.answers), {"filled", "pending"}, "before the fault")
        pending = await self.world.query(f'ALERTS{{alertname="{self.alert.name}"}}')
        told = [one for one in await self.world.notifications() if one["alertname"] == self.alert.name]
        seen = f"{len(self.world.answers)} orders, {len(pending)} pending, {len(told)} told"
        self.drill.judge(
            "negative control: without the fault it stays silent", not pending and not told, seen
        )

    async def _break(self) -> datetime:
        self.say(f"fault: {self.fault.simulator}")
        await self.world.set_fault(self.fault.simulator)
        begin = datetime.now(UTC)
        answer = await self.world.send_signal()
        self._need(_states([answer]), {"rejected"}, "after the fault")
        self.drill.judge("the fault is live: an order is rejected", True, str(answer["order"]["reason"])[:60])
        return begin

    async def _told(self, begin: datetime) -> dict[str, Json]:
        """Let orders fail until everybody was told; judge both clocks. Returns what was told, by channel."""
        detect = self.alert.detect_within.seconds
        deliver = self.project.routing.severities[self.severity].deliver_within.seconds
        async with self.world.traffic(self._every()):
            pending = await until(lambda: self.world.pending_since(self.alert.name, self.severity), detect)
            self.drill.judge_time("pending", _since(begin, pending), None, "since the fault")
            firing = await until(lambda: self.world.firing_since(self.alert.name, self.severity), detect)
            self.drill.judge_time("firing", _since(begin, firing), detect, "since the fault")
            told = {}
            for channel in self.channels if firing else ():
                one = await self._notification(channel, "firing")
                self.drill.judge_time(f"delivered: {channel}", _since(firing, one), deliver, "since firing")
                if one:
                    told[channel] = one
        await self._says_what_matters(told)
        return told

    async def _notification(self, channel: str, status: str) -> Json | None:
        """Wait a little longer than promised, so that what comes late is told from what never comes."""
        deliver = self.project.routing.severities[self.severity].deliver_within.seconds
        within = deliver + _LATE_SECONDS
        return await self.world.notification(
            within, channel=channel, status=status, alertname=self.alert.name
        )

    async def _says_what_matters(self, told: dict[str, Json]) -> None:
        for channel, one in told.items():
            text = f"{one['title']} {one['text']} {one['raw']}"
            wanted = {
                "alert": re.escape(self.alert.name),
                "severity": self.severity,
                "summary with its value": _filled(self.alert.summary),
                "runbook": re.escape(self.alert.runbook),
            }
            missing = [name for name, part in wanted.items() if not re.search(part, text, re.IGNORECASE)]
            problems = [*(f"no {name}" for name in missing), *one["warnings"]]
            if channel == "sns" and len(one["text"]) > _SMS_LENGTH:
                problems.append(f"{len(one['text'])} characters")
            self.drill.judge(f"text: {channel}", not problems, "; ".join(problems) or one["title"])
            if one["links"]:
                statuses = await self.world.links(one)
                bad = [f"{href} {status}" for href, status in statuses.items() if status != 200]
                self.drill.judge(f"links: {channel}", not bad, "; ".join(bad or statuses))

    async def _mend(self, told: dict[str, Json]) -> None:
        """Take the fault away, let good orders thin the failures out, and wait until everybody was told."""
        self.say("the fault is taken away")
        await self.world.clear_faults()
        mended = datetime.now(UTC)
        deliver = self.project.routing.severities[self.severity].deliver_within.seconds
        async with self.world.traffic(self._every(self.fault.recovery)):
            resolved = await until(self._resolved, _RECOVERY_SECONDS)
            self.drill.judge_time("resolved", _since(mended, resolved), None, "since it was mended")
            for channel in told:
                one = await self._notification(channel, "resolved")
                after = _since(resolved, one)
                self.drill.judge_time(f"delivered: {channel} resolved", after, deliver, "since resolved")

    async def _resolved(self) -> datetime | None:
        """Return now once Prometheus has let the level go: it keeps no stamp of that."""
        active = await self.world.pending_since(self.alert.name, self.severity)
        return None if active else datetime.now(UTC)

    async def _nothing_lost(self) -> None:
        """Every signal became one order; the exchange has each that was taken once, and no other."""
        orders = [answer["order"] for answer in self.world.answers]
        taken = [order["client_id"] for order in orders if order["state"] in ("filled", "pending")]
        book = Counter(order["clientOrderId"] for order in await self.world.book())
        doubled = [name for name, count in book.items() if count > 1]
        lost, foreign = set(taken) - set(book), set(book) - set(taken)
        good = not doubled and not lost and not foreign and len(set(taken)) == len(taken)
        seen = (
            f"{len(orders)} signals, {len(taken)} taken, {len(book)} in the book, "
            f"{len(doubled)} doubled, {len(lost)} lost, {len(foreign)} foreign"
        )
        self.drill.judge("no order lost or doubled", good, seen)

    async def _nothing_else(self, begin: datetime) -> None:
        """Nobody was told of anything but this alert; its lesser levels only after the gravest had ended."""
        ours = {self.alert.name, WATCHDOG, DAILY_DIGEST, *self._of_this_machine()}
        every = [one for one in await self.world.notifications() if _received(one) > begin]
        foreign = sorted({one["alertname"] for one in every if one["status"] == "firing"} - ours)
        ends = [
            _received(one)
            for one in every
            if one["severity"] == self.severity and one["status"] == "resolved"
        ]
        early = [
            one
            for one in every
            if one["alertname"] == self.alert.name
            and one["severity"] not in ("", self.severity)
            and (not ends or _received(one) < min(ends))
        ]
        seen = f"told of: {', '.join(sorted({one['alertname'] for one in every}))}"
        self.drill.judge("nothing else was told", not foreign, seen)
        self.drill.judge("lesser levels waited for the gravest", not early, f"{len(early)} came early")

    async def _harness_kept_up(self) -> None:
        missed = await self.world.query("sum(prometheus_rule_group_iterations_missed_total)")
        count = float(missed[0]["value"][1]) if missed else 0
        if count:
            raise HarnessError(f"Prometheus missed {count:g} evaluations; try a smaller --time-scale")

    def _need(self, states: set[str], wanted: set[str], when: str) -> None:
        if not states or not states <= wanted:
            seen, allowed = ", ".join(sorted(states)) or "none", ", ".join(sorted(wanted))
            raise HarnessError(f"orders {when} are {seen}; expected {allowed}")


def _filled(summary: str) -> str:
    """Return a pattern of the summary with a number where its placeholders stand."""
    return re.sub(r"\\\{\w+\\\}", lambda _: r"-?\d[\w.%]*", re.escape(summary))


def _states(answers: list[Json]) -> set[str]:
    return {str((answer.get("order") or {}).get("state", answer.get("verdict"))) for answer in answers}


def _received(notification: Json) -> datetime:
    return datetime.fromisoformat(notification["received_at"])


def _since(begin: datetime | None, moment: datetime | Json | None) -> float | None:
    """Return the seconds from `begin` to a moment, or to the arrival of a notification."""
    if begin is None or moment is None:
        return None
    return ((moment if isinstance(moment, datetime) else _received(moment)) - begin).total_seconds()
