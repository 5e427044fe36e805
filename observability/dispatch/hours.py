"""Who is told of each alert at each hour of the day, and how late at worst, as the model plays it.

`latency` adds up the worst case; this lets every alert fire, alone and beside one of its group, and looks
when its notification goes out. What the digest alone tells of fires at each hour of each day of a year.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from config.spec.duration import Duration
from observability.dispatch.alertmanager import dispatched
from observability.dispatch.told import RESEND, Event, Post, labels_of
from observability.latency import ATTEMPT, Budget
from observability.names import DAILY_DIGEST, DIGEST_SEVERITY
from observability.routes import routes_of

Config = Mapping[str, Any]
_MOMENT, _HOUR, _YEAR = timedelta(seconds=1), timedelta(hours=1), timedelta(days=366)
_LONG = timedelta(days=800)
# Prometheus tells of the digest again so long after it was told last, and of what fired until then.
_STALE = RESEND + timedelta(seconds=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """The latest that people were told of one level, with the receiver's answer; `fired` is when it fired."""

    budget: Budget
    to: tuple[str, ...]
    worst: timedelta
    fired: datetime

    @property
    def holds(self) -> bool:
        """Whether the promise was kept, and `latency` computed no less than what was played."""
        computed, promised = self.budget.deliver.worst, self.budget.deliver.promise
        return self.worst <= _delta(computed) and self.worst <= _delta(promised)


def played(
    config: Config, budgets: Sequence[Budget], begin: datetime, hours: Sequence[int], year: bool = True
) -> Iterator[Played]:
    """Yield the worst of each budget of an environment that has this configuration, over hours from `begin`.

    Without `year` the digest is played for a week only.
    """
    lasts = _YEAR if year else timedelta(days=7)
    known: dict[tuple[object, ...], tuple[tuple[str, ...], timedelta, datetime]] = {}
    for budget in budgets:
        labels = {"alertname": budget.alert.name, "severity": budget.severity}
        # Alerts that take one route with the same timers differ in nothing but their names.
        key = (budget.severity, *(route.place for route in routes_of(config, labels)))
        if key not in known:
            moments = [begin + hour * _HOUR for hour in hours]
            known[key] = _at_once(config, labels, moments) or _by_digest(*_digests(config, begin, lasts))
        to, worst, fired = known[key]
        yield Played(budget=budget, to=to, worst=worst + _delta(ATTEMPT), fired=fired)


def _at_once(
    config: Config, labels: Mapping[str, str], moments: Sequence[datetime]
) -> tuple[tuple[str, ...], timedelta, datetime] | None:
    """Return by whom, how late at worst and when; None if nobody is told at once."""
    [route] = routes_of(config, labels)
    wait, look = _delta(route.group_wait), _delta(route.group_interval)
    # Alone; beside one that was told just now; beside one that will be told soon.
    others = (None, wait + _MOMENT, wait + look / 2, wait + look - _MOMENT, _MOMENT)
    worst, fired, to = timedelta(-1), moments[0], set[str]()
    for moment in moments:
        for earlier in others:
            events = [_fires(labels, "new", moment)]
            if earlier is not None:
                events.append(_fires(labels, "old", moment - earlier))
            new = labels_of({**labels, "instance": "new"})
            sent = dispatched(config, events, moment - _HOUR, moment + wait + 2 * look)
            told = [one for one in sent if new in one.firing]
            if not told:
                return None
            to |= {one.to for one in told}
            if (late := told[0].at - moment) > worst:
                worst, fired = late, moment
    return tuple(sorted(to)), worst, fired


def _by_digest(to: tuple[str, ...], sent: Sequence[datetime]) -> tuple[tuple[str, ...], timedelta, datetime]:
    """Return the latest that a digest lists what fired, over every hour and just after each digest."""
    moments = [at - _STALE + _MOMENT for at in sent[:-1]]
    hours = (sent[-1] - sent[0]) // _HOUR - 1
    moments += [sent[0] + hour * _HOUR for hour in range(hours)]
    late = [(sent[bisect_left(sent, moment + _STALE)] - moment, moment) for moment in moments]
    worst, fired = max(late)
    return to, worst, fired


def _digests(config: Config, begin: datetime, lasts: timedelta) -> tuple[tuple[str, ...], list[datetime]]:
    labels = {"alertname": DAILY_DIGEST, "severity": DIGEST_SEVERITY}
    sent = dispatched(config, [_fires(labels, "", begin)], begin, begin + lasts)
    return tuple(sorted({one.to for one in sent})), [one.at for one in sent]


def _fires(labels: Mapping[str, str], instance: str, at: datetime) -> Event:
    named = {**labels, "instance": instance} if instance else labels
    post = Post(labels=labels_of(named), starts=at.astimezone(UTC), ends=at.astimezone(UTC) + _LONG)
    return Event(at=post.starts, what=post)


def _delta(length: Duration) -> timedelta:
    return timedelta(milliseconds=length.milliseconds)
