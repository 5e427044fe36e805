"""Timelines drawn by a seed: alerts that fire and end, and an Alertmanager that is stopped in between.

Nothing in them is so close to a timer that a fraction of a second decides: what happens is moved to and fro,
and a timeline counts only if the model sends the same then.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from observability.dispatch.alertmanager import Notification, dispatched
from observability.dispatch.told import (
    RESEND,
    Act,
    Event,
    Firing,
    Labels,
    Post,
    as_prometheus_tells,
    in_order,
    labels_of,
)
from scripts.dispatch.recorded import ANSWER

Config = Mapping[str, Any]
# Some moment; a timeline is shifted to when it is played.
ORIGIN = datetime(2026, 1, 1, tzinfo=UTC)
# How far what happens may be from where it was meant to be.
SLACK = timedelta(milliseconds=120)
_TRIES, _MOVED = 240, 8
_DOWN = timedelta(milliseconds=500)
_STEP = timedelta(milliseconds=100)


def alert(name: str, severity: str, **labels: str) -> Labels:
    return labels_of({"alertname": name, "severity": severity, **labels})


# Each family is one way in which alerts have to do with each other.
FAMILIES: Mapping[str, tuple[Labels, ...]] = {
    "one group, level silences level": (
        alert("LiquidationNear", "critical", symbol="BTC-USDT"),
        alert("LiquidationNear", "critical", symbol="ETH-USDT"),
        alert("LiquidationNear", "warning", symbol="BTC-USDT"),
        alert("LiquidationNear", "warning", symbol="SOL-USDT"),
    ),
    "silenced by what explains it": (
        alert("DatabaseDown", "critical"),
        alert("PoolSaturated", "critical"),
        alert("SlowQueries", "warning"),
    ),
    "told at once by nobody": (alert("MemoryFilling", "info", instance="a"),),
    "a severity that nobody foresaw": (alert("PageTest", "fatal", instance="a"),),
    "the heartbeat": (alert("Watchdog", "none"),),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What happens, in the order of time from ORIGIN on."""

    name: str
    events: tuple[Event, ...]
    lasts: timedelta

    @property
    def until(self) -> datetime:
        return ORIGIN + self.lasts

    @property
    def acts(self) -> tuple[Act, ...]:
        return tuple(event.what for event in self.events if isinstance(event.what, Act))

    def slower(self, times: float) -> "Timeline":
        """Return the same so many times slower, for timers that are so many times longer."""
        return replace(
            self, events=tuple(_slower(event, times) for event in self.events), lasts=self.lasts * times
        )


def drawn(seed: int, config: Config, scale: float, lasts: timedelta, most: int = 12) -> Timeline:
    """Return a timeline of this seed for a configuration of this time scale."""
    dice = random.Random(seed)
    acts = _ACTS[seed % len(_ACTS)]
    happening = _Happening(config=config, resend=RESEND / scale, lasts=lasts, dice=dice, acts=acts)
    return Timeline(name=f"seed {seed}", events=happening.drawn(most), lasts=lasts)


# By turns, so that a few timelines have each.
_ACTS: tuple[tuple[Act, ...], ...] = (
    (Act.STOP, Act.START),
    (),
    (Act.KILL, Act.START),
    (Act.RELOAD,),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Happening:
    """Adds one thing after the other, each of which leaves no doubt."""

    config: Config
    resend: timedelta
    lasts: timedelta
    dice: random.Random
    acts: tuple[Act, ...]

    def drawn(self, most: int) -> tuple[Event, ...]:
        acts, firings = list[Event](), list[Firing]()
        for _ in range(_TRIES):
            if len(firings) < most:
                more = [*firings, self._firing(firings)]
                if self._is_clear(self._events(more, acts)):
                    firings = more
            if not acts and len(firings) * 2 > most:
                tried = self._acts()
                if self._matter(tried, firings) and self._is_clear(self._events(firings, tried)):
                    acts = tried
        return tuple(self._events(firings, acts))

    def _firing(self, before: Sequence[Firing]) -> Firing:
        """Let an alert fire, perhaps one again that has ended."""
        labels = self.dice.choice([one for family in FAMILIES.values() for one in family])
        free = max(
            (one.ends or ORIGIN + self.lasts for one in before if one.labels == labels), default=ORIGIN
        )
        room = (ORIGIN + self.lasts - free) // _STEP
        starts = free + _STEP * self.dice.randint(1, max(room // 2, 1))
        length = _STEP * self.dice.randint(2, max(self.lasts // _STEP // 2, 3))
        ends = starts + length
        return Firing(labels=labels, starts=starts, ends=ends if ends < ORIGIN + self.lasts else None)

    def _acts(self) -> list[Event]:
        at = ORIGIN + self.lasts * self.dice.uniform(0.3, 0.7)
        return [Event(at=at + index * _DOWN, what=act) for index, act in enumerate(self.acts)]

    def _matter(self, acts: Sequence[Event], firings: Sequence[Firing]) -> bool:
        """Whether an alert fires over all of it, and for long enough after it to be told of again."""
        return any(
            firing.starts + self.resend < act.at < (firing.ends or ORIGIN + self.lasts) - 2 * self.resend
            for act in acts
            for firing in firings
        )

    def _events(self, firings: Sequence[Firing], acts: Sequence[Event]) -> list[Event]:
        posts = as_prometheus_tells(firings, ORIGIN + self.lasts, self.resend)
        return in_order([*posts, *acts])

    def _is_clear(self, events: Sequence[Event]) -> bool:
        """Whether the model sends the same wherever each of the events is within the slack."""
        plain = self._sent(events)
        return all(is_same(plain, self._sent(moved), 3 * SLACK) for moved in self._moved(events))

    def _moved(self, events: Sequence[Event]) -> Iterator[list[Event]]:
        for all_by in (-SLACK, SLACK):
            yield [Event(at=event.at + all_by, what=event.what) for event in events]
        for _ in range(_MOVED):
            # All that is told of one alert stays in its order.
            by = {_whose(event): SLACK * self.dice.uniform(-1, 1) for event in events}
            yield [Event(at=event.at + by[_whose(event)], what=event.what) for event in events]

    def _sent(self, events: Sequence[Event]) -> list[Notification]:
        return dispatched(self.config, events, ORIGIN - SLACK, ORIGIN + self.lasts, ANSWER)


def _whose(event: Event) -> Labels | Act:
    return event.what.labels if isinstance(event.what, Post) else event.what


def _slower(event: Event, times: float) -> Event:
    def moved(moment: datetime) -> datetime:
        return ORIGIN + (moment - ORIGIN) * times

    what = event.what
    if isinstance(what, Post):
        what = replace(what, starts=moved(what.starts), ends=moved(what.ends))
    return Event(at=moved(event.at), what=what)


def is_same(these: Sequence[Notification], those: Sequence[Notification], slack: timedelta) -> bool:
    """Whether each way of telling told the same in the same order, at about the same time."""
    ways = {one.to for one in (*these, *those)}
    for way in ways:
        here, there = [one for one in these if one.to == way], [one for one in those if one.to == way]
        if len(here) != len(there):
            return False
        for one, other in zip(here, there, strict=True):
            is_alike = (one.group, one.firing, one.resolved) == (other.group, other.firing, other.resolved)
            if not is_alike or abs(one.at - other.at) > slack:
                return False
    return True
