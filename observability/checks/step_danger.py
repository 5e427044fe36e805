"""An action of high danger has a text that must be typed, and that text names what is changed.

Why: `--yes` is typed out of habit; the name of the database is not. A text to type that nobody asks for
protects nothing.
Fix: give `danger: high` and `confirm` together; a $PARAMETER in it is one of the runbook.
"""

import re
from collections.abc import Iterator

from config.spec.model import Project
from config.spec.names import did_you_mean
from observability.checks.finding import Finding

_NAME = re.compile(r"\$\{?(?P<name>[A-Za-z_]\w*)")


def check(project: Project) -> Iterator[Finding]:
    for runbook in project.runbooks.values():
        parameters = [name.upper() for name in runbook.parameters]
        for step in runbook.steps:
            if step.danger == "high" and step.confirm is None:
                yield Finding(step.where("danger"), "danger: high without confirm, the text to type")
            if step.confirm is not None and step.danger != "high":
                yield Finding(
                    step.where("confirm"), "nobody asks for the text of confirm without danger: high"
                )
            for found in _NAME.finditer(step.confirm or ""):
                if found["name"] not in parameters:
                    text = f"no parameter ${found['name']}{did_you_mean(found['name'], parameters)}"
                    yield Finding(step.where("confirm"), text)
