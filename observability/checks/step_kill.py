"""What is ended is the very process or session that was looked at, not what has its number or name now.

Why: a number is given anew as soon as its process has ended, and a name fits others as well: a backup, the
shell of the person who types. A filter such as `<> '<IDLE>'`, which no state has been since version 9.2, ends
every session.
Fix: stop a service by its manager; end a session in one statement by pid and backend_start (and query_start
for a query); kill a process only if its start is the one that was seen, or if it is `$!`.
"""

import re
from collections.abc import Iterator

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.shell_calls import Call
from observability.shell_steps import Piece, pieces

_ENDS = re.compile(r"\bpg_(terminate|cancel)_backend\s*\(", re.IGNORECASE)
_START = re.compile(r"\b(backend|query|xact)_start\b", re.IGNORECASE)
# A pid that was looked up before, and not by the statement itself.
_NUMBER = re.compile(r"(_backend\s*\(|\bpid\s*(=|IN\s*\())\s*[$:'\"\d]", re.IGNORECASE)
_IDLE = "<IDLE>"
_SEEN = re.compile(r"lstart|/proc/[^ ]*/stat\b")


def check(project: Project) -> Iterator[Finding]:
    for piece in pieces(project):
        for call in piece.calls:
            if fault := _fault(piece, call):
                yield Finding(piece.place, f"`{call}`: {fault}")
        for text in (word.text for command in piece.commands for word in command.all_words):
            if found := _ENDS.search(text):
                if _NUMBER.search(text) and not _START.search(text):
                    what = found.group().rstrip(" (")
                    yield Finding(
                        piece.place, f"{what} by pid alone may hit another session; compare backend_start"
                    )
                if _IDLE in text:
                    yield Finding(piece.place, f"no session has the state {_IDLE}: this ends all of them")


def _fault(piece: Piece, call: Call) -> str | None:
    if call.name in ("pkill", "killall"):
        return "the name may fit other processes as well"
    if call.name != "kill" or call.arguments[:1] in (["-0"], ["-l"]):
        return None
    children = {name for command in piece.commands for name, word in command.assigned if "$!" in word.text}
    for word in call.words[1:]:
        own = not word.commands and all(one.name == "!" or one.name in children for one in word.expansions)
        if not own and not _SEEN.search(piece.text):
            return "the number may be another process's by now; compare its start"
    return None
