"""Faults of the exchange: what it answers, and how late."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from config.spec.duration import Duration
from scripts.drill.causes import shown
from scripts.drill.fault import ByHand, Cause, Daily, Fault, Script
from scripts.drill.session import forgotten, table_locked
from scripts.drill.world import Json, World

_BAN_SECONDS = 25  # real ones: so many minutes of life, and longer than the page needs
_AHEAD_SECONDS = 7.0
_NOT_READY = "BotNotReady"


def answering(fault: Mapping[str, Any], wanted: Callable[[Json], object], proof: str) -> Cause:
    """Return the fault that the exchange answers so, live once /status of the bot is as `wanted`."""

    @asynccontextmanager
    async def cause(world: World) -> AsyncIterator[str]:
        await world.set_fault(fault)
        try:
            await shown(world, wanted, proof)
            yield proof
        finally:
            await world.clear_faults()

    return cause


@asynccontextmanager
async def orders_banned(world: World) -> AsyncIterator[str]:
    """It ends by itself; the bot learns of it by the order that it tries."""
    await world.simulator("POST", "bans", json={"place_order": _BAN_SECONDS})
    try:
        await world.send_signal()
        await shown(world, lambda status: status["ban_seconds"] > 0, "the bot is told of a ban")
        yield f"the exchange takes no order for {_BAN_SECONDS} s"
    finally:
        await world.simulator("DELETE", "bans")


FAULTS: Mapping[str, Fault | Daily] = {
    "ExchangeAPIDown": Fault(
        what="what stands before the exchange answers every call with 502",
        cause=answering(
            {"http_status": 502},
            lambda status: not status["health"]["checks"]["account"]["ok"],
            "the bot cannot read its account",
        ),
        # A good look is one a second, so three of them are seconds and no minute.
        mend=(
            Script(
                arguments=("--set", "look=1", "--set", "good=3", "--set", "patience=60"),
                outlasts="the outage is the exchange's, and it ends that",
            ),
        ),
        every=None,
        beside={_NOT_READY: "the bot cannot trade without the exchange, and pages for it by itself"},
    ),
    "ExchangeBan": Fault(
        what="the exchange takes no order of ours for 25 minutes",
        cause=orders_banned,
        mend=(Script(outlasts="the ban has its time, and the exchange lets it end"),),
        every=None,
    ),
    "ClockOffset": Fault(
        what=f"the exchange's clock is {_AHEAD_SECONDS:g} s ahead",
        cause=answering(
            {"clock_skew": _AHEAD_SECONDS},
            lambda status: abs(status["clock_offset_seconds"]) > _AHEAD_SECONDS / 2,
            "the bot has measured it",
        ),
        mend=(
            ByHand(
                does="sets the exchange's clock right",
                because="the clock that is wrong is the exchange's",
                finds="by the bot the exchange's clock is [67][0-9.]* s ahead of ours",
            ),
        ),
    ),
    "PricesStale": Fault(
        what="the exchange answers, but tells no prices",
        cause=answering(
            {"http_status": 502, "only": ["price"]},
            lambda status: not status["health"]["checks"]["exchange"]["ok"],
            "the bot has no prices",
        ),
        mend=(
            ByHand(
                does="has the exchange tell prices again",
                because="it is the exchange that does not tell them",
                finds="cause: the exchange is down in part: it tells the time and the account, and no prices",
            ),
        ),
        every=None,
        beside={
            _NOT_READY: "without prices the bot is not ready",
            "ExchangeAPIDown": "more than a fifth of the bot's calls ask for prices",
        },
    ),
    "ReadingStale": forgotten(
        what="a forgotten session holds the orders, and nobody can read them",
        cause=table_locked("orders"),
    ),
    "ShownReadingStale": Fault(
        what="the exchange does not tell its time",
        cause=answering(
            {"http_status": 502, "only": ["server_time"]}, lambda _: True, "server_time answers 502"
        ),
        mend=(
            ByHand(
                does="has the exchange tell its time again",
                because="it is the exchange that does not tell it",
                finds="bingx_clock_offset was last read",
                arguments=("--set", "oldest=10"),
            ),
        ),
        calm=Duration(300_000),
    ),
}
