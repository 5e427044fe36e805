"""The course of a drill of an alert that the daily digest alone tells of, over two short days.

The first day has nothing to tell. On the second one alert fires and ends before the window opens, and another
one still fires then.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from config.spec.duration import Duration
from config.spec.model import Alert, Routing
from observability.names import DAILY_DIGEST
from scripts.drill.days import DAY, LINES, WINDOW, Days, listed
from scripts.drill.fault import Cause, Daily
from scripts.drill.stage import Stage, received, since
from scripts.drill.world import Json, until

# Prometheus tells Alertmanager again of what still fires once a second; a digest may say what was true then.
_STALE = timedelta(seconds=3)
_LATE_SECONDS = 30.0
_PAUSE_SECONDS = 0.5
_RECOVERY = Duration(900_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """A drill of the gravest level of an alert that no receiver is told of at once."""

    stage: Stage
    alert: Alert
    fault: Daily
    days: Days

    async def run(self) -> None:
        """Go through both days; verdicts are in the drill."""
        begin, drill = await self.stage.settled(), self.stage.drill
        drill.mark("begin", begin.at)
        await self._empty_day()
        ready = await self._alarming_day()
        opening = self.days.next_opening(ready + _STALE)
        wait = (opening - datetime.now(UTC)).total_seconds()
        self.stage.say(f"the next window opens in {wait:.0f} s")
        second = await self._digest_of(opening)
        if second:
            drill.mark("told: digest", received(second))
        self._judge(
            "digest of a day with alerts",
            second,
            firing=frozenset({self.fault.beside}),
            resolved=frozenset({self.alert.name}),
        )
        await self._told_by_digest_alone(begin.at)
        await self.stage.judge_nothing_lost()
        await self.stage.judge_harness(begin)
        await self.stage.keep_what_was_told(DAILY_DIGEST, self.days.first)

    @property
    def _beside(self) -> Alert:
        return self.stage.project.alerts[self.fault.beside]

    async def _empty_day(self) -> None:
        """Let all go well until the first digest comes; this is the negative control too."""
        world = self.stage.world
        self.stage.say(f"negative control: orders go well until a window opens, at {_clock(self.days.first)}")
        async with world.traffic(self.stage.scaled(self.fault.every)):
            digest = await world.notification(
                DAY.total_seconds() + _LATE_SECONDS, channel="email", alertname=DAILY_DIGEST
            )
        self.stage.need_taken(world.answers)
        self._judge("digest of an empty day", digest, firing=frozenset(), resolved=frozenset())
        names = f"{self.alert.name}|{self.fault.beside}"
        pending = await world.query(f'ALERTS{{alertname=~"{names}"}}')
        seen = f"{len(world.answers)} orders, {len(pending)} pending"
        self.stage.drill.judge("negative control: without the fault it stays silent", not pending, seen)

    async def _alarming_day(self) -> datetime:
        """Let one alert fire and end, and the other one fire; return when both is so."""
        firing = await self._fires(self.alert, self.fault.what, self.fault.cause)
        await self._fires(self._beside, self.fault.beside_what, self.fault.beside_cause)
        self.stage.say(f"{self.alert.name} ends, {self.fault.beside} fires on")
        longest = self.alert.detect_within.seconds + self.stage.scaled(_RECOVERY).seconds
        resolved = await until(self._resolved, longest, _PAUSE_SECONDS)
        if resolved:
            self.stage.drill.mark("resolved", resolved)
        self.stage.drill.judge_time("resolved", since(firing, resolved), None, "since firing")
        return resolved or datetime.now(UTC)

    async def _fires(self, alert: Alert, what: str, cause: Cause) -> datetime | None:
        """Do a fault until its alert fires; judge the clock."""
        world, drill, name = self.stage.world, self.stage.drill, alert.name
        severity = severity_of_digest(self.stage.project.routing, alert)
        detect = alert.detect_within.seconds
        self.stage.say(f"fault: {what}")
        broken = datetime.now(UTC)
        async with cause(world) as proof:
            drill.judge(f"the fault is live: {name}", True, proof)
            pending = await until(lambda: world.pending_since(name, severity), detect, _PAUSE_SECONDS)
            drill.judge_time(f"pending: {name}", since(broken, pending), None, "since the fault")
            firing = await until(lambda: world.firing_since(name, severity), detect, _PAUSE_SECONDS)
            drill.judge_time(f"firing: {name}", since(broken, firing), detect, "since the fault")
        if alert is self.alert and pending and firing:
            for what, moment in (("fault", broken), ("pending", pending), ("firing", firing)):
                drill.mark(what, moment)
        return firing

    async def _resolved(self) -> datetime | None:
        severity = severity_of_digest(self.stage.project.routing, self.alert)
        active = await self.stage.world.pending_since(self.alert.name, severity)
        return None if active else datetime.now(UTC)

    async def _digest_of(self, opening: datetime) -> Json | None:
        """Return the first digest after a window opens; there may be another one before it."""

        async def come() -> Json | None:
            every = await self.stage.told_since(opening)
            return next((one for one in every if one["alertname"] == DAILY_DIGEST), None)

        longest = opening - datetime.now(UTC) + WINDOW
        return await until(come, longest.total_seconds() + _LATE_SECONDS, _PAUSE_SECONDS)

    def _judge(
        self, what: str, digest: Json | None, firing: frozenset[str], resolved: frozenset[str]
    ) -> None:
        """A digest came inside its window, and lists these alerts and no others."""
        if digest is None:
            self.stage.drill.judge(what, False, "none came")
            return
        opening, told = self.days.opening(received(digest)), listed(digest["text"])
        known = self.stage.told_in_any_case()
        good = told is not None and (told[0] - known, told[1] - known) == (firing, resolved)
        after = since(opening, digest)
        when = f"{after:.1f} s after its window opened" if after is not None else "outside its window"
        seen = [when, *(line.strip() for line in digest["text"].splitlines() if line.startswith(LINES))]
        self.stage.drill.judge(what, good and after is not None and not digest["warnings"], "; ".join(seen))

    async def _told_by_digest_alone(self, begin: datetime) -> None:
        """Nobody was told of an alert by anything else, and each window had one digest."""
        every = await self.stage.told_since(begin)
        firing = {one["alertname"] for one in every if one["status"] == "firing"}
        foreign = sorted(firing - self.stage.told_in_any_case())
        seen = f"told of: {', '.join(sorted({one['alertname'] for one in every}))}"
        self.stage.drill.judge("nobody was told at once", not foreign, seen)
        digests = [one for one in await self.stage.world.notifications() if one["alertname"] == DAILY_DIGEST]
        openings = [self.days.opening(received(one)) for one in digests]
        inside = [opening for opening in openings if opening is not None]
        wanted = days_between(min(inside), max(inside)) if inside else 1
        good = len(openings) == len(set(inside)) == wanted
        seen = f"{len(digests)} digests, {len(set(inside))} of {wanted} windows had one"
        self.stage.drill.judge("one digest in each window", good, seen)


def severity_of_digest(routing: Routing, alert: Alert) -> str:
    """Return the gravest level of an alert that the digest alone tells of."""
    return next(
        name for name, route in routing.severities.items() if name in alert.levels and not route.receivers
    )


def days_between(first: datetime, last: datetime) -> int:
    """Return how many windows open from one opening to another, both counted."""
    return (last - first) // DAY + 1


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M} UTC"
