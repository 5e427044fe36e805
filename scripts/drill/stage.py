"""What every drill begins and ends with: a stack that has settled, no order lost, a harness that kept up."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from config.spec.duration import Duration
from config.spec.model import Project
from observability.names import DAILY_DIGEST, WATCHDOG
from observability.world import jobs_of
from scripts.drill.verdict import Drill, Message, Promise
from scripts.drill.world import HarnessError, Json, World, until

_SETTLE_SECONDS = 60.0
# In which errors of a start are over: those of the database are remembered for twenty minutes.
_SETTLE = Duration(1_800_000)
_MACHINE = "node"  # the job that looks at the machine
_MOST_MISSED = 0.05
_KEPT = ("received_at", "channel", "status", "title", "text")
TAKEN = ("filled", "pending")
_OVER = ("cancelled",)
_ACCOUNTS_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluations:
    """How many evaluations were due since Prometheus started, and how many of them it left out."""

    wanted: float
    missed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """When nothing fired any more, and what Prometheus had evaluated by then."""

    at: datetime
    evaluations: Evaluations


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """What the bot keeps of orders beside the book of the exchange; each is a set of client ids."""

    stored: int
    taken: int
    booked: int
    doubled: frozenset[str]
    lost: frozenset[str]
    foreign: frozenset[str]
    unknown: frozenset[str]

    @classmethod
    def of(cls, stored: Iterable[Json], book: Iterable[str], told: Iterable[str]) -> "Accounts":
        """Compare orders as the bot keeps them with the exchange's book, and with what senders were told."""
        states = {order["client_id"]: order["state"] for order in stored}
        signals = Counter(order["signal_id"] for order in stored)
        booked = Counter(book)
        doubled = [name for name, count in booked.items() if count > 1]
        doubled += [order["client_id"] for order in stored if signals[order["signal_id"]] > 1]
        taken = {name for name, state in states.items() if state in TAKEN}
        return cls(
            stored=len(states),
            taken=len(taken),
            booked=booked.total(),
            doubled=frozenset(doubled),
            lost=frozenset(taken - set(booked)) | (set(told) - set(states)),
            foreign=frozenset(name for name in booked if states.get(name) not in (*TAKEN, *_OVER)),
            unknown=frozenset(name for name, state in states.items() if state in ("intent", "unknown")),
        )

    @property
    def agree(self) -> bool:
        return not (self.doubled or self.lost or self.foreign or self.unknown)

    @property
    def said(self) -> str:
        wrong = ("doubled", "lost", "foreign", "unknown")
        return f"{self.stored} orders, {self.taken} taken, {self.booked} in the book, " + ", ".join(
            f"{len(getattr(self, name))} {name}" for name in wrong
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stack in which a drill takes place; `project` is scaled already."""

    project: Project
    scale: float
    world: World
    drill: Drill
    say: Callable[[str], None]

    def scaled(self, length: Duration) -> Duration:
        return length.scaled(self.scale)

    async def settled(self) -> Begin:
        """Return once all is scraped and nothing fires that the start made fire: it takes minutes of life."""
        await self.world.until_scraped(len(self.project.scrape.jobs))
        names: set[str] = set()

        async def silent() -> datetime | None:
            # Of others only what fires; Alertmanager too: what it still holds it may still tell.
            ours = f'ALERTS{{alertname="{self.drill.alert}"}}'
            active = await self.world.query(f'ALERTS{{alertstate="firing"}} or {ours}')
            names_now = {one["metric"]["alertname"] for one in active}
            now = (names_now | await self.world.held()) - self.told_in_any_case()
            names.clear()
            names.update(now)
            return None if names else datetime.now(UTC)

        longest = max(_SETTLE_SECONDS, self.scaled(_SETTLE).seconds)
        begin = await until(silent, longest)
        if begin is None:
            raise HarnessError(f"before any fault this fires: {', '.join(sorted(names))}")
        return Begin(at=begin, evaluations=await self._evaluations())

    def told_in_any_case(self) -> frozenset[str]:
        """Return the alerts that always fire, and those that look only at the machine.

        The machine is not the drill's alone, and may be busy.
        """
        alerts = self.project.alerts.values()
        of_machine = {alert.name for alert in alerts if jobs_of(self.project, alert) == {_MACHINE}}
        return frozenset({WATCHDOG, DAILY_DIGEST} | (of_machine - {self.drill.alert}))

    async def told_since(self, begin: datetime) -> list[Json]:
        return [one for one in await self.world.notifications() if received(one) > begin]

    async def keep_what_was_told(self, alert: str, begin: datetime) -> None:
        """Put into the report what people were told of an alert."""
        self.drill.told += [
            Message(**{name: str(one[name]) for name in _KEPT})
            for one in await self.told_since(begin)
            if one["alertname"] == alert
        ]

    async def judge_nothing_lost(self) -> None:
        """No signal became two orders; the exchange has each that was taken once, and no other.

        What was on its way when something broke is settled by asking, which takes the bot some seconds.
        """
        accounts = await until(self._accounts_agree, _ACCOUNTS_SECONDS) or await self._accounts()
        seen = f"{len(self.world.answers)} signals, {accounts.said}"
        self.drill.judge("no order lost or doubled", accounts.agree, seen, Promise.ORDERS)

    async def _accounts_agree(self) -> Accounts | None:
        accounts = await self._accounts()
        return accounts if accounts.agree else None

    async def _accounts(self) -> Accounts:
        book = await self.world.book()
        ours = [order for order in book if str(order.get("orderId")) not in self.world.foreign]
        told = [answer["order"]["client_id"] for answer in self.world.answers if answer.get("order")]
        # Protective orders carry no id of ours.
        names = [order["clientOrderId"] for order in ours if order["clientOrderId"]]
        return Accounts.of(await self.world.stored(), names, told)

    def need_taken(self, answers: Iterable[Json]) -> None:
        """Raise HarnessError unless each of some signals, at least one, became an order that was taken."""
        states = {str((answer.get("order") or {}).get("state", answer.get("verdict"))) for answer in answers}
        if not states or not states <= set(TAKEN):
            seen = ", ".join(sorted(states)) or "none"
            raise HarnessError(f"orders without a fault are {seen}; expected {' or '.join(TAKEN)}")

    async def judge_harness(self, begin: Begin) -> None:
        """Raise HarnessError if Prometheus left out so many evaluations that the drill says nothing.

        One that is left out makes an alert late, never early. So a drill that passed has passed all the same,
        unless so many are missing that silence proves nothing; and one that failed may have failed for that.
        """
        now = await self._evaluations()
        missed, wanted = now.missed - begin.evaluations.missed, now.wanted - begin.evaluations.wanted
        seen = f"{missed:g} of {wanted:g} left out"
        if missed > wanted * _MOST_MISSED or (missed and not self.drill.passed):
            raise HarnessError(f"evaluations of Prometheus: {seen}; try a smaller --time-scale")
        self.drill.judge("Prometheus evaluated its rules", wanted > 0, seen, Promise.WATCHED)

    async def _evaluations(self) -> Evaluations:
        async def count(name: str) -> float:
            found = await self.world.query(f"sum(prometheus_rule_group_{name})")
            return float(found[0]["value"][1]) if found else 0

        return Evaluations(
            missed=await count("iterations_missed_total"), wanted=await count("iterations_total")
        )


def received(notification: Json) -> datetime:
    return datetime.fromisoformat(notification["received_at"])


def since(begin: datetime | None, moment: datetime | Json | None) -> float | None:
    """Return the seconds from `begin` to a moment, or to the arrival of a notification."""
    if begin is None or moment is None:
        return None
    return ((moment if isinstance(moment, datetime) else received(moment)) - begin).total_seconds()
