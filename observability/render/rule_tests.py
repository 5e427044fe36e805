"""A promtool test file per alert: the stories of its spec as series, the expected pages word for word."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby, product
from typing import Any

from config.spec.duration import Duration
from config.spec.model import Alert, Metric, Project
from config.spec.story import Expectation, Happening, Story
from observability.names import panel_path, recorded
from observability.promql import metric_names
from observability.render.document import to_yaml
from observability.texts import foreseen

STEP = Duration(60_000)
Labels = dict[str, str]
Values = list[Decimal | None]


def render(project: Project) -> dict[str, str]:
    return {
        f"tests/{alert.name}.yml": to_yaml(f"config/alerts/{subject}.yaml", _file(project, subject, alert))
        for subject, alerts in project.subjects.items()
        for alert in alerts.alerts.values()
    }


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
    steps = max(expectation.at.milliseconds for expectation in story.expect) // STEP.milliseconds + 1
    for metric in _inputs(project, alert):
        for labels in _children(metric):
            values = _counted(project, story, metric.name, labels, steps)
            if metric.type == "gauge":
                values = _gauged(story, metric.name, labels, steps)
            selector = ", ".join(f'{label}="{value}"' for label, value in labels.items())
            target = f'job="{metric.job}", instance="{metric.job}:1"'
            series = f"{metric.name}{{{selector}{', ' if selector else ''}{target}}}"
            yield {"series": series, "values": _notation(values)}


def _inputs(project: Project, alert: Alert) -> list[Metric]:
    """Return the metrics that the alert's measures read, through other measures too."""
    waiting = [alert.measure, *([alert.only_while.measure] if alert.only_while else [])]
    recorded_as = {recorded(project, name): name for name in project.measures}
    seen: dict[str, None] = {}
    metrics: dict[str, Metric] = {}
    while waiting:
        measure = waiting.pop(0)
        if measure in seen:
            continue
        seen[measure] = None
        for name in metric_names(project.measures[measure].query):
            if name in recorded_as:
                waiting.append(recorded_as[name])
            elif name in project.catalogue.metrics:
                metrics[name] = project.catalogue.metrics[name]
    return [metric for metric in metrics.values() if metric.type != "histogram"]


def _children(metric: Metric) -> list[Labels]:
    return [dict(zip(metric.labels, values, strict=True)) for values in product(*metric.labels.values())]


def _gauged(story: Story, metric: str, labels: Labels, steps: int) -> Values:
    """Return the gauge at each step: the value of its latest stretch, and no sample outside of any."""
    values: Values = [None] * steps
    for happening in story.world:
        meant = happening.gauge == metric and happening.labels.items() <= labels.items()
        for step in _stretch(happening, steps) if meant or happening.down else ():
            values[step] = None if happening.down else happening.value
    return values


def _counted(project: Project, story: Story, metric: str, labels: Labels, steps: int) -> Values:
    """Return the counter at each step; None while its job is down, and counting from 0 after that."""
    added = [0] * steps
    down = [False] * steps
    for happening in story.world:
        for step in _times(happening, steps) if happening.event else ():
            added[step] += _added(project, happening, metric, labels)
        for step in _stretch(happening, steps) if happening.down else ():
            down[step] = True
    values: Values = []
    total = Decimal(0)
    for is_down, more in zip(down, added, strict=True):
        total = Decimal(0) if is_down else total + more
        values.append(None if is_down else total)
    return values


def _times(happening: Happening, steps: int) -> range:
    """Return the steps at which an event counts: at the end of its interval, so that step 0 is a base."""
    every = (happening.every or STEP).milliseconds // STEP.milliseconds
    stretch = _stretch(happening, steps + 1)
    return range(stretch.start + every, min(stretch.stop + 1, steps), every)


def _stretch(happening: Happening, steps: int) -> range:
    first = happening.from_.milliseconds // STEP.milliseconds
    return range(first, min(happening.until.milliseconds // STEP.milliseconds, steps))


def _added(project: Project, happening: Happening, metric: str, labels: Labels) -> int:
    adds = project.catalogue.events[str(happening.event)].adds
    return sum(one.by for one in adds if one.metric == metric and dict(one.labels) == labels)


def _notation(values: Values) -> str:
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
        parts.append(f"{value:f}{step:+f}x{count}")
        position += count + 1
    return " ".join(parts)


def _run(values: Values, start: int) -> tuple[Decimal, int]:
    """Return the common difference from `start` on, and how many steps keep it."""
    step, count, previous = Decimal(0), 0, values[start]
    for value in values[start + 1 :]:
        if value is None or previous is None or (count and value - previous != step):
            break
        step, count, previous = value - previous, count + 1, value
    return step, count
