"""No query asks for columns that PostgreSQL has renamed.

Why: since version 13 pg_stat_statements has total_exec_time for total_time, and so on; since 17
shared_blk_read_time for blk_read_time. The query fails when the slow statement is looked for.
Fix: use the new name, or look up in pg_attribute which one is there.
"""

import re
from collections.abc import Iterator

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.shell_steps import pieces

_RENAMED = {
    **{f"{what}_time": f"{what}_exec_time" for what in ("total", "mean", "min", "max", "stddev")},
    **{f"blk_{what}_time": f"shared_blk_{what}_time" for what in ("read", "write")},
}
_TABLE = "pg_stat_statements"
_NAME = re.compile(rf"(?<!\bAS )(?<![\w'])(?P<name>{'|'.join(_RENAMED)})\b", re.IGNORECASE)


def check(project: Project) -> Iterator[Finding]:
    for piece in pieces(project):
        for text in (word.text for command in piece.commands for word in command.all_words):
            if _TABLE in text:
                for name in dict.fromkeys(found["name"].lower() for found in _NAME.finditer(text)):
                    yield Finding(piece.place, f"{_TABLE} has no {name} any more; it is {_RENAMED[name]}")
