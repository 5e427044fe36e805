"""`make test-compose`: docker-compose.yml for real. --help tells how it is called."""

import argparse
import asyncio
import os
import random
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import aiohttp

from config.spec.load import load_project
from scripts.compose_proof import deaths, guide, incident, operated, shut
from scripts.compose_proof.command import CommandError
from scripts.compose_proof.engine import PROVIDER, NotRunError, engine
from scripts.compose_proof.place import FOLDER, Place, PlaceError, place
from scripts.compose_proof.report import Report, as_table
from scripts.compose_proof.stage import Stage
from scripts.compose_proof.started import started
from scripts.drill.world import World
from scripts.stack.home import ROOT
from scripts.stack.told import cancel_when_told

PASSED, FAILED, USAGE, BROKEN = range(4)
STOPPED = 130
_KILLED = 2  # services, where COUNT does not say otherwise
_TIME_SCALE = 10.0


class UsageError(Exception):
    """A variable cannot be understood; the message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    count: int
    seed: int
    is_required: bool


def main() -> int:
    _parser().parse_args()
    begin = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begin:6.1f} s  {text}", flush=True)

    options = None
    try:
        options = read(os.environ)
        return asyncio.run(_prove(options, say))
    except UsageError as error:
        print(f"test-compose: {error}", file=sys.stderr)
        return USAGE
    except NotRunError as error:
        print(f"test-compose: not run: {error}")
        return FAILED if options and options.is_required else PASSED
    except (PlaceError, CommandError, OSError, aiohttp.ClientError) as error:
        print(f"test-compose: {error}", file=sys.stderr)
        return BROKEN
    except (KeyboardInterrupt, asyncio.CancelledError):
        return STOPPED


def read(environment: Mapping[str, str]) -> Options:
    """Read COUNT, SEED and REQUIRE; raise UsageError for what is none."""
    numbers = {"COUNT": _KILLED, "SEED": random.SystemRandom().randrange(10_000)}
    for name in numbers:
        if text := environment.get(name, ""):
            if not (text.isascii() and text.isdigit()):
                raise UsageError(f"{name}={text} is not a number")
            numbers[name] = int(text)
    required = environment.get("REQUIRE", "")
    if required not in ("", "0", "1"):
        raise UsageError(f"REQUIRE={required} is neither 0 nor 1")
    return Options(count=numbers["COUNT"], seed=numbers["SEED"], is_required=required == "1")


async def _prove(options: Options, say: Callable[[str], None]) -> int:
    cancel_when_told(say)
    report = Report(say)
    await engine(say)
    with place() as where:
        for left in ("log", "guide.txt", "report.txt"):
            _remove(FOLDER / left)
        async with started(where, report) as is_up:
            if is_up:
                await _steps(where, report, options)
    table = as_table(report.rows)
    (FOLDER / "report.txt").write_text(table + "\n", "utf-8")
    print(f"\n{table}\n")
    say("PASSED" if report.passed else f"FAILED; logs are in {FOLDER / 'log'}")
    return PASSED if report.passed else FAILED


async def _steps(where: Place, report: Report, options: Options) -> None:
    project, problems, _ = load_project(where.tree / "config")
    if project is None:
        raise PlaceError("\n".join(map(str, problems)))
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
        stage = Stage(
            place=where, project=project, session=session, world=World(where.home, session),
            say=report.say, time_scale=_TIME_SCALE,
        )  # fmt: skip
        await report.step("a signal becomes an order", operated.order(stage, "BUY BTCUSDT 0.1"))
        await report.step("a refused order", operated.refused(stage, "BUY SOLUSDT 1"))
        # Made long before Alertmanager dies, which writes silences down every ten seconds.
        await report.step("a silence", deaths.silence(stage))
        # What only looks, and what waits for Prometheus, at once.
        async with asyncio.TaskGroup() as group:
            for what, work in (
                ("targets up, rules loaded", operated.watched(stage)),
                ("hardening", shut.hardening(stage)),
                ("secrets", shut.secrets(stage)),
                ("networks", shut.ways(stage)),
                ("quick diagnosis", operated.diagnosis(stage)),
            ):
                group.create_task(report.step(what, work))
        await report.step("new rules, reloaded", operated.reloaded(stage))
        async with asyncio.TaskGroup() as group:
            group.create_task(report.step("outage: told, named, ended", incident.incident(stage)))
            group.create_task(report.step("the guide's looks", guide.looks(stage)))
            group.create_task(report.step("backup and daily checklist", operated.tended(stage)))
        await report.step("every query has its values", operated.asked(stage))
        await report.step("TRADING_ENABLED and restart", operated.restarted(stage))
        await report.step("the guide's stop", guide.stopped(stage))
        await report.step("emergency stop", operated.emergency(stage))
        every = sorted((await where.config())["services"])
        chosen, left = deaths.sample(every, options.count, options.seed)
        await deaths.deaths(stage, report, chosen, every)
        if left:
            report.say(f"not killed, by SEED={options.seed}: {', '.join(left)}; COUNT={len(every)} kills all")


def _remove(path: os.PathLike[str]) -> None:
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.exists(path):
        os.remove(path)


def _parser() -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog="python -m scripts.compose_proof",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Start docker-compose.yml under a name of its own and on free ports, break it, and see\n"
        "that it is as docs/compose.md says. Other stacks are not touched, and nothing is left. Report,\n"
        f"output of the guide's commands and, after a failure, logs are in {FOLDER.relative_to(ROOT)}",
        epilog=f"""environment:
  COUNT            how many services are killed, of all ({_KILLED})
  SEED             which ones (another each time; it is printed)
  REQUIRE          1: it is a failure if there is no engine or an image cannot be had
  {PROVIDER}  a program that starts an engine if there is none, and provides the images that are its arguments

exit codes: 0 passed, or not run and not required; 1 failed; 2 usage; 3 the proof broke; 130 interrupted""",
    )


if __name__ == "__main__":
    sys.exit(main())
