"""psql reads no settings of the user, asks nobody, stops at the first error, and has a limit of time.

Why: without -X what somebody likes in ~/.psqlrc changes the output; without -w it waits for a password that
nobody types; without ON_ERROR_STOP a failed statement ends with 0; and when psql is killed, the server goes
on with the query unless statement_timeout ends it.
Fix: use a library's word for it, or `PGOPTIONS='-c statement_timeout=5s' psql -X -w -v ON_ERROR_STOP=1 …`.
"""

import re
from collections.abc import Iterator

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.shell_calls import Call
from observability.shell_steps import Piece, pieces

_STOPS = re.compile(r"ON_ERROR_STOP(=(1|on|true|yes))?", re.IGNORECASE)
_LIMIT = "statement_timeout"


def check(project: Project) -> Iterator[Finding]:
    for piece in pieces(project):
        for call in piece.calls:
            is_asked = call.name == "psql" and not call.has("-V", "--version")
            if lacking := list(_lacking(piece, call)) if is_asked else []:
                yield Finding(piece.place, f"`{_short(call)}` lacks {', '.join(lacking)}")


def _lacking(piece: Piece, call: Call) -> Iterator[str]:
    if not call.has("-X", "--no-psqlrc"):
        yield "-X"
    if not call.has("-w", "--no-password"):
        yield "-w"
    if not any(_STOPS.search(word) for word in call.arguments):
        yield "-v ON_ERROR_STOP=1"
    if not any(_LIMIT in word.raw for command in piece.commands for word in command.all_words):
        yield _LIMIT


def _short(call: Call) -> str:
    return " ".join(str(call).split()[:6])
