"""A Project whose time runs faster, for drills: every duration is divided, a bound by its kind."""

from argparse import ArgumentTypeError
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType

from config.spec.alerting import Condition
from config.spec.model import (
    Alert,
    Alerts,
    Dashboard,
    Kind,
    Level,
    Measure,
    Panel,
    Project,
    Query,
    Routing,
    Scrape,
)
from observability.promql import scaled as scaled_query


def scaled(project: Project, factor: float) -> Project:
    """Return the project at `factor` times its speed.

    An age shrinks with time and a rate grows with it; ratios and counts stay, and so do latencies, which are
    those of the real programs. The window of the daily digest follows the wall clock and stays too.
    """
    return replace(
        project,
        measures={name: _measure(measure, factor) for name, measure in project.measures.items()},
        scrape=_scrape(project.scrape, factor),
        routing=_routing(project.routing, factor),
        subjects={name: _alerts(project, alerts, factor) for name, alerts in project.subjects.items()},
        dashboards={name: _dashboard(board, factor) for name, board in project.dashboards.items()},
    )


def parse_factor(text: str) -> float:
    """Read how many times as fast time runs, a number from 1 to 1000; the type of an argument."""
    try:
        factor = float(text)
    except ValueError:
        factor = 0
    if not 1 <= factor <= 1000:
        raise ArgumentTypeError(f"{text!r} is not a number from 1 to 1000")
    return factor


def bound_at(bound: Decimal, kind: Kind, factor: float) -> Decimal:
    """Return a bound of this kind at `factor` times the speed."""
    match kind:
        case "age":
            return bound / Decimal(str(factor))
        case "rate":
            return bound * Decimal(str(factor))
    return bound


def _dashboard(board: Dashboard, factor: float) -> Dashboard:
    def query(one: Query) -> Query:
        return replace(one, expr=scaled_query(one.expr, factor))

    def panel(one: Panel) -> Panel:
        return replace(one, queries=tuple(map(query, one.queries)))

    rows = (replace(row, panels=tuple(map(panel, row.panels))) for row in board.rows)
    return replace(board, rows=tuple(rows))


def _measure(measure: Measure, factor: float) -> Measure:
    return replace(measure, query=scaled_query(measure.query, factor))


def _scrape(scrape: Scrape, factor: float) -> Scrape:
    return replace(
        scrape,
        scrape_interval=scrape.scrape_interval.scaled(factor),
        scrape_timeout=scrape.scrape_timeout.scaled(factor),
        evaluation_interval=scrape.evaluation_interval.scaled(factor),
    )


def _routing(routing: Routing, factor: float) -> Routing:
    severities = {
        name: replace(
            route,
            deliver_within=route.deliver_within.scaled(factor),
            group_wait=route.group_wait.scaled(factor),
            group_interval=route.group_interval.scaled(factor),
            repeat_interval=route.repeat_interval.scaled(factor),
        )
        for name, route in routing.severities.items()
    }
    return replace(
        routing,
        severities=MappingProxyType(severities),
        digest=replace(routing.digest, covers=routing.digest.covers.scaled(factor)),
        heartbeat=replace(routing.heartbeat, every=routing.heartbeat.every.scaled(factor)),
    )


def _alerts(project: Project, alerts: Alerts, factor: float) -> Alerts:
    faster = {name: _alert(project, alert, factor) for name, alert in alerts.alerts.items()}
    return replace(alerts, alerts=MappingProxyType(faster))


def _alert(project: Project, alert: Alert, factor: float) -> Alert:
    """Tests stay as they are: they are written for the real speed, and are proved there."""

    def condition(one: Condition) -> Condition:
        return replace(one, at_least=bound_at(one.at_least, project.measures[one.measure].kind, factor))

    def level(one: Level) -> Level:
        kind = project.measures[alert.measure].kind
        return replace(
            one,
            for_=one.for_.scaled(factor),
            above=None if one.above is None else bound_at(one.above, kind, factor),
            below=None if one.below is None else bound_at(one.below, kind, factor),
        )

    absent, traffic = alert.when_absent, alert.lowest_traffic
    return replace(
        alert,
        levels=MappingProxyType({name: level(one) for name, one in alert.levels.items()}),
        detect_within=alert.detect_within.scaled(factor),
        keep_firing_for=alert.keep_firing_for.scaled(factor),
        only_while=condition(alert.only_while) if alert.only_while else None,
        unless=tuple(map(condition, alert.unless)),
        when_absent=replace(absent, fires=absent.fires.scaled(factor)) if absent and absent.fires else absent,
        lowest_traffic=replace(traffic, every=traffic.every.scaled(factor)) if traffic else None,
    )
