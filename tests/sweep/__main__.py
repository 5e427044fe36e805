"""`python -m tests.sweep`: kill the bot at every point of its scenarios, and print what was wrong then."""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts.postgres import temporary
from tests.sweep import plan
from tests.sweep.broken import BROKEN, nothing
from tests.sweep.plan import Group
from tests.sweep.scenarios import SCENARIOS
from tests.sweep.stage import Job, Result, Stage
from tests.sweep.workers import Workers

PROGRESS = 10.0  # seconds between two lines


@dataclass(slots=True)
class Row:
    """What is printed of one scenario, or of its recovery."""

    points: int = 0
    of: int = 0
    bare: float = 0.0  # seconds until every position had its whole stop, at most
    sites: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _arguments().parse_args(arguments)
    began = time.monotonic()
    broken = BROKEN.get(options.broken, nothing)
    with (
        tempfile.TemporaryDirectory(prefix="sweep-") as folder,
        temporary(Path(folder)) as dsn,
        Workers(dsn, options.jobs, lambda own: Stage(own, Path(folder), options.keep, broken)) as workers,
    ):
        rows = _swept(workers, options)
    _print(rows, time.monotonic() - began, with_sites=options.sites)
    return 1 if any(row.wrong for row in rows.values()) else 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.sweep",
        description="Kill the bot after every callback of its event loop, let the next one recover, and "
        "compare the books of exchange and database. `bare` are the seconds for which a position was at most "
        "without its whole stop after the recovery began.",
        epilog="exit codes: 0 nothing was wrong, 1 something was, 2 the command line is wrong",
    )
    parser.add_argument("--points", type=_positive, help="how many, an equal share of each scenario (all)")
    parser.add_argument("--seed", type=int, default=1, help="of the draw (default: 1)")
    names = [each.name for each in SCENARIOS]
    parser.add_argument("--scenario", choices=names, metavar="NAME", help="only this one of the table")
    parser.add_argument("--jobs", type=_positive, default=2, help="how many at a time (default: 2)")
    parser.add_argument(
        "--broken", choices=BROKEN, metavar="HOW", help="sweep a bot that is wrong on purpose"
    )
    parser.add_argument("--keep", type=Path, help="folder for what the runs that went wrong left")
    parser.add_argument(
        "--switches", action="store_true", help="throw one of the simulator's switches at each point"
    )
    parser.add_argument("--sites", action="store_true", help="also print where the bot was killed")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError("must be a whole number above zero")
    return int(text)


def _swept(workers: Workers, options: argparse.Namespace) -> dict[str, Row]:
    quotas = plan.quotas(plan.groups(options.scenario), options.points, options.seed)
    rows: dict[str, Row] = {}
    tried: list[tuple[Row, Job]] = []
    lengths = _lengths(workers, [group for group, _ in quotas])
    for (group, quota), (first, killed) in zip(quotas, lengths, strict=True):
        row = rows.setdefault(group.name, Row())
        row.of += killed + 1
        jobs = [group.job(first, point) for point in plan.drawn(killed, quota, options.seed)]
        tried += [(row, plan.thrown(job, options.seed) if options.switches else job) for job in jobs]
    for index, result in _watched(workers, [job for _, job in tried], "points"):
        row, job = tried[index]
        row.points += 1
        row.bare = max(row.bare, result.bare)
        row.sites.add(result.sites[-1])
        row.wrong += [f"{job.scenario.name}, {_told(job, result)}: {each}" for each in result.wrong]
    return rows


def _lengths(workers: Workers, groups: Sequence[Group]) -> list[tuple[int, int]]:
    """Of each, how many callbacks its first life has, and how many the life that is to be killed."""
    whole = _counted(workers, [Group(scenario=each.scenario).job(0, None) for each in groups])
    lengths = [(count, count) for count in whole]
    again = [index for index, each in enumerate(groups) if each.share is not None]
    counts = _counted(workers, [groups[index].job(whole[index], None) for index in again])
    for index, count in zip(again, counts, strict=True):
        lengths[index] = (whole[index], count)
    return lengths


def _counted(workers: Workers, jobs: list[Job]) -> list[int]:
    counts = [0] * len(jobs)
    for index, result in _watched(workers, jobs, "counting"):
        if result.wrong:
            raise RuntimeError(f"{jobs[index].scenario.name} does not run: {result.wrong}")
        counts[index] = result.callbacks
    return counts


def _watched(workers: Workers, jobs: list[Job], what: str) -> Iterator[tuple[int, Result]]:
    """Says how it goes, and at once what is wrong."""
    began = said = time.monotonic()
    for number, (index, result) in enumerate(workers.done(jobs), 1):
        yield index, result
        for each in result.wrong:
            told = f"{jobs[index].scenario.name}, {_told(jobs[index], result)}: {each}"
            print(f"WRONG {told}", file=sys.stderr, flush=True)
        if time.monotonic() - said > PROGRESS:
            said = time.monotonic()
            left = (said - began) / number * (len(jobs) - number)
            print(f"{what}: {number} of {len(jobs)}, {left:.0f} s left", file=sys.stderr, flush=True)


def _told(job: Job, result: Result) -> str:
    points = [point for point in (job.first, job.second) if point is not None]
    killed = zip(points, result.sites, strict=True)
    return ", then ".join(f"killed at {point} ({site})" for point, site in killed)


def _print(rows: dict[str, Row], seconds: float, *, with_sites: bool) -> None:
    print(f"{'scenario':40} {'points':>6} {'of':>6} {'sites':>6} {'bare':>6} {'wrong':>6}")
    for name, row in rows.items():
        _print_line(name, row)
    whole = Row(
        points=sum(row.points for row in rows.values()),
        of=sum(row.of for row in rows.values()),
        bare=max(row.bare for row in rows.values()),
        sites=set().union(*(row.sites for row in rows.values())),
        wrong=[each for row in rows.values() for each in row.wrong],
    )
    _print_line("all", whole)
    print(f"{seconds:.0f} s, {seconds / whole.points:.2f} s a point")
    if with_sites:
        print("\nsites:", *sorted(whole.sites), sep="\n  ")
    if whole.wrong:
        print("\nwrong:", *whole.wrong, sep="\n  ")


def _print_line(name: str, row: Row) -> None:
    print(f"{name:40} {row.points:6} {row.of:6} {len(row.sites):6} {row.bare:5g}s {len(row.wrong):6}")


if __name__ == "__main__":
    sys.exit(main())
