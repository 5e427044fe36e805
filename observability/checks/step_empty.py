"""What is removed, stopped or deleted is named by a value that cannot be empty.

Why: `set -u` refuses a variable that is not set, and takes an empty one: `rm -rf "$folder"/*` then removes
everything from the root on, and a selector that is empty selects all. Others lost whole fleets to it.
Fix: write `${NAME:?}`, which fails when it is empty.
"""

import re
from collections.abc import Iterator, Set

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.shell_calls import Call
from observability.shell_parts import Word
from observability.shell_steps import Piece, pieces

_REMOVES = {"rm", "rmi", "stop", "kill", "restart", "down", "prune", "delete", "drain", "scale"}
_GUARDED = {":?", "length", ":+", "+"}
_DELETES = re.compile(r"\b(DELETE\s+FROM|TRUNCATE|DROP\s+\w+|UPDATE\s+\w+\s+SET)\b", re.IGNORECASE)
_DATABASE = {"dropdb", "dropuser"}


def check(project: Project) -> Iterator[Finding]:
    for piece in pieces(project):
        full = _never_empty(piece)
        for call in piece.calls:
            for word in _selecting(call):
                for name in _open(word, full):
                    text = f"`{call}` with an empty ${name} means something else; write ${{{name}:?}}"
                    yield Finding(piece.place, text)


def _selecting(call: Call) -> Iterator[Word]:
    """Yield the words that say what is removed."""
    if call.name == "rm":
        if call.has("-r", "-R", "--recursive") or any("*" in one for one in call.arguments):
            yield from call.words[1:]
    elif (
        call.name == "find" and any(one in ("-delete", "rm") for one in call.arguments)
    ) or call.name in _DATABASE:
        yield from call.words[1:]
    elif engine := call.engine():
        if engine[0].rpartition(" ")[2] in _REMOVES:
            yield from engine[1]
    else:
        words = [*call.words[1:], *(one.body or one.target for one in call.command.redirects)]
        yield from (word for word in words if _DELETES.search(word.text))


def _open(word: Word, full: Set[str]) -> Iterator[str]:
    for one in word.expansions:
        if one.operator not in _GUARDED and one.name not in full and one.name != "#":
            has_default = one.operator in (":-", ":=") and not re.search(r":[-=]\}", word.text)
            if not has_default:
                yield one.name


def _never_empty(piece: Piece) -> Set[str]:
    """Return parameters whose pattern matches no empty text, what the engine gives, and folders just made."""
    names = {
        name.upper()
        for name, parameter in piece.runbook.parameters.items()
        if not _matches_empty(parameter.pattern)
    }
    made = {
        name
        for command in piece.commands
        for name, word in command.assigned
        if [one.name for one in word.commands] == ["mktemp"]
    }
    guarded = {
        one.name
        for command in piece.commands
        if command.name == ":"
        for word in command.words
        for one in word.expansions
        if one.operator == ":?"
    }
    engine = {"RUNBOOK_RUN_DIR", "RUNBOOK_ID"}
    return names | made | guarded | engine


def _matches_empty(pattern: str) -> bool:
    try:
        return re.fullmatch(pattern, "") is not None
    except re.error:
        return True
