"""Faults of signals: where they come from, and what becomes of them."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

import aiohttp

from config.spec.duration import Duration
from scripts.drill.causes import shown
from scripts.drill.fault import ByHand, Daily, Fault, Script, Setup
from scripts.drill.processes import process_of
from scripts.drill.world import HarnessError, World, until

_CHAT = "demo"
_SMALL_TALK = "good morning"  # received, and no order
_HOUR = 3600.0
_DAYS_SILENT = 3.1
_FAULTS = 4  # and one more for each signal of the last hour, so that they are more than half of all
_GOOD = 21  # for each fault, so that they are less than a twentieth
_AT_ONCE = 10
_LATE = 25  # messages; more than twenty are a mail
_RESTART_SECONDS = 60.0
_BREAK = """
    CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'a change of the schema that nobody tried'; END $$;
    CREATE TRIGGER broken BEFORE INSERT ON signals FOR EACH ROW EXECUTE FUNCTION broken()
"""


@asynccontextmanager
async def schema_broken(world: World) -> AsyncIterator[str]:
    """Signals cannot be stored; then they can, and so many come that the faults are no share any more."""
    window = round(_HOUR / world.home.time_scale * 1000)
    before = await world.query(f"sum(increase(signals_received_total[{window}ms]))")
    faults = _FAULTS + (round(float(before[0]["value"][1])) if before else 0)
    await world.sql(_BREAK)
    try:
        stored = await _small_talk(world, range(faults))
        if stored:
            raise HarnessError(f"{stored} signals were stored although none can be")
        yield f"{faults} signals could not be stored"
    finally:
        await world.sql("DROP FUNCTION broken() CASCADE")
        await _small_talk(world, range(faults, faults * (_GOOD + 1)))


@asynccontextmanager
async def session_ended(world: World) -> AsyncIterator[str]:
    """A person logs in anew; the bot takes the new session only when it is started again."""
    await _telegram(world, "faults", {"revoked": "AUTH_KEY_DUPLICATED", "drop": True})
    try:
        await shown(world, lambda status: "gave up" in status["telegram"]["reason"], "Telegram was given up")
        yield "Telegram has ended the session, and the bot gave up"
    finally:
        await world.simulator("DELETE", "telegram/faults")


@asynccontextmanager
async def notices_refused(world: World) -> AsyncIterator[str]:
    await world.call("POST", world.home.url("sink", "/telegram/faults"), json={"status": 401})
    try:
        await world.send_signal()  # of which there is something to tell
        await shown(world, lambda status: status["notices"]["failing"], "notices fail")
        yield "Telegram does not take the token of the notices"
    finally:
        await world.call("DELETE", world.home.url("sink", "/telegram/faults"))


@asynccontextmanager
async def channel_silent(world: World) -> AsyncIterator[str]:
    """What stands in the channel is made older, and the bot reads it anew: nobody can wait for three days."""
    seconds = int(_DAYS_SILENT * 24 * _HOUR / world.home.time_scale)
    await _telegram(world, "age", {"chat": _CHAT, "seconds": seconds})
    before = process_of(world.home, "bot")
    os.kill(before, signal.SIGTERM)

    async def started() -> bool | None:
        with suppress(aiohttp.ClientError, HarnessError, KeyError, TypeError):
            status = await world.bot("GET", "/status")
            silent = status["telegram"]["channels"][_CHAT]["silent_seconds"]
            return (process_of(world.home, "bot") != before and silent >= seconds) or None
        return None

    if await until(started, _RESTART_SECONDS, pause=0.2) is None:
        raise HarnessError("the bot did not start again, or does not tell how long the channel is silent")
    try:
        yield f"nobody has written in {_CHAT} for {_DAYS_SILENT} days of life"
    finally:
        await _telegram(world, "post", {"chat": _CHAT, "text": _SMALL_TALK})


@asynccontextmanager
async def stream_broken(world: World) -> AsyncIterator[str]:
    await _telegram(world, "faults", {"lost": True})
    try:
        for _ in range(_LATE):
            await _telegram(world, "post", {"chat": _CHAT, "text": _SMALL_TALK})
        yield f"Telegram does not tell of {_LATE} messages in {_CHAT}"
    finally:
        await world.simulator("DELETE", "telegram/faults")


@asynccontextmanager
async def nobody_writes(world: World) -> AsyncIterator[str]:
    """Somebody wrote until now; the end of the silence is the next message."""
    await _telegram(world, "post", {"chat": _CHAT, "text": _SMALL_TALK})
    try:
        yield f"the last message in {_CHAT}, and nobody writes after it"
    finally:
        await _telegram(world, "post", {"chat": _CHAT, "text": _SMALL_TALK})


async def _telegram(world: World, what: str, told: Mapping[str, object]) -> None:
    await world.simulator("POST", f"telegram/{what}", json=dict(told))


async def _small_talk(world: World, numbers: range) -> int:
    """Send signals that become no orders; return how many were stored."""

    async def send(number: int) -> int:
        told = {"message": _SMALL_TALK, "source": "test", "execute": True, "id": f"talk-{number}"}
        with suppress(aiohttp.ClientError):
            await world.bot("POST", "/debug/signal", json=told)
            return 1
        return 0

    return sum(
        [
            sum(await asyncio.gather(*map(send, numbers[first : first + _AT_ONCE])))
            for first in range(0, len(numbers), _AT_ONCE)
        ]
    )


_RESTARTS = {
    "BotDown": "a restart takes as many seconds at any speed of time",
    "BotNotReady": "so does what the bot reads after it",
}

FAULTS: Mapping[str, Fault | Daily] = {
    "SignalProcessingErrors": Fault(
        what="a change of the schema keeps signals from being stored",
        cause=schema_broken,
        mend=(
            ByHand(
                does="takes the change of the schema back",
                because="what a version broke is for whoever made it to mend",
                finds="[0-9]+ signals ended in a fault since the bot started",
            ),
        ),
        every=None,
    ),
    "NoSignalsReceived": Fault(
        what="all channels fall silent for a day",
        cause=nobody_writes,
        mend=(
            ByHand(
                does="sees in the app that the channels are quiet, and waits for the next message",
                because="only people can see whether anybody wrote",
                finds="messages from outside in twelve hours",
            ),
        ),
        every=None,
        over_within=Duration(1_800_000),
        time_scale=240,
    ),
    "TelegramDisconnected": Fault(
        what="Telegram ends the session: it was used from two places",
        cause=session_ended,
        mend=(
            ByHand(
                does="logs in anew",
                because="Telegram sends a code to a person's app",
                finds="the session was used from two places at once",
            ),
            Script(),
        ),
        beside=_RESTARTS,
    ),
    "NoticesFailing": Fault(
        what="the token of the notices is revoked",
        cause=notices_refused,
        mend=(
            ByHand(
                does="asks @BotFather for a token that is taken",
                because="only a person can speak to @BotFather",
                finds="the token is revoked or wrong",
            ),
        ),
        setup=Setup(notices=True),
    ),
    "TelegramChannelSilent": Fault(
        what="nobody writes in a channel for three days",
        cause=channel_silent,
        mend=(
            ByHand(
                does="sees in the app that the channel is only quiet; then somebody writes again",
                because="only somebody with the account sees what is in the channel",
                finds=f"{_CHAT}: silent for ",
            ),
        ),
        every=None,
        beside=_RESTARTS,
    ),
    "TelegramGap": Fault(
        what="Telegram does not tell of new messages in a channel",
        cause=stream_broken,
        mend=(
            ByHand(
                does="opens the channel in the app, so that Telegram delivers it again",
                because="only somebody with the account can open the channel",
                finds=f"2[0-9] messages of {_CHAT} came late in six hours",
            ),
        ),
        calm=Duration(600_000),
        over_within=Duration(7 * 3_600_000),
        time_scale=240,
    ),
}
