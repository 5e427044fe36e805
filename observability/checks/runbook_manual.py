"""At most one step in four is done by hand.

Why: what a script can do it does faster and without slips at night; a list of things to do by hand is no
runbook.
Fix: make probes and actions of them; join what only a person can do into one step.
"""

from collections.abc import Iterator

from config.spec.model import Project
from observability.checks.finding import Finding

_ONE_IN = 4


def check(project: Project) -> Iterator[Finding]:
    for runbook in project.runbooks.values():
        manual = [step for step in runbook.steps if step.kind == "manual"]
        count = len(runbook.steps) + 2 * bool(runbook.alerts)  # the steps that are added
        if len(manual) * _ONE_IN > count and runbook.script is None:
            last = manual[-1]
            text = f"{len(manual)} of {count} steps are done by hand; at most one in {_ONE_IN}"
            yield Finding(last.where("kind"), text)
