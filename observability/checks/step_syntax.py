"""Every piece of shell of a step, and every library, can be read: quotes, brackets and keywords are closed.

Why: a script with such a mistake ends with a syntax error in the middle of an incident, or takes the steps
behind it for text.
Fix: close what the message names; `bash -n` and shellcheck, which read the script that is made, tell more.
"""

from collections.abc import Iterator

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.shell import ShellError, parse


def check(project: Project) -> Iterator[Finding]:
    for runbook in project.runbooks.values():
        for step in runbook.steps:
            for key, text in step.shell.items():
                if fault := _fault(text):
                    yield Finding(step.where(*key.split(".")), f"no shell: {fault}")
        for index, name in enumerate(runbook.uses):
            if fault := _fault(project.libraries.get(name, "")):
                yield Finding(runbook.where("uses", index), f"lib/{name}.sh is no shell: {fault}")


def _fault(text: str) -> str | None:
    try:
        parse(text)
    except ShellError as error:
        return str(error)
    return None
