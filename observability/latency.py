"""How long it takes at worst from a fault to an alert that fires, and from there to the people it is for.

Both clocks are computed from the rendered files alone, as Prometheus and Alertmanager will read them; the
specs only say what was promised. What each step can cost follows from how the two programs work: Prometheus
evaluates every group on its own beat, and Alertmanager tells a group that exists when its ticker comes round.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import promql_parser as promql
import yaml

from config.spec.duration import Duration
from config.spec.model import Alert, Project
from observability.names import DAILY_DIGEST, DIGEST_SEVERITY
from observability.promql import children, metric_name, parse
from observability.routes import Route, integrations, routes_of

Files = Mapping[str, str]
Config = Mapping[str, Any]
# A receiver's own answer, with the connection to it: Alertmanager gives each attempt at least this long.
ATTEMPT = Duration(10_000)
# One member of a cluster waits so long for each before it.
PEER_TIMEOUT = Duration(15_000)
DAY, CLOCK_CHANGE = Duration(86_400_000), Duration(3_600_000)
_ZERO = Duration(0)
# Functions that give the latest sample of a window.
_AT_ONCE = frozenset({"last_over_time"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A part of a clock: what happens, and how long it takes at worst."""

    what: str
    lasts: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The worst case as its steps, beside what was promised under `promised_as`."""

    promised_as: str
    promise: Duration
    steps: tuple[Step, ...]

    @property
    def worst(self) -> Duration:
        return Duration(sum(step.lasts.milliseconds for step in self.steps))

    @property
    def holds(self) -> bool:
        return self.worst <= self.promise


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Both clocks of one rule of an alert on one route in one environment; `to` is who is told."""

    alert: Alert
    severity: str
    because: str
    environment: str
    to: tuple[str, ...]
    detect: Clock
    deliver: Clock

    @property
    def clocks(self) -> tuple[Clock, Clock]:
        return self.detect, self.deliver

    @property
    def holds(self) -> bool:
        return all(clock.holds for clock in self.clocks)


def budgets(project: Project, files: Files) -> Iterator[Budget]:
    """Yield the budget of every alert on every route in every environment, from the rendered files."""
    groups = [
        group
        for path, text in files.items()
        if path.startswith("rules/")
        for group in _loaded(text)["groups"]
    ]
    for environment in project.environments:
        prometheus = _loaded(files[f"{environment}/prometheus.yml"])
        alertmanager = _loaded(files[f"{environment}/alertmanager.yml"])
        detection = _Detection(prometheus, groups)
        members = sum(
            len(static["targets"])
            for one in prometheus["alerting"]["alertmanagers"]
            for static in one["static_configs"]
        )
        for group in groups:
            for rule in group["rules"]:
                if (alert := project.alerts.get(rule.get("alert", ""))) is not None:
                    detect = Clock(
                        promised_as="detect_within",
                        promise=alert.detect_within,
                        steps=tuple(detection.steps(project, alert, rule, group)),
                    )
                    for to, deliver in _deliveries(project, alertmanager, rule, members):
                        yield Budget(
                            alert=alert,
                            severity=rule["labels"]["severity"],
                            because="absent" if "cause" in rule["labels"] else "",
                            environment=environment,
                            to=to,
                            detect=detect,
                            deliver=deliver,
                        )


class _Detection:
    """Knows the beats of a Prometheus and the rules that it records."""

    def __init__(self, prometheus: Config, groups: list[Config]) -> None:
        beats = prometheus["global"]
        self._scrape = Duration.parse(beats["scrape_interval"])
        self._timeout = Duration.parse(beats["scrape_timeout"])
        self._evaluation = Duration.parse(beats["evaluation_interval"])
        self._query_offset = Duration.parse(beats.get("rule_query_offset", "0s"))
        self._recorded = {
            rule["record"]: (rule["expr"], self._beat(group))
            for group in groups
            for rule in group["rules"]
            if "record" in rule
        }

    def steps(self, project: Project, alert: Alert, rule: Config, group: Config) -> Iterator[Step]:
        """Yield what passes between a fault and the alert that fires."""
        window, recordings = self._span(parse(rule["expr"]))
        if window != _ZERO:
            yield Step(what="the windows of the query fill", lasts=window)
        level = alert.levels[rule["labels"]["severity"]]
        # What is absent has no age that could grow.
        is_age = project.measures[alert.measure].kind == "age" and "cause" not in rule["labels"]
        if is_age and level.above is not None:
            yield Step(what="the age grows to the bound", lasts=Duration(round(level.above * 1000)))
        yield Step(what="next scrape", lasts=self._scrape)
        yield Step(what="the scrape itself", lasts=self._timeout)
        if recordings != _ZERO:
            yield Step(what="next evaluation of the measures", lasts=recordings)
        beat = self._beat(group)
        yield Step(what="next evaluation of the alert", lasts=beat)
        lasts = Duration.parse(rule["for"])
        rounds = -(-lasts.milliseconds // beat.milliseconds)
        yield Step(what=f"for {lasts}, counted in evaluations", lasts=Duration(rounds * beat.milliseconds))
        if self._query_offset != _ZERO:
            yield Step(what="rules look back by rule_query_offset", lasts=self._query_offset)

    def _beat(self, group: Config) -> Duration:
        return Duration.parse(group["interval"]) if "interval" in group else self._evaluation

    def _span(self, node: promql.Expr) -> tuple[Duration, Duration]:
        """Return how far the expression looks back, and the evaluations of what it reads that is recorded."""
        if isinstance(node, promql.VectorSelector) and (recorded := self._recorded.get(metric_name(node))):
            expr, beat = recorded
            window, recordings = self._span(parse(expr))
            recordings = Duration(recordings.milliseconds + beat.milliseconds)
        else:
            below = [self._span(child) for child in children(node)]
            window = max((one for one, _ in below), default=_ZERO)
            recordings = max((one for _, one in below), default=_ZERO)
        own = sum(_milliseconds(getattr(node, field, None)) for field in ("range", "offset"))
        if isinstance(node, promql.Call) and node.func.name in _AT_ONCE:
            window = _ZERO  # what happened is seen in the very next sample, however long the window
        return Duration(window.milliseconds + own), recordings


def _milliseconds(length: object) -> int:
    """Return a length of time; looking ahead (a negative offset) costs nothing."""
    return max(round(length / timedelta(milliseconds=1)), 0) if isinstance(length, timedelta) else 0


def _deliveries(
    project: Project, alertmanager: Config, rule: Config, members: int
) -> Iterator[tuple[tuple[str, ...], Clock]]:
    """Yield who is told of a rule, and how long that takes."""
    severity = rule["labels"]["severity"]
    promise = project.routing.severities[severity].deliver_within
    labels = {**rule["labels"], "alertname": rule["alert"]}
    for route in routes_of(alertmanager, labels):
        to = integrations(alertmanager, route.receiver)
        steps = tuple(_sent(route, members)) if to else ()
        if not to:
            digest = {"alertname": DAILY_DIGEST, "severity": DIGEST_SEVERITY}
            (route,) = routes_of(alertmanager, digest)
            to = integrations(alertmanager, route.receiver)
            steps = (*_until_digest(project), *_sent(route, members))
        yield to, Clock(promised_as="deliver_within", promise=promise, steps=steps)


def _until_digest(project: Project) -> Iterator[Step]:
    yield Step(what="until the window of the digest opens again", lasts=DAY)
    if project.routing.digest.timezone != "UTC":
        yield Step(what="the day on which the clocks go back", lasts=CLOCK_CHANGE)


def _sent(route: Route, members: int) -> Iterator[Step]:
    if route.is_group_per_alert:
        yield Step(what="group_wait", lasts=route.group_wait)
    else:
        longer = max(route.group_wait, route.group_interval)
        yield Step(what="group_wait, or group_interval where the group exists already", lasts=longer)
    if members > 1:
        lasts = Duration((members - 1) * PEER_TIMEOUT.milliseconds)
        yield Step(what=f"members of the cluster before this one ({members - 1})", lasts=lasts)
    yield Step(what="the receiver's answer", lasts=ATTEMPT)


def _loaded(text: str) -> Config:
    config: Config = yaml.load(text, Loader=yaml.CSafeLoader)
    return config
