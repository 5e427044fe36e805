"""`make drill`: run drills, print what happened, keep the report."""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp

from config.spec.load import load_project
from config.spec.model import Project
from config.spec.names import did_you_mean
from observability.scale import parse_factor, scaled
from scripts.drill.days import Days
from scripts.drill.digests import Digests, severity_of_digest
from scripts.drill.fault import Daily
from scripts.drill.faults import FAULTS, QUICK
from scripts.drill.scenario import Scenario, severity_told_at_once
from scripts.drill.stage import Stage
from scripts.drill.verdict import Drill, as_read, as_table, save
from scripts.drill.world import HarnessError, World
from scripts.stack.home import ROOT, Home, HomeError
from scripts.stack.local import StackError, running
from scripts.stack.lock import empty
from scripts.stack.ports import PortError, Ports
from scripts.stack.told import cancel_when_told

PASSED, FAILED, _, BROKEN = range(4)
STOPPED = 130
# Never an exit code: less than BROKEN, so that whatever else went wrong is told instead.
TOO_SLOW = -1
_SLOW_ENOUGH = 15.0  # times as fast as life; slower takes too long to be waited for
# A stack on a quiet machine starts and settles in less, so that a drill waits for its first window.
_START = timedelta(seconds=20)
_ALERTMANAGER = "local/alertmanager.yml"


def main() -> int:
    options = _parser().parse_args()
    begin = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begin:6.1f} s  {text}", flush=True)

    names, time_scale = options.alert or list(QUICK), options.time_scale
    drills, code = _attempt(names, time_scale, say)
    if code == TOO_SLOW and time_scale > _SLOW_ENOUGH:
        say(
            "once more, half as fast: this says nothing of the alerts, but that the machine could not keep up"
        )
        drills, code = _attempt(names, time_scale / 2, say)
    if not drills:
        return BROKEN if code == TOO_SLOW else code
    _show(drills, say)
    save(drills, ROOT / ".local" / "drills" / "report.json")
    return PASSED if all(drill.passed for drill in drills) else FAILED


def _attempt(names: list[str], time_scale: float, say: Callable[[str], None]) -> tuple[list[Drill], int]:
    """Return the drills, or none and why: BROKEN, STOPPED, or TOO_SLOW, when another attempt may end well."""
    codes = []
    try:
        return asyncio.run(_run(names, time_scale, say)), PASSED
    except* HarnessError as errors:
        codes.append(TOO_SLOW)
        _complain(errors)
    except* (HomeError, PortError, StackError, aiohttp.ClientError) as errors:
        codes.append(BROKEN)
        _complain(errors)
    except* (KeyboardInterrupt, asyncio.CancelledError):
        codes.append(STOPPED)
    return [], max(codes)


def _complain(errors: BaseExceptionGroup[BaseException]) -> None:
    for error in _leaves(errors):
        print(f"drill: {error}", file=sys.stderr)


async def _run(names: list[str], time_scale: float, say: Callable[[str], None]) -> list[Drill]:
    """Run the drills one after the other; those that wait for the wall clock go on beside the others."""
    cancel_when_told(say)
    project, problems, _ = load_project(ROOT / "config")
    if project is None:
        raise StackError("\n".join(map(str, problems)))
    width = max(map(len, names))
    faster = scaled(project, time_scale)
    plans = {name: Plan(project=faster, alert=name, time_scale=time_scale) for name in names}
    waiting = [name for name in plans if isinstance(FAULTS[name], Daily)]
    drills = {}
    async with asyncio.TaskGroup() as group:

        async def drill(name: str, is_up: asyncio.Event) -> None:
            drills[name] = await plans[name].run(lambda text: say(f"{name:{width}}  {text}"), is_up.set)

        for name in waiting:
            # One start at a time: it takes all of a small machine, and two might choose the same ports.
            is_up = asyncio.Event()
            group.create_task(drill(name, is_up))
            await is_up.wait()
        for name in plans:
            if name not in waiting:
                await drill(name, asyncio.Event())
    return [drills[name] for name in plans]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One drill and the stack that it gets; `project` is scaled already."""

    project: Project
    alert: str
    time_scale: float

    async def run(self, say: Callable[[str], None], is_up: Callable[[], None]) -> Drill:
        fault, alert, routing = FAULTS[self.alert], self.project.alerts[self.alert], self.project.routing
        severity_of = severity_of_digest if isinstance(fault, Daily) else severity_told_at_once
        drill = Drill(alert=self.alert, severity=severity_of(routing, alert), time_scale=self.time_scale)
        days = Days.after(datetime.now(UTC) + _START)
        home = Home(
            path=ROOT / ".local" / "drills" / self.alert,
            ports=Ports.free(),
            time_scale=self.time_scale,
            repeats=True,
            edits={_ALERTMANAGER: days.put_into} if isinstance(fault, Daily) else {},
        )
        say(f"severity {drill.severity}, {self.time_scale:g} times as fast as in life")
        await empty(home, say)
        async with running(home, say), aiohttp.ClientSession() as session:
            is_up()
            stage = Stage(
                project=self.project, scale=self.time_scale, world=World(home, session), drill=drill, say=say
            )
            try:
                if isinstance(fault, Daily):
                    await Digests(stage=stage, alert=alert, fault=fault, days=days).run()
                else:
                    await Scenario(stage=stage, alert=alert, fault=fault).run()
            except HarnessError:
                print(f"\n{drill.name}, so far\n{as_table(drill)}\n")
                raise
        say("PASSED" if drill.passed else "FAILED")
        return drill


def _show(drills: list[Drill], say: Callable[[str], None]) -> None:
    for drill in drills:
        print(f"\n{drill.name}\n{as_table(drill)}")
    for drill in drills:
        print(f"\n{as_read(drill)}")
    print()
    for drill in drills:
        say(f"{'PASSED' if drill.passed else 'FAILED'}  {drill.name}")


def _leaves(errors: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    """Return what went wrong, without the groups of tasks around it."""
    return [
        leaf
        for error in errors.exceptions
        for leaf in (_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.drill",
        description="Break something in a stack of its own and see that people hear of it in time.",
        epilog="Where the machine cannot keep up, all is tried once more, half as fast. "
        "Exit codes: 0 passed, 1 failed, 2 usage, 3 the drill itself broke.",
    )
    known = ", ".join(FAULTS)
    parser.add_argument("alert", nargs="*", type=_alert, metavar="ALERT", help=f"any of {known} (all)")
    parser.add_argument(
        "--time-scale",
        type=_time_scale,
        default=60,
        metavar="N",
        help="how much faster than life, 1 to 1000 (60)",
    )
    return parser


def _alert(name: str) -> str:
    if name not in FAULTS:
        raise argparse.ArgumentTypeError(f"no drill of {name!r}{did_you_mean(name, FAULTS)}")
    return name


def _time_scale(text: str) -> float:
    try:
        return parse_factor(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
