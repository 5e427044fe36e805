"""Faults of more than one drill: each is done to a running stack, and undone again."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from scripts.drill.deadlock import deadlock
from scripts.drill.fault import Cause
from scripts.drill.processes import has_stopped, process_of
from scripts.drill.world import HarnessError, Json, World, until

_LATE_SECONDS = 1.5  # slow, and not yet so slow that the bot gives the exchange up
_LATE_ORDERS = 3
_STOP_SECONDS = 5.0
_SHOWN_SECONDS = 20.0


@asynccontextmanager
async def orders_rejected(world: World) -> AsyncIterator[str]:
    await world.set_fault({"reject_orders": {"code": 101204, "msg": "Insufficient margin"}})
    try:
        order = order_of(await world.send_signal(), "rejected")
        yield f"an order is rejected: {str(order['reason'])[:40]}"
    finally:
        await world.clear_faults()


@asynccontextmanager
async def orders_answered_late(world: World) -> AsyncIterator[str]:
    await world.set_fault({"delay": _LATE_SECONDS})
    try:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        for _ in range(_LATE_ORDERS):
            order_of(await world.send_signal(), "filled", "pending")
        took = (loop.time() - begin) / _LATE_ORDERS
        if took < _LATE_SECONDS:
            raise HarnessError(f"orders took {took:.2f} s; expected {_LATE_SECONDS:g} s and more")
        yield f"{_LATE_ORDERS} orders took {took:.1f} s each"
    finally:
        await world.clear_faults()


@asynccontextmanager
async def deadlock_broken(world: World) -> AsyncIterator[str]:
    """There is nothing to undo: the server has ended one of the two transactions."""
    yield await deadlock(world.home.secret("database_url").read_text("utf-8").strip())


def hanging(service: str) -> Cause:
    """Return the fault that a service stands still, as a process that is stopped and not ended."""

    @asynccontextmanager
    async def cause(world: World) -> AsyncIterator[str]:
        process = process_of(world.home, service)

        async def stands_still() -> bool | None:
            return has_stopped(process) or None

        os.kill(process, signal.SIGSTOP)
        try:
            if not await until(stands_still, _STOP_SECONDS):
                raise HarnessError(f"{service}, process {process}, does not stand still")
            yield f"process {process} of {service} stands still"
        finally:
            # A runbook may have ended it, and started another one.
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)

    return cause


def order_of(answer: Json, *wanted: str) -> Json:
    """Return the order that a signal became; raise HarnessError unless its state is one of `wanted`."""
    order = answer.get("order") or {}
    state = str(order.get("state", answer.get("verdict")))
    if state not in wanted:
        raise HarnessError(f"with the fault an order is {state}; expected {' or '.join(wanted)}")
    return dict(order)


async def shown(world: World, wanted: Callable[[Json], object], what: str) -> None:
    """Return once /status of the bot is as wanted; raise HarnessError with `what` if it stays otherwise."""

    async def holds() -> bool | None:
        # What is not known yet is null there.
        with suppress(TypeError):
            return bool(wanted(await world.bot("GET", "/status"))) or None
        return None

    if await until(holds, _SHOWN_SECONDS) is None:
        raise HarnessError(f"by /status it is not so within {_SHOWN_SECONDS:g} s: {what}")
