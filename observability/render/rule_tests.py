"""A promtool test file per alert: the stories of its spec as series, the expected pages word for word."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from config.spec.duration import Duration
from config.spec.model import Alert, Project
from config.spec.story import Expectation, Story
from observability.names import ABSENT, links
from observability.render.document import to_yaml
from observability.texts import absent_texts, foreseen, level_texts
from observability.world import STEP, series_of


def render(project: Project) -> dict[str, str]:
    return {
        path_of(alert.name): to_yaml(f"config/alerts/{subject}.yaml", _file(project, subject, alert))
        for subject, alerts in project.subjects.items()
        for alert in alerts.alerts.values()
    }


def path_of(alert: str) -> str:
    return f"tests/{alert}.yml"


def _file(project: Project, subject: str, alert: Alert) -> dict[str, Any]:
    return {
        "rule_files": ["../rules/measures.yml", f"../rules/{subject}.yml"],
        "evaluation_interval": str(STEP),
        "group_eval_order": ["measures", subject],
        "tests": [_test(project, alert, story) for story in alert.tests],
    }


def _test(project: Project, alert: Alert, story: Story) -> dict[str, Any]:
    return {
        "name": f"{alert.name}: {story.name}",
        "interval": str(STEP),
        "input_series": list(series_of(project, alert, story)),
        "promql_expr_test": [_levels(alert, expectation) for expectation in story.expect],
        "alert_rule_test": [
            _texts(project, alert, at, [one for one in story.expect if one.at == at])
            for at in dict.fromkeys(one.at for one in story.expect if one.value is not None)
        ],
    }


def _levels(alert: Alert, expectation: Expectation) -> dict[str, Any]:
    """Which levels fire, whatever their texts say; that of an absent measure is told from the others."""
    matchers = {"alertname": alert.name, "alertstate": "firing", **expectation.labels}
    firing = ",".join(f'{label}="{value}"' for label, value in matchers.items())
    kept = ", ".join(["severity", *(ABSENT if alert.absent_for is not None else ())])
    return {
        "expr": f"max by ({kept}) (ALERTS{{{firing}}})",
        "eval_time": str(expectation.at),
        "exp_samples": [
            {"labels": _written({"severity": severity, **_cause(alert, expectation)}), "value": 1}
            for severity in expectation.firing
        ],
    }


def _texts(project: Project, alert: Alert, at: Duration, expectations: list[Expectation]) -> dict[str, Any]:
    """What everything that fires at this time says, word for word."""
    alerts = [
        {"exp_labels": labels, "exp_annotations": {**texts, **links(project, alert)}}
        for expectation in expectations
        for labels, texts in _said(project, alert, expectation)
    ]
    return {"eval_time": str(at), "alertname": alert.name, "exp_alerts": alerts}


def _said(
    project: Project, alert: Alert, expectation: Expectation
) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    measure, value = project.measures[alert.measure], expectation.value
    for severity in expectation.firing:
        level = alert.levels[severity]
        if expectation.absent and alert.absent_for is not None:
            texts = absent_texts(measure, alert.absent_for)
        elif value is not None:
            write = partial(foreseen, measure=measure, level=level, value=value, labels=expectation.labels)
            texts = level_texts(alert, write, level)
        else:
            continue
        yield {"severity": severity, **_cause(alert, expectation), **expectation.labels}, texts


def _cause(alert: Alert, expectation: Expectation) -> dict[str, str]:
    return ABSENT if expectation.absent and alert.absent_for is not None else {}


def _written(labels: dict[str, str]) -> str:
    return "{" + ", ".join(f'{label}="{value}"' for label, value in labels.items()) + "}"
