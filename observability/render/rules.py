"""Recording rules of the measures, alerting rules of the alerts, and the two alerts about delivery itself."""

from typing import Any

from config.spec.model import Alert, Alerts, Level, Project
from observability.names import (
    DAILY_DIGEST,
    DIGEST_SEVERITY,
    HEARTBEAT_SEVERITY,
    WATCHDOG,
    panel_path,
    recorded,
)
from observability.render.document import to_yaml
from observability.texts import template

Rule = dict[str, Any]


def render(project: Project) -> dict[str, str]:
    files = {"rules/measures.yml": _file("config/measures.yaml", "measures", _measures(project))}
    for subject, alerts in project.subjects.items():
        rules = _subject(project, alerts)
        files[f"rules/{subject}.yml"] = _file(f"config/alerts/{subject}.yaml", subject, rules)
    files["rules/delivery.yml"] = _file("config/routing.yaml", "delivery", _delivery(project))
    return files


def expression(project: Project, alert: Alert, level: Level) -> str:
    """Return the condition of a level over recorded measures."""
    text = f"{recorded(project, alert.measure)} {level.operator} {level.bound:f}"
    if alert.only_while is None:
        return text
    condition = alert.only_while
    shared = sorted(set(project.measures[alert.measure].by) & set(project.measures[condition.measure].by))
    matched = f"and on ({', '.join(shared)})"
    return f"{text} {matched} {recorded(project, condition.measure)} >= {condition.at_least:f}"


def _file(made_from: str, group: str, rules: list[Rule]) -> str:
    return to_yaml(made_from, {"groups": [{"name": group, "rules": rules}]})


def _measures(project: Project) -> list[Rule]:
    return [
        {"record": recorded(project, measure.name), "expr": measure.query.strip()}
        for measure in project.measures.values()
    ]


def _subject(project: Project, alerts: Alerts) -> list[Rule]:
    return [
        _level(project, alert, severity, level)
        for alert in alerts.alerts.values()
        for severity, level in alert.levels.items()
    ]


def _level(project: Project, alert: Alert, severity: str, level: Level) -> Rule:
    measure = project.measures[alert.measure]
    rule: Rule = {"alert": alert.name, "expr": expression(project, alert, level), "for": str(level.for_)}
    if alert.keep_firing_for.milliseconds:
        rule["keep_firing_for"] = str(alert.keep_firing_for)
    rule["labels"] = {"severity": severity}
    rule["annotations"] = {
        "summary": template(alert.summary, measure, level),
        "description": template(alert.description, measure, level),
        "value": template("{value}", measure, level),
        "runbook": alert.runbook,
        "dashboard": panel_path(project, alert),
    }
    return rule


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
