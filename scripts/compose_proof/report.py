"""The steps of a run: each ok or FAILED, with its seconds and with what was seen."""

import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import aiohttp

from scripts.compose_proof.command import CommandError
from scripts.drill.world import HarnessError

_SHOWN = 5  # faults of one step in the table; all are said as they come


class StepError(Exception):
    """What a step proves is not so; each argument is one fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    what: str
    good: bool
    seconds: float
    seen: tuple[str, ...]


class Report:
    def __init__(self, say: Callable[[str], None]) -> None:
        self.rows: list[Row] = []
        self.say = say

    @property
    def passed(self) -> bool:
        return bool(self.rows) and all(row.good for row in self.rows)

    async def step(self, what: str, work: Coroutine[Any, Any, str]) -> bool:
        """Do the work of a step and keep how it ended; True if all was as it must be."""
        begin, good = time.monotonic(), False
        try:
            seen: tuple[str, ...] = (await work,)
            good = True
        except StepError as error:
            seen = tuple(map(str, error.args))
        except (CommandError, HarnessError, aiohttp.ClientError, OSError) as error:
            seen = (str(error) or type(error).__name__,)
        self.rows.append(Row(what=what, good=good, seconds=time.monotonic() - begin, seen=seen))
        for line in seen:
            self.say(f"{'ok    ' if good else 'FAILED'}  {what}: {line}")
        return good


def as_table(rows: list[Row]) -> str:
    width = max((len(row.what) for row in rows), default=0)
    lines = []
    for row in rows:
        more = [f"and {len(row.seen) - _SHOWN} more"] if len(row.seen) > _SHOWN else []
        first, *rest = [*row.seen[:_SHOWN], *more]
        lines.append(f"{'ok' if row.good else 'FAILED':6}  {row.what:{width}}  {row.seconds:6.1f} s  {first}")
        lines += [f"{'':{width + 20}}{line}" for line in rest]
    return "\n".join(lines)
