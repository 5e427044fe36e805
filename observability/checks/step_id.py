"""The steps of a runbook have ids of their own; `measure` and `resolved` are those that are added.

Why: `--step` and `--from` take an id, and a resumed run knows by it what was done.
Fix: rename one.
"""

from collections.abc import Iterator

from config.spec.model import Project
from config.spec.problem import Place, Related
from observability.checks.finding import Finding

_ADDED = ("measure", "resolved")


def check(project: Project) -> Iterator[Finding]:
    for runbook in project.runbooks.values():
        seen: dict[str, Place] = {}
        for step in runbook.steps:
            place = step.where("id")
            if step.id in _ADDED:
                yield Finding(place, f"{step.id!r} is a step that every runbook with alerts gets")
            elif step.id in seen:
                first = Related(seen[step.id], "the other one")
                yield Finding(place, f"step {step.id!r} exists twice", related=(first,))
            seen.setdefault(step.id, place)
