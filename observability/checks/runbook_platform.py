"""Platforms that a runbook or a step names are those of operations.yaml, and the runbook can run there.

Why: a form of a step for a platform that nobody has is never run; its misspelt name leaves the platform
without one.
Fix: correct the name, or add the platform to operations.yaml or to the runbook.
"""

from collections.abc import Iterator

from config.spec.model import Project
from config.spec.names import did_you_mean
from observability.checks.finding import Finding


def check(project: Project) -> Iterator[Finding]:
    known = project.operations.platforms if project.operations else {}
    for runbook in project.runbooks.values():
        for index, name in enumerate(runbook.platforms):
            if name not in known:
                text = f"no platform named {name!r} in operations.yaml{did_you_mean(name, known)}"
                yield Finding(runbook.where("platforms", index), text)
        for step in runbook.steps:
            for name in step.run_on:
                place = step.where.key("run_on", name)
                if name not in known:
                    text = f"no platform named {name!r} in operations.yaml{did_you_mean(name, known)}"
                    yield Finding(place, text)
                elif runbook.platforms and name not in runbook.platforms:
                    yield Finding(place, f"the runbook does not run on {name!r}, as its platforms say")
