"""The labels of an alert do not vary with its value, and replace none that tells series apart.

Why: the labels are who the alert is. With `$value` in one, each evaluation makes another alert: `for` starts
anew each time, and what fires resolves and fires again. A label that the series have too, `alertname` among
them, is replaced, and of two series that are then alike Prometheus makes an error: nothing of the rule fires.
Fix: write the value in an annotation; aggregate the label away, or give it another name by label_replace().
"""

from collections.abc import Iterator

import promql_parser as promql

from config.spec.model import Project
from observability.alert_template import VALUES, labels_used, used
from observability.checks.finding import Finding
from observability.checks.queries import Alarm, alarms
from observability.names import ABSENT
from observability.promql import label_matchers, nodes

_VARYING = frozenset({"query", "now"})
_OWN_NAME = "alertname"


def check(project: Project) -> Iterator[Finding]:
    for alarm in alarms(project):
        yield from _replaced(alarm)
    for alert in project.alerts.values():
        measure = project.measures.get(alert.measure)
        if measure is None or alert.absent_for is None:
            continue
        for label in sorted(ABSENT.keys() & set(measure.by)):
            text = f"label {label!r} of {measure.name} is what tells an alert about its absence apart"
            yield Finding(alert.where("measure"), f"{text}; give it another name")


def check_alarm(alarm: Alarm) -> Iterator[Finding]:
    yield from _varying(alarm)
    yield from _replaced(alarm)


def _replaced(alarm: Alarm) -> Iterator[Finding]:
    labels = alarm.query.known.shape(alarm.query.tree).labels or frozenset()
    own = {_OWN_NAME: "", **alarm.rule.labels}
    for name in sorted(labels & own.keys() - _fixed(alarm.read)):
        if name not in labels_used(own[name]):
            place = alarm.rule.where(f"labels/{name}")
            text = f"the alert's own label {name!r} replaces that of the series: two may become one"
            yield Finding(place, f"{text}, and then the rule fails", alarm.severity)


def _fixed(tree: promql.Expr) -> set[str]:
    """Return the labels that have but one value in every series."""
    every = [node for node in nodes(tree) if isinstance(node, promql.VectorSelector)]
    named = [{name for name, _ in label_matchers(selector)} for selector in every]
    return set.intersection(*named) if named else set()


def _varying(alarm: Alarm) -> Iterator[Finding]:
    for label, text in alarm.rule.labels.items():
        place = alarm.rule.where(f"labels/{label}")
        for word in sorted(used(text) & (VALUES | _VARYING)):
            yield Finding(
                place, f"label {label!r} varies with {word}, so each evaluation makes another alert"
            )
