"""`make check-live`: a stack of its own, demo traffic, then `tradewatch check-live` asks it everything."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

import aiohttp

from config.spec.load import load_project
from config.spec.model import Scrape
from observability.scale import scaled
from scripts.drill import coverage
from scripts.drill.world import HarnessError, Json, World, until
from scripts.stack.home import ROOT, Home, HomeError
from scripts.stack.local import StackError, running
from scripts.stack.lock import empty
from scripts.stack.ports import PortError, Ports
from scripts.stack.told import cancel_when_told

# Windows fill in seconds, and a scrape has time enough also where the machine is busy.
_TIME_SCALE = 15
_SETTLE_SECONDS = 60.0
_CONFIG = ROOT / "config"
_TRAFFIC = ["taken", "duplicate", "refused", "ignored", "unreadable", "rejected", "rejected", "rejected"]
_BROKEN = 3
_FINDING = 3  # of runbooks, by docs/runbooks.md


def main() -> int:
    try:
        return asyncio.run(_check())
    except (HarnessError, HomeError, PortError, StackError, aiohttp.ClientError) as error:
        print(f"check-live: {error}", file=sys.stderr)
        return _BROKEN
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130


async def _check() -> int:
    begin = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begin:6.1f} s  {text}", flush=True)

    project, problems, _ = load_project(_CONFIG)
    if project is None:
        raise HarnessError("\n".join(map(str, problems)))
    scrape = scaled(project, _TIME_SCALE).scrape
    where = ROOT / ".local" / "check-live"
    home = Home(path=where, ports=Ports.free(), time_scale=_TIME_SCALE, repeats=True)
    cancel_when_told(say)
    await empty(home, say)
    async with running(home, say), aiohttp.ClientSession() as session:
        world = World(home, session)
        # What happens before the first scrape is no increase to anybody.
        await world.until_scraped(len(scrape.jobs))
        await _traffic(world, say)
        await _tended(home, say)
        coverage.tell_all_passed(home.textfile, project)
        await _settled(world, scrape)
        say("asking everything")
        code = await _ask(home)
    say("stopped; nothing is left running")
    return code


async def _traffic(world: World, say: Callable[[str], None]) -> None:
    """Let every verdict happen, and three failures in a row, as fewer alarm nobody; be sure that they did."""
    answers = [
        await world.send_signal(),
        await world.send_signal(again=True),
        await world.send_signal("BUY NOSUCHUSDT 0.1"),
        await world.send_signal("good morning"),
        await world.send_signal("BUY and SELL BTCUSDT"),
    ]
    await world.set_fault({"reject_orders": {"code": 101204, "msg": "Insufficient margin"}})
    answers += [await world.send_signal() for _ in range(3)]
    await world.clear_faults()
    became = [_outcome(answer) for answer in answers]
    if became != _TRAFFIC:
        raise HarnessError(f"the demo traffic became {', '.join(became)}; expected {', '.join(_TRAFFIC)}")
    say(f"demo traffic: {', '.join(became)}")


def _outcome(answer: Json) -> str:
    order = answer["order"]
    if answer["duplicate"] or order is None:
        return "duplicate" if answer["duplicate"] else str(answer["verdict"])
    return "taken" if order["state"] in ("filled", "pending") else str(order["state"])


async def _tended(home: Home, say: Callable[[str], None]) -> None:
    """Let runbooks make a backup and go through a checklist, as only they say when that was done last."""
    where = {"TRADEWATCH_PLATFORM": "local", "TRADEWATCH_HOME": str(home.path), "PATH": os.environ["PATH"]}
    runs = home.path / "runs"
    for name in ("backup", "daily"):
        process = await asyncio.create_subprocess_exec(
            *(str(ROOT / "runbooks" / f"{name}.sh"), "--yes", f"--run-dir={runs}"),
            env=where,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
        )
        code = await process.wait()
        # They find that there is no copy on another machine, and that orders failed.
        if code not in (0, _FINDING):
            raise HarnessError(f"the runbook {name} ended with {code}; {runs} has its journal")
    say("a backup was made and restored, and the daily checklist gone through")


async def _settled(world: World, scrape: Scrape) -> None:
    """Return once all of it was scraped, and every rule evaluated twice since: one may read another."""
    await _until_there(world, f"min(timestamp(up)) > {time.time():f}", "a scrape of every target")
    evaluated = "prometheus_rule_group_last_evaluation_timestamp_seconds"
    twice = time.time() + scrape.evaluation_interval.seconds
    await _until_there(world, f"min({evaluated}) > {twice:f}", "two evaluations of every rule")


async def _until_there(world: World, query: str, what: str) -> None:
    async def there() -> datetime | None:
        return datetime.now(UTC) if await world.query(query) else None

    if await until(there, _SETTLE_SECONDS) is None:
        raise HarnessError(f"{what} did not come within {_SETTLE_SECONDS:g} s")


async def _ask(home: Home) -> int:
    command = [sys.executable, "-m", "observability", "check-live", "--config", str(_CONFIG)]
    where = ["--prometheus", home.url("prometheus"), "--time-scale", f"{_TIME_SCALE:g}"]
    process = await asyncio.create_subprocess_exec(*command, *where)
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


if __name__ == "__main__":
    sys.exit(main())
