"""What the bot does again and again, each by itself, so that nothing waits for what fails."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.desk import OLDEST_PRICE, Desk, is_ready, stop_trading
from bot.domain import health
from bot.identity import Identity, identify
from bot.keeper import look
from bot.lease import hold_lease, show_lease
from bot.log import Log
from bot.ports import OutcomeUnknown, Refused, StopTrading, TryAgain
from bot.switching import keep_switch, see_halt
from bot.trader import refresh_gauges

Action = Callable[[Desk], Awaitable[None]]

PRICES_EVERY = 1.0
CONTRACTS_EVERY = 3600.0
IDENTITY_EVERY = 60.0
TERMS_EVERY = 60.0
# Seconds at least, however much happens: the exchange allows five lists of orders a second.
LOOKS_APART = 0.25
GAUGES_APART = 0.1  # seconds at least between two refreshes, however much happens
RETRY_AFTER = 1.0
SHORTEST = 0.1  # seconds between two readings, however fast time runs


def every(seconds: float, scale: float) -> float:
    """So many seconds of life where time is `scale` times as fast, as far as a machine keeps up."""
    return max(seconds / scale, min(seconds, SHORTEST))


async def forever(desk: Desk, seconds: float, action: Action) -> None:
    """Sooner after a failure of the world outside; our own bugs end the process."""
    failing = ""
    while True:
        failing, failed = await _once(desk, action, failing)
        await asyncio.sleep(min(seconds, RETRY_AFTER) if failed else seconds)


async def _once(desk: Desk, action: Action, failing: str) -> tuple[str, bool]:
    """What it says of the failure that lasts, if any, and whether there is one."""
    name = action.__name__
    try:
        await action(desk)
        failing = _say_change(desk.log, name, failing, "")
    except (TryAgain, OutcomeUnknown, Refused) as error:
        failing = _say_change(desk.log, name, failing, str(error))
    except StopTrading as error:
        stop_trading(desk, str(error))
    show_readiness(desk)
    return failing, bool(failing)


def _say_change(log: Log, what: str, before: str, now: str) -> str:
    """One line when something begins to fail, fails otherwise, or works again; not one a second."""
    if now and now != before:
        log.warning("failing, will try again", what=what, reason=now)
    if before and not now:
        log.info("works again", what=what, failed_before=before)
    return now


def keep_database(holder: str) -> Action:
    """Its schema, the lease and the switch that stand in it."""

    async def keep_database(desk: Desk) -> None:
        see_halt(desk)  # even while the database is down
        try:
            await desk.store.prepare()
            await hold_lease(desk, holder)
            await keep_switch(desk)
        except (TryAgain, OutcomeUnknown) as error:
            desk.checks["database"] = health.failed(desk.checks["database"], str(error), desk.clock())
            raise
        finally:
            show_lease(desk)
        desk.checks["database"] = health.passed(desk.checks["database"], desk.clock())

    return keep_database


def know_account(identity: Identity) -> Action:
    async def know_account(desk: Desk) -> None:
        await identify(desk, identity)
        await keep_switch(desk)  # binding a new database to the account sets it for the first time
        desk.look_now.set()

    return know_account


async def keep_account(desk: Desk, seconds: float) -> None:
    """A look every so often, and soon after something has changed."""
    failing = ""
    while True:
        desk.look_now.clear()
        if desk.hedged is None:
            await desk.look_now.wait()  # nothing can be understood of an account that is not known
            continue
        failing, _ = await _once(desk, look, failing)
        await asyncio.sleep(LOOKS_APART)
        try:
            async with asyncio.timeout(max(0.0, seconds - LOOKS_APART)):
                await desk.look_now.wait()
        except TimeoutError:
            continue


async def read_prices(desk: Desk) -> None:
    try:
        prices = await desk.exchange.prices()
    except (TryAgain, OutcomeUnknown, Refused, StopTrading) as error:
        priced_at = desk.market.priced_at
        if priced_at is None or desk.clock() - priced_at > OLDEST_PRICE:
            desk.checks["exchange"] = health.failed(desk.checks["exchange"], str(error), desk.clock())
        raise
    desk.market = replace(desk.market, prices=prices, priced_at=desk.clock())
    desk.metrics.bingx_prices_updated_timestamp_seconds.set(time.time())
    _mark_exchange(desk)


async def read_contracts(desk: Desk) -> None:
    desk.market = replace(desk.market, contracts=await desk.exchange.contracts())
    _mark_exchange(desk)


def _mark_exchange(desk: Desk) -> None:
    if desk.market.contracts and desk.market.prices:
        desk.checks["exchange"] = health.passed(desk.checks["exchange"], desk.clock())


async def read_clock(desk: Desk) -> None:
    desk.clock_offset = await desk.exchange.clock_offset()
    desk.metrics.bingx_clock_offset_seconds.set(desk.clock_offset)
    desk.metrics.bingx_clock_offset_updated_timestamp_seconds.set(time.time())


async def keep_gauges(desk: Desk, seconds: float) -> None:
    """The states of orders: at each change, and every so often in any case."""
    while True:
        desk.changed.clear()
        try:
            await refresh_gauges(desk, time.time())
        except TryAgain as error:
            desk.log.debug("gauges not refreshed", reason=str(error))
        await asyncio.sleep(min(GAUGES_APART, seconds))
        try:
            async with asyncio.timeout(seconds):
                await desk.changed.wait()
        except TimeoutError:
            continue


def show_readiness(desk: Desk) -> None:
    ready = is_ready(desk)
    if ready:
        desk.was_ready.set()
    desk.metrics.bot_ready.set(ready)
    desk.metrics.bot_trading_enabled.set(not desk.closed())
