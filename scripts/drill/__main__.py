"""`make drill`: run drills, print what happened, keep the report."""

import argparse
import asyncio
import sys
import time

import aiohttp

from config.spec.load import load_project
from config.spec.names import did_you_mean
from observability.scale import parse_factor, scaled
from scripts.drill.faults import FAULTS
from scripts.drill.scenario import Scenario
from scripts.drill.verdict import Drill, as_table, save
from scripts.drill.world import HarnessError, World
from scripts.stack.home import ROOT, Home, HomeError
from scripts.stack.local import StackError, running
from scripts.stack.lock import empty
from scripts.stack.ports import PortError, Ports
from scripts.stack.told import cancel_when_told

PASSED, FAILED, _, BROKEN = range(4)


def main() -> int:
    options = _parser().parse_args()
    try:
        drills = [asyncio.run(_drill(name, options.time_scale)) for name in options.alert or list(FAULTS)]
    except (HarnessError, HomeError, PortError, StackError, aiohttp.ClientError, ExceptionGroup) as error:
        print(f"drill: {error}", file=sys.stderr)
        return BROKEN
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    save(drills, ROOT / ".local" / "drills" / "report.json")
    return PASSED if all(drill.passed for drill in drills) else FAILED


async def _drill(alert: str, time_scale: float) -> Drill:
    begin = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begin:6.1f} s  {text}", flush=True)

    drill = Drill(alert=alert, time_scale=time_scale)
    home = Home(path=ROOT / ".local" / "drills" / alert, ports=Ports.free(), time_scale=time_scale)
    project, problems, _ = load_project(ROOT / "config")
    if project is None:
        raise HarnessError("\n".join(map(str, problems)))
    project = scaled(project, time_scale)
    cancel_when_told(say)
    say(f"drill of {alert}, {time_scale:g} times as fast as in life")
    await empty(home, say)
    async with running(home, say), aiohttp.ClientSession() as session:
        scenario = Scenario(
            project=project,
            alert=project.alerts[alert],
            fault=FAULTS[alert],
            scale=time_scale,
            world=World(home, session),
            drill=drill,
            say=say,
        )
        await scenario.run()
    say("PASSED" if drill.passed else "FAILED")
    print(f"\n{as_table(drill)}\n")
    return drill


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.drill",
        description="Break something in a stack of its own and see that people hear of it in time.",
        epilog="Exit codes: 0 passed, 1 failed, 2 usage, 3 the drill itself broke.",
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
