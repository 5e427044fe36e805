"""A dump is proved by reading all of it, not by the list of what it should hold.

Why: `pg_restore --list` reads the first bytes: of a dump that is cut off, or has a wrong bit, it shows the
whole list and ends with 0.
Fix: `pg_restore --file=/dev/null DUMP` reads all of it; only a restore aside proves that it can go back.
"""

from collections.abc import Iterator

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.shell_steps import pieces


def check(project: Project) -> Iterator[Finding]:
    for piece in pieces(project):
        restores = [call for call in piece.calls if call.name == "pg_restore" and not call.has("--version")]
        listing = [call for call in restores if call.has("-l", "--list")]
        if listing and len(listing) == len(restores):
            text = f"`{listing[0]}` reads the first bytes; `pg_restore --file=/dev/null` reads all"
            yield Finding(piece.place, text)
