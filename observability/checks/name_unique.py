"""No two things share a name: alerts, records, dashboard uids, panels of a dashboard, rule groups.

Why: of two alerts with one name only the later is tested, and Grafana stops updating two boards with one uid.
Fix: rename one of them.
"""

from collections.abc import Iterable, Iterator, Sequence

from config.spec.model import Project
from config.spec.problem import Place, Related, Severity
from observability.checks.finding import Finding
from observability.rules import Group, Rule

# Rule files, and folders of the output, that are made whatever the specs say.
RESERVED_GROUPS = frozenset({"measures", "delivery"})
RESERVED_FOLDERS = frozenset({"rules", "tests", "dashboards"})


def check(project: Project) -> Iterator[Finding]:
    every = (alert for subject in project.subjects.values() for alert in subject.alerts.values())
    yield from _twice("alert", ((alert.name, alert.where()) for alert in every))
    boards = project.dashboards.values()
    yield from _twice("dashboard uid", ((board.uid, board.where("uid")) for board in boards))
    for board in boards:
        yield from _twice("panel", ((panel.id, panel.where("id")) for panel in board.panels))
    for name, subject in project.subjects.items():
        if name in RESERVED_GROUPS:
            yield Finding(
                subject.where(), f"a file of alerts cannot be called {name!r}; its rule group exists"
            )
    for name, environment in project.environments.items():
        if name in RESERVED_FOLDERS:
            yield Finding(
                environment.where(), f"an environment cannot be called {name!r}; that folder exists"
            )


def check_groups(groups: Sequence[Group]) -> Iterator[Finding]:
    """Of plain rules those with equal labels clash, unless each asks for something else."""
    first: dict[tuple[object, ...], Rule] = {}
    for rule in (rule for group in groups for rule in group.rules):
        kind = "alert" if rule.is_alert else "record"
        key = (kind, rule.name, frozenset(rule.labels.items()), None if rule.is_alert else rule.expr)
        if key in first:
            related = (Related(first[key].place, "the other one"),)
            text = f"{kind} {rule.name!r} exists twice with these labels"
            # Two conditions under one name may be meant, where never both are true.
            severity: Severity = "error" if rule.expr == first[key].expr else "warning"
            yield Finding(rule.place, text, severity, related)
        first.setdefault(key, rule)


def _twice(kind: str, named: Iterable[tuple[str, Place]]) -> Iterator[Finding]:
    first: dict[str, Place] = {}
    for name, place in named:
        if name in first:
            yield Finding(
                place, f"{kind} {name!r} exists twice", related=(Related(first[name], "the other one"),)
            )
        first.setdefault(name, place)
