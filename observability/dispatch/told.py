"""What Alertmanager is told of alerts, and what happens to it, in the order of time."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

Labels = frozenset[tuple[str, str]]
# Prometheus' own: how soon it tells again, how long that holds, how long it tells of an end.
RESEND, HOLDS, TELLS_END = timedelta(minutes=1), 4, timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What Alertmanager is told of one alert: since when it fires, and until when that holds."""

    labels: Labels
    starts: datetime
    ends: datetime

    def is_over(self, moment: datetime) -> bool:
        return self.ends <= moment

    def after(self, older: "Post | None", now: datetime) -> "Post":
        """Return what Alertmanager keeps when it has been told of the same alert before."""
        if older is None or not self._overlaps(older):
            return self
        ends = self.ends
        if self.is_over(now) == older.is_over(now):
            ends = max(ends, older.ends)
        return replace(self, starts=min(self.starts, older.starts), ends=ends)

    def _overlaps(self, older: "Post") -> bool:
        return older.starts < self.ends < older.ends or older.starts < self.starts < older.ends


class Act(Enum):
    """What people and machines do to an Alertmanager."""

    STOP = "stopped by SIGTERM"
    KILL = "killed"
    START = "started"
    RELOAD = "reloaded by SIGHUP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happens at a moment, an aware time."""

    at: datetime
    what: Post | Act


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One time that an alert fires; without an end it fires on."""

    labels: Labels
    starts: datetime
    ends: datetime | None = None


def labels_of(labels: Mapping[str, str]) -> Labels:
    return frozenset(labels.items())


def as_prometheus_tells(
    firings: Iterable[Firing], until: datetime, resend: timedelta = RESEND
) -> Iterator[Event]:
    """Yield what Prometheus posts: at once, again and again while an alert fires, and of its end for a while.

    In life it looks only when it evaluates its rules, and so tells up to one evaluation later than here.
    """
    every = list(firings)
    for firing in every:
        # An alert that fires again is told of as one that fires, and no more as one that has ended.
        again = (one.starts for one in every if one.labels == firing.labels and one.starts > firing.starts)
        silent = min(again, default=until)
        at, end = firing.starts, min(firing.ends or until, until)
        while at < end:
            yield _event(at, firing, at + HOLDS * resend)
            at += resend
        if firing.ends is not None:
            at = firing.ends
            while at < min(until, silent, firing.ends + TELLS_END):
                yield _event(at, firing, firing.ends)
                at += resend


def in_order(events: Iterable[Event]) -> list[Event]:
    """Return events by their time; those of one moment stay in the order in which they were given."""
    return sorted(events, key=lambda event: event.at)


def _event(at: datetime, firing: Firing, ends: datetime) -> Event:
    return Event(at=at, what=Post(labels=firing.labels, starts=firing.starts, ends=ends))
