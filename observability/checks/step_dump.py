"""Dumps are made in pg_dump's own format, and go back by pg_restore, which stops at the first error.

Why: a plain dump that is cut off in the middle goes into psql with 0, with half of the tables empty; so does
one onto a database that is not empty. pg_restore goes on after errors unless it is told to stop.
Fix: `pg_dump --format=custom`; to go back `pg_restore --exit-on-error --single-transaction`, into a new
database.
"""

import re
from collections.abc import Iterator, Sequence

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.shell_calls import Call
from observability.shell_parts import Simple
from observability.shell_steps import pieces

_FORMAT = re.compile(r"(-[A-Za-z]*F|--format=?)\s*(c|d|t|custom|directory|tar)?")
_OWN = re.compile(r"c|d|t|custom|directory|tar")
_READERS = {"cat", "zcat", "gzip", "gunzip", "xzcat", "zstdcat", "bzcat"}


def check(project: Project) -> Iterator[Finding]:
    for piece in pieces(project):
        for call in piece.calls:
            if fault := _fault(call, piece.commands):
                yield Finding(piece.place, fault)


def _fault(call: Call, commands: Sequence[Simple]) -> str | None:
    if call.has("--version"):
        return None
    if call.name == "pg_dump" and not _is_own(call.arguments) and not call.has("-s", "--schema-only"):
        return "pg_dump makes a plain dump, of which half is taken for the whole; give it --format=custom"
    if call.name == "psql" and _is_fed(call, commands):
        return (
            "psql takes half of a dump for the whole; make it by pg_dump --format=custom, and use pg_restore"
        )
    into = call.has("-d", "--dbname")
    if (
        call.name == "pg_restore"
        and into
        and not call.has("-e", "--exit-on-error", "-1", "--single-transaction")
    ):
        return "pg_restore goes on after an error; give it --exit-on-error --single-transaction"
    return None


def _is_own(arguments: Sequence[str]) -> bool:
    for given, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if found := _FORMAT.fullmatch(given):
            return bool(found[2] or _OWN.fullmatch(following))
    return False


def _is_fed(call: Call, commands: Sequence[Simple]) -> bool:
    """Whether a file is read into it, by `<` or by a program before it."""
    if any(one.operator == "<" and not one.target.commands for one in call.command.redirects):
        return True
    if call.command.before != "|" or call.command not in commands:
        return False
    at = next(index for index, one in enumerate(commands) if one is call.command)
    return commands[at - 1].name in _READERS
