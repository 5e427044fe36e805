"""An alert has a summary.

Why: without one the notification is a name and some labels, and whoever is woken has to guess.
Fix: add the annotation `summary`: in one line what is wrong, and where.
"""

from collections.abc import Iterator

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.checks.queries import Alarm


def check(project: Project) -> Iterator[Finding]:
    """A spec has no alert without a summary."""
    yield from ()


def check_alarm(alarm: Alarm) -> Iterator[Finding]:
    if not alarm.rule.annotations.get("summary", "").strip():
        yield Finding(
            alarm.rule.place, f"alert {alarm.rule.name!r} has no annotation `summary`", alarm.severity
        )
