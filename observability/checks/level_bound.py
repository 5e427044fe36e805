"""A level has one bound or speaks of presence, and a graver level's bound lies further out or lasts longer.

Why: two bounds, or a critical level that is easier to reach than its warning, page in the wrong order.
Fix: give all levels `above`, all `below` or all `present`; the graver a bound further out, or a longer `for`.
"""

from collections.abc import Iterator
from itertools import pairwise

from config.spec.model import Alert, Level, Project
from config.spec.problem import Related
from observability.checks.finding import Finding


def check(project: Project) -> Iterator[Finding]:
    gravity = list(project.routing.severities)
    for alert in project.alerts.values():
        bad = [level for level in alert.levels.values() if _count(level) != 1]
        for level in bad:
            yield Finding(level.where(), "a level needs either above or below, or present")
        if not bad:
            ordered = [alert.levels[name] for name in gravity if name in alert.levels]
            yield from _order(alert, ordered)


def _count(level: Level) -> int:
    return sum(given is not None for given in (level.above, level.below, level.present))


def _order(alert: Alert, levels: list[Level]) -> Iterator[Finding]:
    for graver, lesser in pairwise(levels):
        first = Related(lesser.where(), "the lesser level")
        if graver.present is not None or lesser.present is not None:
            if graver.present is lesser.present and graver.for_ <= lesser.for_:
                message = f"a level of the same kind must last longer than the lesser one's {lesser.for_}"
                yield Finding(graver.where(), message, related=(first,))
            elif graver.present is not lesser.present:
                message = f"the levels of {alert.name} are either all `present`, the same, or all bounds"
                yield Finding(graver.where(), message, related=(first,))
        elif graver.operator != lesser.operator:
            yield Finding(graver.where(), f"{alert.name} has a level above and one below", related=(first,))
        elif graver.bound == lesser.bound:
            if graver.for_ <= lesser.for_:
                message = f"a level with the same bound must last longer than the lesser one's {lesser.for_}"
                yield Finding(graver.where(), message, related=(first,))
        elif (graver.bound < lesser.bound) if graver.operator == ">" else (graver.bound > lesser.bound):
            message = f"bound {graver.bound} is reached before that of the lesser level, {lesser.bound}"
            yield Finding(graver.where(), message, related=(first,))
