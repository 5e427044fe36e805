"""Recording rules of the measures, alerting rules of the alerts, and the two alerts about delivery itself."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from config.spec.alerting import Condition
from config.spec.duration import Duration
from config.spec.model import Alert, Alerts, Level, Project
from observability.names import (
    ABSENT,
    DAILY_DIGEST,
    DIGEST_SEVERITY,
    HEARTBEAT_SEVERITY,
    WATCHDOG,
    gravest,
    links,
    recorded,
)
from observability.render.document import to_yaml
from observability.texts import absent_texts, level_texts, template

Rule = dict[str, Any]
Labels = dict[str, str]


def render(project: Project) -> dict[str, str]:
    files = {"rules/measures.yml": _file("config/measures.yaml", "measures", _measures(project))}
    for subject, alerts in project.subjects.items():
        rules = _subject(project, alerts)
        files[f"rules/{subject}.yml"] = _file(f"config/alerts/{subject}.yaml", subject, rules)
    files["rules/delivery.yml"] = _file("config/routing.yaml", "delivery", _delivery(project))
    return files


def conditions(project: Project, alert: Alert) -> Iterator[tuple[str, str]]:
    """Yield what each rule of an alert asks, with its severity; the alert is over when none has an answer."""
    for severity, level in alert.levels.items():
        yield severity, expression(project, alert, level)
    if alert.absent_for is not None:
        yield gravest(project, alert), _absence(project, alert)


def expression(project: Project, alert: Alert, level: Level) -> str:
    """Return the condition of a level over recorded measures."""
    measure = project.measures[alert.measure]
    name = recorded(project, alert.measure)
    if level.present is False:
        return _conditional(project, alert, f"absent({name})", ())
    bound = f" {level.operator} {level.bound:f}" if level.has_bound else ""
    return _conditional(project, alert, f"{name}{bound}", measure.by)


def _absence(project: Project, alert: Alert) -> str:
    return _conditional(project, alert, f"absent({recorded(project, alert.measure)})", ())


def _conditional(project: Project, alert: Alert, text: str, labels: tuple[str, ...]) -> str:
    """Return the text, which has these labels, as far as the conditions of the alert let it speak."""
    words = [("and", alert.only_while)] if alert.only_while else []
    for word, condition in [*words, *(("unless", condition) for condition in alert.unless)]:
        on = joined_on(project, labels, condition)
        text += f" {word} {on} {recorded(project, condition.measure)} >= {condition.at_least:f}"
    return text


def joined_on(project: Project, labels: Iterable[str], condition: Condition) -> str:
    """Return what joins something that has these labels with a condition: the labels that both have."""
    shared = set(labels) & set(project.measures[condition.measure].by)
    return f"on ({', '.join(sorted(shared))})"


def _file(made_from: str, group: str, rules: list[Rule]) -> str:
    return to_yaml(made_from, {"groups": [{"name": group, "rules": rules}]})


def _measures(project: Project) -> list[Rule]:
    return [
        {"record": recorded(project, measure.name), "expr": measure.query.strip()}
        for measure in project.measures.values()
    ]


def _subject(project: Project, alerts: Alerts) -> list[Rule]:
    return [rule for alert in alerts.alerts.values() for rule in _alert(project, alert)]


def _alert(project: Project, alert: Alert) -> Iterator[Rule]:
    measure = project.measures[alert.measure]
    for severity, level in alert.levels.items():
        texts = level_texts(alert, partial(template, measure=measure, level=level), level)
        yield _rule(
            project, alert, expression(project, alert, level), level.for_, {"severity": severity}, texts
        )
    if alert.absent_for is not None:
        absent = _absence(project, alert)
        labels = {"severity": gravest(project, alert), **ABSENT}
        yield _rule(project, alert, absent, alert.absent_for, labels, absent_texts(measure, alert.absent_for))


def _rule(project: Project, alert: Alert, expr: str, lasts: Duration, labels: Labels, texts: Labels) -> Rule:
    rule: Rule = {"alert": alert.name, "expr": expr, "for": str(lasts)}
    if alert.keep_firing_for.milliseconds:
        rule["keep_firing_for"] = str(alert.keep_firing_for)
    return {**rule, "labels": labels, "annotations": {**texts, **links(project, alert)}}


def _delivery(project: Project) -> list[Rule]:
    """Watchdog always fires, so that its silence is heard; DailyDigest carries the lesser alerts of a day."""
    severities, covers = "|".join(project.told_by_digest), project.routing.digest.covers
    firing = f'ALERTS{{severity=~"{severities}",alertstate="firing"}}'
    resolved = f"max_over_time({firing}[{covers}]) unless on (alertname) {firing}"
    return [
        {
            "alert": WATCHDOG,
            "expr": "vector(1)",
            "labels": {"severity": HEARTBEAT_SEVERITY},
            "annotations": {"summary": "Alerts travel from Prometheus to Alertmanager and out"},
        },
        {
            "alert": DAILY_DIGEST,
            "expr": "vector(1)",
            "labels": {"severity": DIGEST_SEVERITY},
            "annotations": {
                "summary": f"Alerts of severity {' or '.join(project.told_by_digest)} in the last {covers}",
                "firing": _listed(firing),
                "resolved": _listed(resolved),
            },
        },
    ]


def _listed(query: str) -> str:
    escaped = f"max by (alertname) ({query})".replace('"', '\\"')
    names = "{{ .Labels.alertname }} "
    return f'{{{{ range query "{escaped}" | sortByLabel "alertname" }}}}{names}{{{{ end }}}}'
