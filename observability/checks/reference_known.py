"""Every name by which one spec speaks of another exists: measures, panels, runbooks, receivers and so on.

Why: a page whose runbook or dashboard link leads nowhere costs the minutes that matter.
Fix: correct the name, or add what it names.
"""

from collections.abc import Collection, Iterator

from config.spec.model import Alert, Environment, Panel, Project, Routing
from config.spec.names import did_you_mean
from config.spec.problem import Place
from observability.checks.finding import Finding


def check(project: Project) -> Iterator[Finding]:
    for alert in project.alerts.values():
        yield from _alert(project, alert)
    for board in project.dashboards.values():
        for panel in board.panels:
            yield from _panel(project, panel)
    yield from _routing(project.routing)
    for environment in project.environments.values():
        yield from _environment(project, environment)


def _alert(project: Project, alert: Alert) -> Iterator[Finding]:
    yield from _known("measure", alert.measure, project.measures, alert.where("measure"))
    yield from _known("runbook", alert.runbook, project.runbook_ids, alert.where("runbook"))
    yield from _known("panel", alert.panel, project.panels, alert.where("panel"))
    for condition in alert.conditions:
        yield from _known("measure", condition.measure, project.measures, condition.where("measure"))
    for severity, level in alert.levels.items():
        yield from _known("severity", severity, project.routing.severities, level.where())
    if alert.when_absent and alert.when_absent.covered_by:
        place = alert.when_absent.where("covered_by")
        yield from _known("alert", alert.when_absent.covered_by, project.alerts, place)
    if alert.silences:
        for index, name in enumerate(alert.silences.alerts):
            place = alert.silences.where("alerts", index)
            yield from _known("alert", name, project.alerts, place)
        if alert.silences.job is not None:
            yield from _known("job", alert.silences.job, project.scrape.jobs, alert.silences.where("job"))
    if alert.lowest_traffic:
        traffic = alert.lowest_traffic
        yield from _known("event", traffic.event, project.catalogue.events, traffic.where("event"))
    yield from _tests(project, alert)


def _tests(project: Project, alert: Alert) -> Iterator[Finding]:
    levels = set(alert.levels)
    if not levels <= set(project.routing.severities):
        levels |= set(project.routing.severities)  # a level that is mistyped is told above, and once
    for story in alert.tests:
        for happening in story.world:
            if happening.event:
                place = happening.where("event")
                yield from _known("event", happening.event, project.catalogue.events, place)
            if happening.gauge:
                gauges = [
                    name for name, metric in project.catalogue.metrics.items() if metric.type == "gauge"
                ]
                yield from _known("gauge", happening.gauge, gauges, happening.where("gauge"))
        for expectation in story.expect:
            for index, severity in enumerate(expectation.firing):
                yield from _known("level", severity, levels, expectation.where("firing", index))


def _panel(project: Project, panel: Panel) -> Iterator[Finding]:
    for index, name in enumerate(panel.measures):
        yield from _known("measure", name, project.measures, panel.where("measures", index))
    for index, name in enumerate(panel.alerts):
        yield from _known("alert", name, project.alerts, panel.where("alerts", index))


def _routing(routing: Routing) -> Iterator[Finding]:
    for severity in routing.severities.values():
        for index, name in enumerate(severity.receivers):
            yield from _known("receiver", name, routing.receivers, severity.where("receivers", index))
    digest, beat = routing.digest, routing.heartbeat
    yield from _known("receiver", digest.receiver, routing.receivers, digest.where("receiver"))
    yield from _known("receiver", beat.receiver, routing.receivers, beat.where("receiver"))


def _environment(project: Project, environment: Environment) -> Iterator[Finding]:
    for name in environment.targets:
        yield from _known("job", name, project.scrape.jobs, environment.where.key("targets", name))
    for name in environment.receivers:
        known = project.routing.receivers
        yield from _known("receiver", name, known, environment.where.key("receivers", name))


def _known(kind: str, name: str, known: Collection[str], place: Place) -> Iterator[Finding]:
    if name not in known:
        yield Finding(place, f"no {kind} named {name!r}{did_you_mean(name, known)}")
