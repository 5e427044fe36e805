"""A recorded series that a plain rule reads is recorded by one of the files.

Why: names with a colon come from recording rules; when the rule was renamed or forgotten, what reads it sees
nothing, and an alert on it never fires.
Fix: correct the name, or give the file of that rule along with the others.
"""

from collections.abc import Iterator, Sequence

from config.spec.model import Project
from config.spec.names import did_you_mean
from observability.checks.finding import Finding
from observability.promql import metric_names, syntax_error
from observability.rules import Group


def check(project: Project) -> Iterator[Finding]:
    """In a bundle metric_known judges every name."""
    yield from ()


def check_groups(groups: Sequence[Group]) -> Iterator[Finding]:
    rules = [rule for group in groups for rule in group.rules]
    recorded = {rule.name for rule in rules if not rule.is_alert}
    for rule in rules:
        for name in metric_names(rule.expr) if syntax_error(rule.expr) is None else []:
            if ":" in name and name not in recorded:
                text = f"no rule of these files records {name!r}{did_you_mean(name, recorded)}"
                yield Finding(rule.where("expr"), text, "warning")
