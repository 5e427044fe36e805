"""`python -m scripts.dispatch`: hold the model of Alertmanager against the program, and keep the report."""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path

import aiohttp
import yaml

from config.spec.load import load_project
from config.spec.model import Project
from observability.compile import Request, compile_bundle
from observability.render import alertmanager
from observability.report import as_text
from observability.scale import parse_factor, scaled
from observability.verify.tool import ToolMissingError
from scripts.dispatch import table
from scripts.dispatch.compare import TOLERANCE, Outcome, compared
from scripts.dispatch.courses import MISTAKES, SHORT_SCALE, copied, digests, mistaken, opening, short
from scripts.dispatch.program import ProgramError
from scripts.dispatch.recorded import for_recorder
from scripts.dispatch.timelines import Timeline, drawn
from scripts.drill.days import Days
from scripts.stack.home import ROOT
from scripts.stack.ports import Ports
from scripts.stack.told import cancel_when_told

PASSED, FAILED, _, BROKEN = range(4)
STOPPED = 130
_ATTEMPTS = 3  # each half as fast: what the machine was too slow for is no difference there
_LASTS = timedelta(seconds=12)
_AT_ONCE = 4
_MINUTE = timedelta(minutes=1)
# In short days: when a restart is over decides when the group is looked at from then on.
_LOOK = timedelta(seconds=2)
REPORT = ROOT / ".local" / "dispatch" / "report.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the report: `is_mistaken` says that a difference has to be found."""

    name: str
    acts: str
    time_scale: float
    outcome: Outcome
    is_mistaken: bool = False

    @property
    def passed(self) -> bool:
        return bool(self.outcome.differences) is self.is_mistaken


def main() -> int:
    options = _parser().parse_args()
    begin = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begin:6.1f} s  {text}", flush=True)

    try:
        if options.hours:
            return _hours()
        rows = asyncio.run(_run(options, say))
    except (ProgramError, ToolMissingError, aiohttp.ClientError, OSError) as error:
        print(f"dispatch: {error}", file=sys.stderr)
        return BROKEN
    except (KeyboardInterrupt, asyncio.CancelledError):
        return STOPPED
    _show(rows)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps([{**asdict(row), "passed": row.passed} for row in rows], indent=2), "utf-8")
    return PASSED if all(row.passed for row in rows) else FAILED


def rendered(scale: float) -> str:
    """Return Alertmanager's configuration of this machine at a time scale."""
    return alertmanager.render(scaled(_project(), scale))["local/alertmanager.yml"]


@cache
def _project() -> Project:
    project, problems, sources = load_project(ROOT / "config")
    if project is None:
        raise ProgramError(f"the specs have problems\n{as_text(problems, sources)}")
    return project


def _hours() -> int:
    """Print the table of all alerts; it needs no Alertmanager."""
    outcome = compile_bundle(Request(config_dir=ROOT / "config"), tests=False)
    if outcome.project is None or not outcome.files:
        raise ProgramError(f"the specs have problems\n{as_text(outcome.problems, outcome.sources)}")
    found = table.rows(outcome.project, outcome, table.this_year())
    for line in table.lines(found):
        print(line)
    return PASSED if all(row[0] == "ok" for row in found) else FAILED


async def tried(timeline: Timeline, scale: float) -> Row:
    """Compare; where something differs, compare again half as fast, and keep what differs there too."""
    for attempt in range(_ATTEMPTS):
        slower = 2**attempt
        outcome = await _compared(timeline.slower(slower), rendered(scale / slower))
        if not outcome.differences:
            break
    return _row(timeline, scale / slower, outcome)


async def caught(mistake: str) -> Row:
    """Let Alertmanager read a configuration with a mistake, and the model the right one; maybe slower."""
    for attempt in range(_ATTEMPTS):
        slower = 2**attempt
        right = copied(rendered(SHORT_SCALE / slower))
        outcome = await _compared(short().slower(slower), mistaken(right, mistake), of_model=right)
        if outcome.differences:
            break
    return Row(name=mistake, acts="", time_scale=SHORT_SCALE / slower, outcome=outcome, is_mistaken=True)


async def _digests() -> Row:
    """Minutes of the wall clock are the windows, as Alertmanager has no others."""
    days, timeline = Days.after(datetime.now(UTC) + _MINUTE / 4), digests()
    outcome = await _compared(
        timeline, days.put_into(rendered(1)), origin=opening(days.first), tolerance=_LOOK
    )
    return _row(timeline, 1, outcome)


async def _compared(
    timeline: Timeline,
    config: str,
    *,
    of_model: str = "",
    origin: datetime | None = None,
    tolerance: timedelta = TOLERANCE,
) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="dispatch-") as folder:
        port = Ports.free().alertmanager
        return await compared(
            timeline, config, Path(folder), port, of_model=of_model, origin=origin, tolerance=tolerance
        )


def _row(timeline: Timeline, scale: float, outcome: Outcome) -> Row:
    acts = ", ".join(act.value for act in timeline.acts)
    return Row(name=timeline.name, acts=acts, time_scale=scale, outcome=outcome)


async def _run(options: argparse.Namespace, say: Callable[[str], None]) -> list[Row]:
    cancel_when_told(say)
    scale = options.time_scale
    read = yaml.safe_load(for_recorder(rendered(scale), port=1))
    seeds = range(options.seed, options.seed + options.count)
    timelines = [drawn(seed, read, scale, _LASTS) for seed in seeds]
    say(f"{len(timelines)} timelines of {_LASTS.seconds} s, {scale:g} times as fast as in life")
    # Those that wait for the wall clock go on beside the others.
    waiting = asyncio.create_task(_digests()) if options.digests else None
    try:
        rows = await _some_at_once([partial(tried, one, scale) for one in timelines])
        say(f"{len(MISTAKES)} configurations with a mistake, which must be found")
        rows += [await tried(short(), SHORT_SCALE)]
        rows += await _some_at_once([partial(caught, one) for one in MISTAKES])
        if waiting:
            say("the digest in four windows of a minute")
            rows.append(await waiting)
    finally:
        if waiting:
            waiting.cancel()
    return rows


async def _some_at_once(works: Sequence[Callable[[], Awaitable[Row]]]) -> list[Row]:
    room = asyncio.Semaphore(_AT_ONCE)

    async def work(one: Callable[[], Awaitable[Row]]) -> Row:
        async with room:
            return await one()

    return list(await asyncio.gather(*map(work, works)))


def _show(rows: Sequence[Row]) -> None:
    print(f"\n{'':6}  {'timeline':42}  sent  worst    what was done, why it was sent, what differs")
    for row in rows:
        verdict = "ok" if row.passed else "FAILED"
        why = ", ".join(f"{count} {name}" for name, count in sorted(row.outcome.why.items()))
        told = "; ".join(part for part in (row.acts, why) if part)
        print(f"{verdict:6}  {row.name:42}  {row.outcome.sent:4}  {row.outcome.late:.3f} s  {told}")
        for difference in row.outcome.differences[:1] if row.passed else row.outcome.differences:
            print(f"{'':18}{'found: ' if row.passed else ''}{difference}")
    alike = [row for row in rows if not row.is_mistaken]
    whys = sum((Counter(row.outcome.why) for row in alike), Counter[str]())
    shown = ", ".join(f"{count} {name}" for name, count in whys.most_common())
    late = max((row.outcome.late for row in alike), default=0.0)
    print(
        f"\n{sum(row.passed for row in alike)} of {len(alike)} timelines alike: {sum(whys.values())} "
        f"notifications ({shown}), at most {late:.3f} s off, allowed {TOLERANCE.total_seconds():g} s; "
        f"{sum(row.passed for row in rows if row.is_mistaken)} of {len(rows) - len(alike)} mistakes found"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.dispatch",
        description="Play timelines of alerts on a real Alertmanager with the generated routing, and compare "
        "what it sends with what the model computes.",
        epilog="Where something differs, all is tried half as fast, up to twice. "
        "Exit codes: 0 alike, 1 different, 2 usage, 3 it could not be compared.",
    )
    parser.add_argument("--count", type=_count, default=16, metavar="N", help="how many timelines (16)")
    parser.add_argument("--seed", type=_count, default=1, metavar="N", help="the seed of the first one (1)")
    parser.add_argument("--time-scale", type=parse_factor, default=40, metavar="N", help="1 to 1000 (40)")
    parser.add_argument(
        "--digests", action="store_true", help="also four windows of the digest, which take eight minutes"
    )
    parser.add_argument(
        "--hours",
        action="store_true",
        help="only show who is told of each alert at every hour of a year, and how late, in the model",
    )
    return parser


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 on")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
