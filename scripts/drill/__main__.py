"""`make drill`: run drills, print what happened, keep the report."""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from config.spec.load import load_project
from config.spec.model import Project
from config.spec.names import did_you_mean
from observability.scale import parse_factor
from scripts.drill import coverage
from scripts.drill.fault import Daily, Fault
from scripts.drill.faults import FAULTS, QUICK, UNDRILLED
from scripts.drill.lanes import Lanes, Play
from scripts.drill.page import as_page
from scripts.drill.theatre import LocalTheatre, how_mended
from scripts.drill.verdict import Drill, Verdict, as_read, as_table, save
from scripts.stack.home import ROOT, HomeError
from scripts.stack.local import StackError
from scripts.stack.ports import PortError
from scripts.stack.told import cancel_when_told

PASSED, FAILED, _, BROKEN = range(4)
STOPPED = 130
# Read by node_exporter of `make run`, so that its dashboards show it.
_TEXTFILE = ROOT / ".local" / "textfile"
_FOLDER, _SPECS = ROOT / ".local" / "drills", ROOT / "config"
# It waits for the wall clock, beside the others: begun last, it would be waited for alone.
_DAILY_SECONDS = 1000.0
_START_ERRORS = (HomeError, PortError, StackError)


def main() -> int:
    options = _parser().parse_args()
    begin = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begin:6.1f} s  {text}", flush=True)

    project, problems, _ = load_project(_SPECS)
    if project is None:
        print("\n".join(map(str, problems)), file=sys.stderr)
        return BROKEN
    names = list(FAULTS) if options.all else _names(options.alert) or list(QUICK)
    if options.list:
        _show_list(project)
        return PASSED
    if options.coverage:
        return _covered(project, options.coverage)
    drills: list[Drill] = []
    code = _play(project, plays(project, names, options.time_scale), options.lanes, say, drills)
    if drills:
        _show(drills, say)
        _FOLDER.mkdir(parents=True, exist_ok=True)
        _keep(project, drills)
    return code or exit_code(drills)


def _keep(project: Project, drills: Sequence[Drill]) -> None:
    """Write both reports, one for programs and one for people, and what Prometheus is to know."""
    save(drills, _FOLDER / "report.json")
    known = coverage.keep(_FOLDER, drills)
    _TEXTFILE.mkdir(parents=True, exist_ok=True)
    coverage.tell(_TEXTFILE, project, known)
    page = as_page(drills, UNDRILLED.items(), datetime.now(UTC))
    (_FOLDER / "report.html").write_text(page, "utf-8")
    print(f"\nThe report: {_FOLDER / 'report.html'}")


def _covered(project: Project, most: timedelta) -> int:
    """Show when each alert was drilled; return FAILED if one was not within so long."""
    now, known = datetime.now(UTC), coverage.read(_FOLDER)
    print(coverage.as_table(project, known, UNDRILLED, now))
    found = coverage.gaps(project, known, UNDRILLED, now, most)
    for sentence in found:
        print(f"drill: {sentence}", file=sys.stderr)
    return FAILED if found else PASSED


def plays(project: Project, names: Sequence[str], time_scale: float | None) -> list[Play]:
    """Return what is to be played, each at its own speed, or at a given one if that is slower."""
    return [_play_of(project, name, FAULTS[name], time_scale) for name in names]


def _play_of(project: Project, name: str, fault: Fault | Daily, time_scale: float | None) -> Play:
    speed = min(time_scale or fault.time_scale, fault.time_scale)
    if isinstance(fault, Daily):
        return Play(alert=name, fault=fault, time_scale=speed, long=_DAILY_SECONDS)
    life = fault.calm.seconds + project.alerts[name].detect_within.seconds + fault.over_within.seconds
    return Play(alert=name, fault=fault, time_scale=speed, long=life / speed)


def exit_code(drills: Sequence[Drill]) -> int:
    """Return FAILED if an alert did not do what it should, else BROKEN if a drill has no verdict."""
    verdicts = {drill.verdict for drill in drills}
    if Verdict.FAILED in verdicts:
        return FAILED
    return BROKEN if Verdict.HARNESS in verdicts else PASSED


def _play(
    project: Project, every: list[Play], width: int, say: Callable[[str], None], drills: list[Drill]
) -> int:
    async def run() -> None:
        cancel_when_told(say)
        theatre = LocalTheatre(project=project, say=say, folder=_FOLDER, specs=_SPECS)
        lanes = Lanes(theatre, every, ended=drills.append, errors=_START_ERRORS)
        await lanes.play(min(width, len(every)))

    code = PASSED
    try:
        asyncio.run(run())
    except* (KeyboardInterrupt, asyncio.CancelledError):
        code = STOPPED
    return code


def _show(drills: list[Drill], say: Callable[[str], None]) -> None:
    for drill in drills:
        print(f"\n{drill.name}\n{as_table(drill)}")
    for drill in drills:
        if drill.told:
            print(f"\n{as_read(drill)}")
    print()
    for drill in drills:
        say(f"{drill.said}  {drill.name}")


def _show_list(project: Project) -> None:
    for name in project.alerts:
        fault = FAULTS.get(name)
        if fault is None:
            print(f"{name}\n    no drill: {UNDRILLED.get(name, 'nobody has written one')}")
            continue
        print(f"{name}\n    fault     {fault.what}")
        if isinstance(fault, Fault):
            print(f"    mended    {how_mended(fault)}")
            if fault.stand_in:
                print(f"    stand-in  {fault.stand_in}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.drill",
        description="Break something in a stack of its own and see that people hear of it in time.",
        epilog="Where the machine cannot keep up, a drill is tried once more, half as fast. "
        "Exit codes: 0 passed, 1 failed, 2 usage, 3 a drill itself broke, 130 stopped.",
    )
    parser.add_argument(
        "alert", nargs="*", type=_alerts, metavar="ALERT", help="one or more, or one of each severity"
    )
    parser.add_argument("--all", action="store_true", help="every alert")
    parser.add_argument("--list", action="store_true", help="each alert with its fault and who mends it")
    parser.add_argument(
        "--coverage",
        type=_days,
        metavar="DAYS",
        help="show when each alert was drilled; fails if one did not pass within so many days",
    )
    parser.add_argument(
        "--time-scale",
        type=parse_factor,
        metavar="N",
        help="how much faster than life at most, 1 to 1000 (what each drill wants)",
    )
    parser.add_argument(
        "--lanes",
        type=_width,
        default=_usual_width(),
        metavar="N",
        help=f"so many stacks at a time ({_usual_width()})",
    )
    return parser


def _usual_width() -> int:
    """One more than there are processors: most of the time a stack waits for its own clock."""
    return (os.cpu_count() or 1) + 1


def _names(given: list[list[str]]) -> list[str]:
    return list(dict.fromkeys(name for names in given for name in names))


def _alerts(text: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    for name in names:
        if name not in FAULTS:
            raise argparse.ArgumentTypeError(f"no drill of {name!r}{did_you_mean(name, FAULTS)}")
    return names


def _days(text: str) -> timedelta:
    if not text.isdigit() or not 1 <= int(text) <= 3650:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 3650")
    return timedelta(days=int(text))


def _width(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 16:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 16")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
