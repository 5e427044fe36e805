"""`make quiet-day`: a day on which all is well, and nobody is told of anything."""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict

import aiohttp

from config.spec.duration import Duration
from config.spec.load import load_project
from config.spec.names import did_you_mean
from observability.scale import parse_factor
from scripts.drill.fault import Fault, Setup
from scripts.drill.faults import FAULTS
from scripts.drill.theatre import leaves
from scripts.drill.world import HarnessError
from scripts.quiet_day.played import Played, play
from scripts.quiet_day.programme import DAY, RESTARTS, Part
from scripts.stack.home import ROOT, HomeError
from scripts.stack.local import StackError
from scripts.stack.ports import PortError
from scripts.stack.told import cancel_when_told

QUIET, LOUD, _, BROKEN = range(4)
STOPPED = 130
FOLDER = ROOT / ".local" / "quiet-day"
_HOUR = 3_600_000
# A scrape of postgres_exporter takes 35 ms and more, and twice as fast that is all that Prometheus waits for.
_FAST = 120


def main() -> int:
    options = _parser().parse_args()
    begin = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begin:6.1f} s  {text}", flush=True)

    codes: list[int] = []
    parts: list[Played] = []
    try:
        parts = asyncio.run(_run(options, say))
    except* (HarnessError, HomeError, PortError, StackError, aiohttp.ClientError, OSError) as errors:
        codes.append(BROKEN)
        for error in leaves(errors):
            print(f"quiet-day: {error}", file=sys.stderr)
    except* (KeyboardInterrupt, asyncio.CancelledError):
        codes.append(STOPPED)
    if codes:
        return max(codes)
    show(parts)
    save(parts)
    return QUIET if all(part.is_quiet for part in parts) else LOUD


async def _run(options: argparse.Namespace, say: Callable[[str], None]) -> list[Played]:
    cancel_when_told(say)
    project, problems, _ = load_project(ROOT / "config")
    if project is None:
        raise StackError("\n".join(map(str, problems)))
    planted = planted_of(options.plant) if options.plant else None
    every = [(DAY.until(options.hours), options.time_scale), (RESTARTS, options.restart_scale)]
    if planted:
        every = every[:1]  # a negative control needs but one
    width = max(len(part.name) for part, _ in every)
    played: dict[str, Played] = {}
    async with asyncio.TaskGroup() as group:

        async def one(part: Part, scale: float) -> None:
            def told(text: str) -> None:
                say(f"{part.name:{width}}  {text}")

            for slower in (1, 2):
                try:
                    played[part.name] = await play(project, part, scale / slower, FOLDER, told, planted)
                except* HarnessError as errors:
                    if slower == 2:
                        raise
                    # This says nothing of the alerts, but that the machine could not keep up.
                    told(f"once more, half as fast: {leaves(errors)[0]}")
                else:
                    return

        for part, scale in every:
            group.create_task(one(part, scale))
    return [played[part.name] for part, _ in every]


def planted_of(alert: str) -> Fault:
    """Return the fault of an alert's drill; raise ValueError if it needs a stack of another kind."""
    fault = FAULTS.get(alert)
    fitting = [name for name, one in FAULTS.items() if isinstance(one, Fault) and one.setup == Setup()]
    if not isinstance(fault, Fault) or alert not in fitting:
        raise ValueError(f"no fault of {alert!r} can be planted{did_you_mean(alert, fitting)}")
    return fault


def show(parts: Sequence[Played]) -> None:
    for part in parts:
        print(
            f"\n{part.part}: {part.hours:g} hours, {part.time_scale:g} times as fast as in life; "
            f"{part.signals} signals, {part.orders} orders, {part.beats} heartbeats, {part.digests} digests, "
            f"{part.missed:.1%} of the evaluations left out"
        )
        for happened in part.happened:
            print(f"  {happened}")
        rows = [
            (
                f"{one.alert} ({one.severity})",
                f"{one.share:.0%}",
                _life(one.held),
                _life(one.needed),
                one.labels,
            )
            for one in part.pending
        ]
        head = ("held for a while", "near", "longest", "for", "of")
        widths = [max(len(row[column]) for row in (head, *rows)) for column in range(4)]
        for row in (head, *rows) if rows else [("nothing held for a while",)]:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
            print("  " + "  ".join([*cells, *row[4:]]).rstrip())
        for told in part.told:
            print(f"  TOLD   {told}")
        for fired in part.fired:
            print(f"  FIRED  {fired}")
        for name in part.silent:
            print(f"  MISSING  no {name} came")
        print(f"  {'QUIET' if part.is_quiet else 'NOT QUIET'}")


def save(parts: Sequence[Played]) -> None:
    """Write what was shown as JSON."""
    data = [{**asdict(part), "quiet": part.is_quiet} for part in parts]
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "report.json").write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _life(seconds: float) -> str:
    return str(Duration(round(seconds) * 1000))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.quiet_day",
        description="Play a day on which all is well, and see that nobody is told of anything but the "
        "heartbeat and the digest. Restarts have a stack of their own, as programs start no faster.",
        epilog="Exit codes: 0 quiet, 1 somebody was told or an alert fired, 2 usage, 3 it was not played.",
    )
    add = parser.add_argument
    add("--hours", type=_hours, default=Duration(24 * _HOUR), metavar="N", help="how long a day (24)")
    add(
        "--time-scale",
        type=parse_factor,
        default=_FAST,
        metavar="N",
        help="how fast the day is, 1 to 1000 (120)",
    )
    add("--restart-scale", type=parse_factor, default=10, metavar="N", help="how fast restarts are (10)")
    add(
        "--plant", type=_alert, metavar="ALERT", help="break what this alert tells of: it must not stay quiet"
    )
    return parser


def _hours(text: str) -> Duration:
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0 < hours <= 24:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of hours up to 24")
    return Duration(round(hours * _HOUR))


def _alert(text: str) -> str:
    try:
        planted_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


if __name__ == "__main__":
    sys.exit(main())
