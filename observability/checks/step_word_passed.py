"""No word of a library or of the step itself is given to a program to run, as `timeout 5 WORD`.

Why: timeout, xargs, sudo and their like run programs, and a word is a function of this bash: it ends with
127, "No such file or directory", whenever it is needed.
Fix: call the word itself, which ends with the step's timeout; or use `timeout` inside the word.
"""

from collections.abc import Iterator

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.shell_calls import PROGRAMS
from observability.shell_steps import PRELUDE, owners, pieces


def check(project: Project) -> Iterator[Finding]:
    words = PRELUDE | owners(project).keys()
    for piece in pieces(project):
        for call in piece.calls:
            if call.by and call.by[-1] in PROGRAMS and call.name in words | piece.script.functions.keys():
                text = (
                    f"{call.by[-1]} runs programs, and {call.name} is a word of this bash: it ends with 127"
                )
                yield Finding(piece.place, text)
