"""A level has one bound, and a graver level's bound lies further out.

Why: two bounds, or a critical level that is easier to reach than its warning, page in the wrong order.
Fix: give each level either `above` or `below`, the same for all, rising with severity.
"""

from collections.abc import Iterator
from itertools import pairwise

from config.spec.model import Alert, Level, Project
from config.spec.problem import Related
from observability.checks.finding import Finding


def check(project: Project) -> Iterator[Finding]:
    gravity = list(project.routing.severities)
    for alert in project.alerts.values():
        bad = [level for level in alert.levels.values() if (level.above is None) == (level.below is None)]
        for level in bad:
            yield Finding(level.where(), "a level needs either above or below")
        if not bad:
            ordered = [alert.levels[name] for name in gravity if name in alert.levels]
            yield from _order(alert, ordered)


def _order(alert: Alert, levels: list[Level]) -> Iterator[Finding]:
    for graver, lesser in pairwise(levels):
        first = Related(lesser.where(), "the lesser level")
        if graver.operator != lesser.operator:
            yield Finding(graver.where(), f"{alert.name} has a level above and one below", related=(first,))
        elif (graver.bound <= lesser.bound) if graver.operator == ">" else (graver.bound >= lesser.bound):
            message = f"bound {graver.bound} is reached before that of the lesser level, {lesser.bound}"
            yield Finding(graver.where(), message, related=(first,))
