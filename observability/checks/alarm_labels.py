"""The labels of an alert do not vary with its value.

Why: the labels are who the alert is. With `$value` in one, each evaluation makes another alert: `for` starts
anew each time, and what fires resolves and fires again.
Fix: write the value in an annotation.
"""

from collections.abc import Iterator

from config.spec.model import Project
from observability.alert_template import VALUES, used
from observability.checks.finding import Finding
from observability.checks.queries import Alarm

_VARYING = frozenset({"query", "now"})


def check(project: Project) -> Iterator[Finding]:
    """The labels of a spec's alert are its severity alone."""
    yield from ()


def check_alarm(alarm: Alarm) -> Iterator[Finding]:
    for label, text in alarm.rule.labels.items():
        place = alarm.rule.where(f"labels/{label}")
        for word in sorted(used(text) & (VALUES | _VARYING)):
            yield Finding(
                place, f"label {label!r} varies with {word}, so each evaluation makes another alert"
            )
