"""An action is verified, and says either how it is undone or why it cannot be.

Why: a command that ends with 0 has not proved that it worked; and who has to go back at night must not have
to think of the way.
Fix: add `verify`, a probe that sees the effect; add `undo`, or `undo_not` with the reason.
"""

from collections.abc import Iterator

from config.spec.model import Project
from observability.checks.finding import Finding


def check(project: Project) -> Iterator[Finding]:
    for runbook in project.runbooks.values():
        for step in runbook.steps:
            if step.kind != "action":
                continue
            if step.verify is None:
                yield Finding(step.where("id"), "an action without verify: nobody knows whether it worked")
            if step.undo is None and step.undo_not is None:
                yield Finding(step.where("id"), "an action needs undo, or undo_not with the reason")
            if step.undo is not None and step.undo_not is not None:
                yield Finding(step.where.key("undo_not"), "undo_not beside undo: only one can be true")
            if step.on_failure == "rollback" and not any(one.undo for one in runbook.steps):
                yield Finding(step.where("on_failure"), "there is nothing to roll back: no step has an undo")
