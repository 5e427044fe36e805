"""The regular expressions of `expect` and of parameters can be read by `grep -E`.

Why: grep ends with 2 on one that it cannot read, which is neither a match nor none; Perl's \\d is, to `grep
-E`, a d.
Fix: use [0-9], [[:space:]] and so on; close the brackets.
"""

import re
from collections.abc import Iterator

from config.spec.model import Project
from observability.checks.finding import Finding

_CLASS = re.compile(r"\[\[:(\w+):\]")
_PERL = re.compile(r"(?<!\\)(?:\\\\)*(?P<what>\\[dDAZzhHvVRKQEpP]|\(\?[:=!<P#imsx]|[*+?}]\?)")


def check(project: Project) -> Iterator[Finding]:
    for runbook in project.runbooks.values():
        for step in runbook.steps:
            for key in ("matches", "lacks") if step.expect else ():
                if step.expect and (fault := _fault(getattr(step.expect, key) or "")):
                    yield Finding(step.expect.where(key), fault)
        for parameter in runbook.parameters.values():
            if fault := _fault(parameter.pattern):
                yield Finding(parameter.where("pattern"), fault)


def _fault(pattern: str) -> str | None:
    if found := _PERL.search(pattern):
        return f"{found['what']!r} means something else to grep -E"
    try:
        re.compile(_CLASS.sub("[a", pattern))
    except re.error as error:
        return f"no regular expression: {error}"
    return None
