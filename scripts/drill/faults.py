"""What a drill breaks for each alert: a fault is done to a running stack, and undone again."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from config.spec.duration import Duration
from scripts.drill.deadlock import deadlock
from scripts.drill.processes import has_stopped, process_of
from scripts.drill.world import HarnessError, Json, World, until

# Done while the block lasts; what it yields shows that it is live.
Cause = Callable[[World], AbstractAsyncContextManager[str]]
_LATE_SECONDS = 1.5  # slow, and not yet so slow that the bot gives the exchange up
_LATE_ORDERS = 3
_STOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault that somebody is told of at once, and the orders that go on meanwhile.

    `every` is the time between two signals. `calm` is how long all goes well before the fault, which is also
    the negative control. Once the fault is mended, signals come `recovery` times as often, so that the share
    of failures falls soon.
    """

    what: str
    cause: Cause
    every: Duration
    calm: Duration
    recovery: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """A fault that the digest tells of after it is over, and one whose alert, `beside`, fires still."""

    what: str
    cause: Cause
    every: Duration
    beside: str
    beside_what: str
    beside_cause: Cause


@asynccontextmanager
async def orders_rejected(world: World) -> AsyncIterator[str]:
    await world.set_fault({"reject_orders": {"code": 101204, "msg": "Insufficient margin"}})
    try:
        order = _order(await world.send_signal(), "rejected")
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
            _order(await world.send_signal(), "filled", "pending")
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
            os.kill(process, signal.SIGCONT)

    return cause


FAULTS: Mapping[str, Fault | Daily] = {
    "HighOrderFailureRate": Fault(
        what="the exchange rejects every order",
        cause=orders_rejected,
        every=Duration(60_000),
        calm=Duration(900_000),
        recovery=10,
    ),
    "TargetDown": Fault(
        what="postgres_exporter hangs",
        cause=hanging("postgres_exporter"),
        every=Duration(60_000),
        calm=Duration(420_000),
    ),
    "Deadlocks": Daily(
        what="two transactions wait for each other",
        cause=deadlock_broken,
        every=Duration(600_000),
        beside="SlowOrders",
        beside_what="the exchange answers late",
        beside_cause=orders_answered_late,
    ),
}


def _order(answer: Json, *wanted: str) -> Json:
    """Return the order that a signal became, if it is as the fault must make it."""
    order = answer.get("order") or {}
    state = str(order.get("state", answer.get("verdict")))
    if state not in wanted:
        raise HarnessError(f"with the fault an order is {state}; expected {' or '.join(wanted)}")
    return dict(order)
