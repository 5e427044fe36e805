"""A runbook has steps, or is a script that is written by hand with a page that says how to use it.

Why: of a runbook with both only one would be run; one with neither does nothing.
Fix: remove one of the two; `script` goes with `how`, and names a library.
"""

from collections.abc import Iterator

from config.spec.model import Project
from config.spec.names import did_you_mean
from config.spec.runbook import Runbook
from observability.checks.finding import Finding

_OF_STEPS = ("lock", "evidence", "parameters", "resolved", "platforms")


def check(project: Project) -> Iterator[Finding]:
    for runbook in project.runbooks.values():
        if runbook.script is None:
            if not runbook.steps:
                yield Finding(runbook.where("title"), "a runbook without steps and without a script")
            if runbook.how is not None:
                yield Finding(runbook.where.key("how"), "how is for a script; steps say it by themselves")
        else:
            yield from _script(project, runbook, runbook.script)


def _script(project: Project, runbook: Runbook, script: str) -> Iterator[Finding]:
    if script not in project.libraries:
        text = f"no library named {script!r}{did_you_mean(script, project.libraries)}"
        yield Finding(runbook.where("script"), text)
    if runbook.how is None:
        yield Finding(runbook.where("script"), "a script without how: the page cannot say how to use it")
    if runbook.steps:
        yield Finding(runbook.where.key("steps"), "steps beside script: they would not be run")
    for key in _OF_STEPS:
        if getattr(runbook, key):
            yield Finding(runbook.where.key(key), f"{key} beside script: the script does not know it")
