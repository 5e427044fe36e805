"""VACUUM checks nothing: no probe or verification runs it, and no step says that it finds damage.

Why: over an index in a wrong order it ends with 0, and over a page with a wrong checksum as well, if the page
is marked as frozen; it also writes, and takes what the server has for others.
Fix: `pg_amcheck --heapallindexed` reads tables and indexes; pg_stat_database.checksum_failures counts bad
pages.
"""

import re
from collections.abc import Iterator

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.shell_steps import Piece, pieces

_CALLED = re.compile(r"\bVACUUM\b(?!\s*=)", re.IGNORECASE)
_PROVES = re.compile(r"\b(check|verif|integrity|corrupt|damage|intact)\w*", re.IGNORECASE)
_COLUMNS = re.compile(
    r"\b(last_vacuum|last_autovacuum|vacuum_count|pg_stat_progress_vacuum)\b", re.IGNORECASE
)


def check(project: Project) -> Iterator[Finding]:
    for piece in pieces(project):
        said = f"{piece.step.title} {piece.step.why}"
        if _vacuums(piece) and (piece.only_reads or _PROVES.search(said)):
            yield Finding(
                piece.place, "VACUUM finds no damage, and writes; pg_amcheck --heapallindexed reads all"
            )


def _vacuums(piece: Piece) -> bool:
    """Whether it runs vacuumdb, or hands a statement on."""
    texts = (word.text.lstrip() for command in piece.commands for word in command.all_words)
    statements = (part.strip() for text in texts for part in text.split(";"))
    return any(call.name == "vacuumdb" for call in piece.calls) or any(
        _CALLED.match(one) and not _COLUMNS.match(one) for one in statements
    )
