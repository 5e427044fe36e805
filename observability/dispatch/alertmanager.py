"""One Alertmanager as a model: groups and their timers, what each receiver was told last, what is kept."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from config.spec.duration import Duration
from observability.dispatch.inhibition import Inhibitor
from observability.dispatch.intervals import Intervals
from observability.dispatch.told import Act, Event, Labels, Post, in_order, labels_of
from observability.routes import Route, routes_of

Config = Mapping[str, Any]
# Alertmanager's defaults of its command line: when it saves its log of notifications, and drops what is past.
SAVES, RETENTION, DROPS_ALERTS = timedelta(minutes=15), timedelta(hours=120), timedelta(minutes=30)
# A receiver's answer, after which a notification counts as sent.
ANSWER = timedelta(milliseconds=100)


class Why(StrEnum):
    """Why something was sent."""

    FIRST = "first"
    MORE = "more alerts"
    LESS = "some resolved"
    OVER = "all resolved"
    REPEAT = "repeated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """One way on which a receiver is told, such as `critical/pagerduty/0`."""

    name: str
    sends_end: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What went out: when, by which integration, of which group, and which alerts it named."""

    at: datetime
    to: str
    group: Labels
    firing: frozenset[Labels]
    resolved: frozenset[Labels]
    why: Why

    @property
    def status(self) -> str:
        return "firing" if self.firing else "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Logged:
    """What an integration was told last of a group."""

    at: datetime
    firing: frozenset[Labels]
    resolved: frozenset[Labels]
    expires: datetime


_Key = tuple[tuple[int, ...], Labels]


@dataclass(slots=True, kw_only=True)
class _Group:
    """The alerts of one route that have some labels in common, and when they are looked at next.

    While receivers are asked, until `answered`, nothing else happens to it but that alerts come.
    """

    route: Route
    labels: Labels
    next: datetime
    alerts: dict[Labels, Post] = field(default_factory=dict)
    over: dict[Labels, Post] = field(default_factory=dict)
    told: "dict[tuple[tuple[int, ...], Labels, str], _Logged]" = field(default_factory=dict)
    answered: datetime | None = None

    @property
    def due(self) -> datetime:
        return self.answered or self.next


def dispatched(
    config: Config, events: Iterable[Event], begin: datetime, until: datetime, answer: timedelta = ANSWER
) -> list[Notification]:
    """Return all that an Alertmanager sends which starts at `begin`, in the order of time."""
    alertmanager = Alertmanager(config, begin, answer)
    for event in in_order(events):
        if event.at > until:
            break
        alertmanager.do(event)
    alertmanager.run(until)
    return alertmanager.sent


class Alertmanager:
    """Runs from the moment `at`; `sent` is what went out so far."""

    def __init__(self, config: Config, at: datetime, answer: timedelta = ANSWER) -> None:
        self.sent: list[Notification] = []
        self._config, self._answer = config, answer
        self._intervals, self._inhibitor = Intervals(config), Inhibitor(config)
        self._ways = {receiver["name"]: tuple(_integrations(receiver)) for receiver in config["receivers"]}
        self._routes: dict[Labels, list[Route]] = {}
        self._groups: dict[_Key, _Group] = {}
        self._alerts: dict[Labels, Post] = {}
        self._log: dict[tuple[tuple[int, ...], Labels, str], _Logged] = {}
        self._saved = dict(self._log)
        self._start(at)

    def do(self, event: Event) -> None:
        """Let time pass up to the event, and then let that happen; who is down hears no post."""
        self.run(event.at)
        match event.what:
            case Post() if self._is_up:
                self._take(event.what, event.at)
            case Act.RELOAD:
                self._reload(event.at)
            case Act.STOP | Act.KILL:
                self._stop(is_killed=event.what is Act.KILL)
            case Act.START:
                self._start(event.at)

    def run(self, until: datetime) -> None:
        """Look at every group whose timer runs out by then, and save the log when its time comes."""
        while self._is_up:
            group = min(self._groups.values(), key=lambda one: one.due, default=None)
            due = min(group.due, self._saves) if group else self._saves
            if due > until:
                return
            if group is None or due < group.due:
                self._save(due)
            elif group.answered is None:
                self._look(group, due)
            else:
                group.next = max(group.next, due)
                self._forget(group)

    def _start(self, at: datetime) -> None:
        self._is_up, self._since, self._saves = True, at, at + SAVES
        self._log = dict(self._saved)

    def _stop(self, *, is_killed: bool) -> None:
        """In order it saves its log of notifications; alerts it never saves."""
        if not is_killed:
            self._saved = dict(self._log)
        self._is_up = False
        self._groups.clear()
        self._alerts.clear()
        self._inhibitor.forget()

    def _reload(self, at: datetime) -> None:
        """Make all groups anew of every alert, also of those whose end was told, until they are dropped."""
        swept = at - (at - self._since) % DROPS_ALERTS
        self._alerts = {key: post for key, post in self._alerts.items() if not post.is_over(swept)}
        self._groups.clear()
        self._inhibitor.forget()
        for post in self._alerts.values():
            self._inhibitor.see(post)
        for post in self._alerts.values():
            self._group(post, at)

    def _take(self, post: Post, at: datetime) -> None:
        kept = post.after(self._alerts.get(post.labels), at)
        self._alerts[post.labels] = kept
        self._inhibitor.see(kept)
        self._group(kept, at)

    def _group(self, post: Post, at: datetime) -> None:
        """Put an alert into its group on each route; a group that is new waits, but not for what is old."""
        if post.labels not in self._routes:
            self._routes[post.labels] = routes_of(self._config, dict(post.labels))
        for route in self._routes[post.labels]:
            key = route.place, _group_labels(route, post.labels)
            group = self._groups.get(key)
            if group is None:
                wait = _delta(route.group_wait)
                is_old = post.starts + wait < at
                group = _Group(route=route, labels=key[1], next=at if is_old else at + wait)
                self._groups[key] = group
            group.alerts[post.labels] = post

    def _look(self, group: _Group, at: datetime) -> None:
        """Tell of a group what is to be told; what is over is forgotten also when nothing was."""
        group.next = at + _delta(group.route.group_interval)
        group.over = {labels: post for labels, post in group.alerts.items() if post.is_over(at)}
        heard = frozenset(labels for labels in group.alerts if not self._inhibitor.silences(labels, at))
        if heard and self._intervals.is_open(group.route.active_time_intervals, at):
            for way in self._ways[group.route.receiver]:
                self._tell(group, way, heard - group.over.keys(), heard & group.over.keys(), at)
        if group.answered is None:
            self._forget(group)

    def _tell(
        self,
        group: _Group,
        way: Integration,
        firing: frozenset[Labels],
        over: frozenset[Labels],
        at: datetime,
    ) -> None:
        key = group.route.place, group.labels, way.name
        repeat = _delta(group.route.repeat_interval)
        why = _reason(self._log.get(key), firing, over, at - repeat, way.sends_end)
        if why is None:
            return
        logged = at
        if firing or way.sends_end:
            resolved = over if way.sends_end else frozenset()
            self.sent.append(
                Notification(
                    at=at, to=way.name, group=group.labels, firing=firing, resolved=resolved, why=why
                )
            )
            logged = group.answered = at + self._answer
        expires = logged + min(2 * repeat, RETENTION)
        group.told[key] = _Logged(at=logged, firing=firing, resolved=over, expires=expires)

    def _forget(self, group: _Group) -> None:
        """End a look: keep what was told, and drop what is over, unless it was heard of meanwhile."""
        self._log |= group.told
        group.alerts = {
            labels: post for labels, post in group.alerts.items() if group.over.get(labels) is not post
        }
        group.told, group.answered = {}, None
        if not group.alerts:
            del self._groups[group.route.place, group.labels]

    def _save(self, at: datetime) -> None:
        self._saves = at + SAVES
        self._log = {key: entry for key, entry in self._log.items() if entry.expires > at}
        self._saved = dict(self._log)


def _reason(
    last: _Logged | None,
    firing: frozenset[Labels],
    over: frozenset[Labels],
    repeated: datetime,
    sends_end: bool,
) -> Why | None:
    """Return why a receiver is to be told; None if it knows all, and was told after the time `repeated`."""
    if last is None or not firing <= last.firing:
        is_first = last is None or not last.firing
        return (Why.FIRST if is_first else Why.MORE) if firing else None
    if not firing:
        return Why.OVER if last.firing else None
    if sends_end and not over <= last.resolved:
        return Why.LESS
    return Why.REPEAT if last.at < repeated else None


def _integrations(receiver: Config) -> Iterator[Integration]:
    for key, configs in receiver.items():
        if key.endswith("_configs"):
            for index, config in enumerate(configs):
                name = f"{receiver['name']}/{key.removesuffix('_configs')}/{index}"
                yield Integration(name=name, sends_end=config["send_resolved"])


def _group_labels(route: Route, labels: Labels) -> Labels:
    if route.is_group_per_alert:
        return labels
    return labels_of({name: value for name, value in labels if name in route.group_by})


def _delta(length: Duration) -> timedelta:
    return timedelta(milliseconds=length.milliseconds)
