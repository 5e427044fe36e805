"""Faults of the bot's process, of what watches it, and of what is to be done each day."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from resource import RLIMIT_NOFILE, prlimit

from config.spec.duration import Duration
from scripts.drill.causes import hanging
from scripts.drill.fault import ByHand, Cause, Daily, Fault, Script, Setup
from scripts.drill.processes import process_of
from scripts.drill.services import freshen, tell_checklist
from scripts.drill.world import HarnessError, World, until
from scripts.stack.ports import HOST

_MINUTE, _HOUR = 60_000, 3_600_000
_SCRAPE_SECONDS = 15.0
_KILLS = 4
_SOCKETS = 60
# A start takes seconds of a real clock, which are minutes of life.
_STARTS = "it is started anew, which takes longer than in life"


@asynccontextmanager
async def lease_taken(world: World) -> AsyncIterator[str]:
    """Another instance takes the lease, as one does that found it free, and keeps it."""
    await world.sql(
        "UPDATE lease SET holder = 'another bot', epoch = epoch + 1, until = now() + interval '1 day'"
    )
    try:
        if await until(lambda: _lease(world, False), 30) is None:
            raise HarnessError("the bot still says that it holds the lease")
        yield "the bot says that another instance holds the lease"
    finally:
        await world.sql("UPDATE lease SET until = now() WHERE holder = 'another bot'")


async def _lease(world: World, wanted: bool) -> bool | None:
    status = await world.bot("GET", "/status")
    return True if status["lease"]["held"] is wanted else None


@asynccontextmanager
async def sockets_held(world: World) -> AsyncIterator[str]:
    """Somebody opens connections to the bot and leaves them open, and its limit of files is low."""
    bot = process_of(world.home, "bot")
    connections = []
    try:
        for _ in range(_SOCKETS):
            connections.append(await asyncio.open_connection(HOST, world.home.ports.bot))
        await asyncio.sleep(0.5)  # the bot takes them
        held = len(os.listdir(f"/proc/{bot}/fd"))
        limit = round(held / 0.87)
        prlimit(bot, RLIMIT_NOFILE, (limit, prlimit(bot, RLIMIT_NOFILE)[1]))
        yield f"the bot, process {bot}, has {held} files open of {limit}"
    finally:
        for _, writer in connections:
            writer.close()
        with suppress(ProcessLookupError):
            hard = prlimit(bot, RLIMIT_NOFILE)[1]
            prlimit(bot, RLIMIT_NOFILE, (hard, hard))


@asynccontextmanager
async def bot_killed_often(world: World) -> AsyncIterator[str]:
    """The bot is killed again and again, and started again by supervisord."""
    for count in range(_KILLS):
        before = process_of(world.home, "bot")
        os.kill(before, signal.SIGKILL)

        async def is_back(was: int = before) -> bool | None:
            with suppress(Exception):
                ready = await world.bot("GET", "/livez")
                return (process_of(world.home, "bot") != was and ready is not None) or None
            return None

        if await until(is_back, 60) is None:
            raise HarnessError(f"the bot did not come back after it was killed for the {count + 1}. time")
        # So that Prometheus has seen this start before the next one.
        await asyncio.sleep(2 * _SCRAPE_SECONDS / world.home.time_scale)
    yield f"the bot was killed {_KILLS} times"


@asynccontextmanager
async def checklist_forgotten(world: World) -> AsyncIterator[str]:
    """The daily checklist has not run for three days."""
    tell_checklist(world.home.textfile, "daily", time.time() - 3 * 86_400)
    try:
        yield "the daily checklist ran three days ago"
    finally:
        freshen(world.home.textfile)


def leaking(megabytes_per_hour: float) -> Cause:
    """Return the fault that the bot takes more and more memory: see scripts/drill/leaking_bot.py."""

    @asynccontextmanager
    async def cause(world: World) -> AsyncIterator[str]:
        bot = process_of(world.home, "bot")
        per_second = megabytes_per_hour * world.home.time_scale / 3600
        file = world.home.control / "leak"
        file.write_text(f"{per_second}", "utf-8")
        try:
            yield f"the bot, process {bot}, takes {per_second:.2f} MB more each second"
        finally:
            file.unlink()
            with suppress(ProcessLookupError):
                os.kill(bot, signal.SIGTERM)

    return cause


FAULTS: Mapping[str, Fault | Daily] = {
    "BotDown": Fault(
        what="the bot hangs",
        cause=hanging("bot"),
        mend=(Script(),),
        beside={"BotNotReady": _STARTS},
    ),
    "BotNotReady": Fault(
        what="the exchange does not tell of the account",
        cause=hanging("simulator"),
        mend=(
            ByHand(
                does="waits until the exchange is back",
                because="what does not answer is not ours; the bot asks again by itself",
                finds="does not answer",
            ),
        ),
        beside={
            "ExchangeAPIDown": "calls to the exchange fail",
            "PricesStale": "prices come from there",
            "ReadingStale": "what is read comes from there",
            "OrdersUnknown": "the answer to an order on its way is lost",
            "OrderProcessingStalled": "a signal on its way waits for the exchange",
            "TelegramDisconnected": "the simulator plays Telegram too",
        },
        every=None,
    ),
    "TargetDown": Fault(
        what="postgres_exporter hangs",
        cause=hanging("postgres_exporter"),
        mend=(Script(),),
        calm=Duration(7 * _MINUTE),
    ),
    "BotMemoryGrowing": Fault(
        what="the bot takes two megabytes more each hour",
        cause=leaking(2.0),
        mend=(
            ByHand(
                does="restarts the bot",
                because="it is not short of memory yet; a person chooses an hour in which nothing is open",
                finds="the bot",
            ),
        ),
        calm=Duration(25 * _HOUR),
        holds=Duration(_HOUR),
        over_within=Duration(4 * _HOUR),
        every=Duration(_HOUR),
        time_scale=240,
        setup=Setup(bot_module="scripts.drill.leaking_bot"),
        leaves="a bot that was restarted, which is not alarming for a day",
    ),
    "BotFileDescriptors": Fault(
        what="somebody holds connections to the bot",
        cause=sockets_held,
        # It asks for HighCPULoad too, and a machine with many drills is busy.
        mend=(Script(codes=(0, 3, 9)),),
        beside={"BotDown": _STARTS, "BotNotReady": _STARTS},
    ),
    "BotRestarting": Fault(
        what="the bot is killed four times",
        cause=bot_killed_often,
        mend=(
            ByHand(
                does="leaves it alone, now that nobody kills it any more",
                because="the alert looks back an hour, whatever is done",
                finds="ended|killed|started",
            ),
        ),
        level="warning",
        over_within=Duration(70 * _MINUTE),
        beside={"BotDown": _STARTS, "BotNotReady": _STARTS},
        every=Duration(5 * _MINUTE),
    ),
    "SecondInstance": Fault(
        what="another bot takes the lease",
        cause=lease_taken,
        mend=(
            ByHand(
                does="ends the other bot",
                because="which of the two is meant to trade no script can know",
                finds="ours does not hold the lease",
            ),
        ),
        beside={"BotNotReady": "without the lease it may not trade"},
    ),
    "ChecklistOverdue": Fault(
        what="nobody has run the daily checklist for three days",
        cause=checklist_forgotten,
        mend=(Script(codes=(0, 3)),),
        calm=Duration(10 * _MINUTE),
        every=Duration(5 * _MINUTE),
        time_scale=120,
    ),
}
