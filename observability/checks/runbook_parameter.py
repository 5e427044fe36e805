"""The parameters of a runbook are used, their defaults fit their patterns, and they hide no other variable.

Why: a default that its own pattern refuses stops the script at night; a parameter `path` would become $PATH,
after which no program is found; a pattern that fits an empty text protects nothing.
Fix: correct the default or the pattern; rename the parameter; remove one that no step uses.
"""

import re
from collections.abc import Iterator

from config.spec.model import Project
from config.spec.runbook import Parameter, Runbook
from observability.checks.finding import Finding
from observability.shell_steps import pieces, used_by

_TAKEN = {
    *("path", "home", "ifs", "user", "uid", "pwd", "shell", "term", "lang", "tmpdir", "hostname", "random"),
    *("seconds", "lineno", "reply", "ppid", "euid", "optarg", "optind", "tz", "ps4", "bash_env", "env"),
}


def check(project: Project) -> Iterator[Finding]:
    secrets = {name.lower() for name in project.operations.secrets} if project.operations else set()
    for name, runbook in project.runbooks.items():
        used = {
            one.name
            for piece in pieces(project)
            if piece.name == name
            for command in piece.commands
            for word in command.all_words
            for one in word.expansions
        }.union(*(library.variables for library in used_by(project, runbook)))
        for parameter in runbook.parameters.values():
            if parameter.name in _TAKEN or parameter.name.startswith("runbook_"):
                text = (
                    f"${parameter.name.upper()} is a variable of the shell or the engine; take another name"
                )
                yield Finding(parameter.where(), text)
            elif parameter.name in secrets:
                yield Finding(
                    parameter.where(), "a secret as a parameter would be an argument that everybody sees"
                )
            elif parameter.name.upper() not in used and not _confirms(runbook, parameter):
                yield Finding(parameter.where(), f"no step uses ${parameter.name.upper()}", "warning")
            yield from _default(parameter)


def _confirms(runbook: Runbook, parameter: Parameter) -> bool:
    return any(f"${parameter.name.upper()}" in (step.confirm or "") for step in runbook.steps)


def _default(parameter: Parameter) -> Iterator[Finding]:
    try:
        fits = parameter.default is None or re.fullmatch(parameter.pattern, parameter.default)
    except re.error:
        return  # step_expect tells of it
    if not fits:
        text = f"the default {parameter.default!r} does not match the pattern {parameter.pattern!r}"
        yield Finding(parameter.where("default"), text)
