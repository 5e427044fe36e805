"""A promtool test file per alert: the stories of its spec as series, the expected pages word for word."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby, product
from typing import Any

from config.spec.duration import Duration
from config.spec.model import Alert, Expectation, Happening, Metric, Project, Story
from observability.names import panel_path
from observability.promql import metric_names
from observability.render.document import to_yaml
from observability.texts import foreseen

_STEP = Duration(60_000)
Labels = dict[str, str]


def render(project: Project) -> dict[str, str]:
    return {
        f"tests/{alert.name}.yml": to_yaml(f"config/alerts/{subject}.yaml", _file(project, subject, alert))
        for subject, alerts in project.subjects.items()
        for alert in alerts.alerts.values()
    }


def _file(project: Project, subject: str, alert: Alert) -> dict[str, Any]:
    return {
        "rule_files": ["../rules/measures.yml", f"../rules/{subject}.yml"],
        "evaluation_interval": str(_STEP),
        "group_eval_order": ["measures", subject],
        "tests": [_test(project, alert, story) for story in alert.tests],
    }


def _test(project: Project, alert: Alert, story: Story) -> dict[str, Any]:
    return {
        "name": f"{alert.name}: {story.name}",
        "interval": str(_STEP),
        "input_series": list(_series(project, alert, story)),
        "promql_expr_test": [_levels(alert, expectation) for expectation in story.expect],
        "alert_rule_test": [
            _texts(project, alert, expectation, expectation.value)
            for expectation in story.expect
            if expectation.value is not None
        ],
    }


def _levels(alert: Alert, expectation: Expectation) -> dict[str, Any]:
    """Which levels fire, whatever their texts say."""
    return {
        "expr": f'max by (severity) (ALERTS{{alertname="{alert.name}",alertstate="firing"}})',
        "eval_time": str(expectation.at),
        "exp_samples": [
            {"labels": f'{{severity="{severity}"}}', "value": 1} for severity in expectation.firing
        ],
    }


def _texts(project: Project, alert: Alert, expectation: Expectation, value: Decimal) -> dict[str, Any]:
    """What the firing levels say, word for word."""
    measure = project.measures[alert.measure]
    alerts = []
    for severity in expectation.firing:
        level = alert.levels[severity]
        texts = {
            "summary": foreseen(alert.summary, measure, level, value),
            "description": foreseen(alert.description, measure, level, value),
            "value": foreseen("{value}", measure, level, value),
            "runbook": alert.runbook,
            "dashboard": panel_path(project, alert),
        }
        alerts.append({"exp_labels": {"severity": severity}, "exp_annotations": texts})
    return {"eval_time": str(expectation.at), "alertname": alert.name, "exp_alerts": alerts}


def _series(project: Project, alert: Alert, story: Story) -> Iterator[dict[str, str]]:
    """Yield every series that the alert looks at; a counter has all its label values from the start."""
    steps = max(expectation.at.milliseconds for expectation in story.expect) // _STEP.milliseconds + 1
    for metric in _counters(project, alert):
        for labels in _children(metric):
            values = _values(project, story, metric.name, labels, steps)
            selector = ", ".join(f'{label}="{value}"' for label, value in labels.items())
            target = f'job="{metric.job}", instance="{metric.job}:1"'
            series = f"{metric.name}{{{selector}{', ' if selector else ''}{target}}}"
            yield {"series": series, "values": _notation(values)}


def _counters(project: Project, alert: Alert) -> list[Metric]:
    measures = [alert.measure, *([alert.only_while.measure] if alert.only_while else [])]
    names = [name for measure in measures for name in metric_names(project.measures[measure].query)]
    metrics = (project.catalogue.metrics.get(name) for name in dict.fromkeys(names))
    return [metric for metric in metrics if metric is not None and metric.type == "counter"]


def _children(metric: Metric) -> list[Labels]:
    return [dict(zip(metric.labels, values, strict=True)) for values in product(*metric.labels.values())]


def _values(project: Project, story: Story, metric: str, labels: Labels, steps: int) -> list[int | None]:
    """Return the counter at each step; None while its job is down, and counting from 0 after that."""
    added = [0] * steps
    down = [False] * steps
    for happening in story.world:
        for step in _steps_of(happening, steps):
            down[step] = down[step] or happening.down
            added[step] += _added(project, happening, metric, labels)
    values: list[int | None] = []
    total = 0
    for is_down, more in zip(down, added, strict=True):
        total = 0 if is_down else total + more
        values.append(None if is_down else total)
    return values


def _steps_of(happening: Happening, steps: int) -> range:
    """Return the steps at which it happens; an event counts at the end of its interval: step 0 is a base."""
    first = happening.from_.milliseconds // _STEP.milliseconds
    until = happening.until.milliseconds // _STEP.milliseconds
    if happening.every is None:
        return range(min(first, steps), min(until, steps))
    every = max(happening.every.milliseconds // _STEP.milliseconds, 1)
    return range(min(first + every, steps), min(until + 1, steps), every)


def _added(project: Project, happening: Happening, metric: str, labels: Labels) -> int:
    if happening.event is None:
        return 0
    adds = project.catalogue.events[happening.event].adds
    return sum(one.by for one in adds if one.metric == metric and dict(one.labels) == labels)


def _notation(values: list[int | None]) -> str:
    """Write values the way promtool reads them: `3+1x4` is 3 and four steps of 1, `_x2` two gaps."""
    parts: list[str] = []
    position = 0
    while position < len(values):
        value = values[position]
        if value is None:
            gap = sum(1 for _ in next(groupby(values[position:]))[1])
            parts.append(f"_x{gap}")
            position += gap
            continue
        step, count = _run(values, position)
        parts.append(f"{value}+{step}x{count}")
        position += count + 1
    return " ".join(parts)


def _run(values: list[int | None], start: int) -> tuple[int, int]:
    """Return the common difference from `start` on, and how many steps keep it."""
    step, count, previous = 0, 0, values[start]
    for value in values[start + 1 :]:
        if value is None or previous is None or (count and value - previous != step):
            break
        step, count, previous = value - previous, count + 1, value
    return step, count
