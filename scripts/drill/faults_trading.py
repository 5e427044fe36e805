"""Faults of orders and of the switch."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from config.spec.duration import Duration
from scripts.drill import hand
from scripts.drill.causes import order_of, orders_rejected, shown
from scripts.drill.fault import ByHand, Daily, Fault, Script
from scripts.drill.session import forgotten, session_with
from scripts.drill.world import HarnessError, World, until

_OTHERS = "LTC-USDT"  # the bot does not trade it
_TERMS = ["margin_type", "set_margin_type", "leverage", "set_leverage", "place_order", "server_time"]
_LATE = 1.8  # seconds for each of several calls, so that an order takes more than five
_FRESH = (
    "SELL ETHUSDT 0.1",
    "SELL SOLUSDT 1",
    "SELL 1000PEPEUSDT 10000",
)  # leverage was not set for them yet
_BAN_SECONDS = 60  # real ones: the bot believes in it for longer than the drill takes
_ROW_SECONDS = 10.0


@asynccontextmanager
async def row_held(world: World) -> AsyncIterator[str]:
    """The order goes out, and what became of it cannot be written: a session holds its row."""
    await world.set_fault({"delay_before": 1.5, "only": ["place_order"]})
    sending = asyncio.create_task(world.send_signal("BUY SOLUSDT 1"))

    async def written() -> int | None:
        rows = await world.sql("SELECT id FROM orders WHERE state = 'intent' ORDER BY id DESC LIMIT 1")
        return int(rows[0][0]) if rows else None

    try:
        row = await until(written, _ROW_SECONDS)
        if row is None:
            raise HarnessError("no order was written down that could be held")
        async with session_with(f"SELECT FROM orders WHERE id = {row} FOR UPDATE")(world) as proof:
            await world.clear_faults()
            await sending
            yield proof
    finally:
        await world.clear_faults()
        await sending


@asynccontextmanager
async def answers_lost(world: World) -> AsyncIterator[str]:
    busy = {"code": 109500, "msg": "server busy"}
    await world.set_fault({"drop_after": 1, "errors": {"query_order": busy, "all_orders": busy}})
    try:
        await world.send_signal("BUY SOLUSDT 1")
        await shown(world, lambda status: status["orders"]["unknown"] > 0, "an order is unknown")
        yield "the answer to an order is lost, and the exchange answers no question about it"
    finally:
        await world.clear_faults()


@asynccontextmanager
async def answers_slow(world: World) -> AsyncIterator[str]:
    await world.set_fault({"delay": _LATE, "only": _TERMS})
    try:
        begin = asyncio.get_running_loop().time()
        for message in _FRESH:
            order_of(await world.send_signal(message), "filled", "pending")
        took = (asyncio.get_running_loop().time() - begin) / len(_FRESH)
        if took < 5:
            raise HarnessError(f"an order took {took:.1f} s; expected more than 5")
        yield f"{len(_FRESH)} orders took {took:.1f} s each"
    finally:
        await world.clear_faults()


@asynccontextmanager
async def cancel_forgotten(world: World) -> AsyncIterator[str]:
    """The bot was told that it may cancel nothing, and then the exchange lifts that: others may.

    The row is made older rather than waited for: an entry rests for hours.
    """
    at = await hand.price(world, "SOL-USDT") * 97 / 100
    order = order_of(await world.send_signal(f"BUY SOLUSDT 1 @ {at:.2f} SL {at * 98 / 100:.2f}"), "pending")
    await world.simulator("POST", "bans", json={"cancel_order": _BAN_SECONDS})
    try:
        await world.sql(
            "UPDATE orders SET expires_at = now() - interval '1 hour' WHERE client_id = %s",
            order["client_id"],
        )
        await shown(world, lambda status: status["ban_seconds"] > 0, "the bot is told of the ban")
    finally:
        await world.simulator("DELETE", "bans")
    yield f"the entry at {at:.2f} rests past its time, and the bot believes that it may cancel nothing"


@asynccontextmanager
async def position_enlarged(world: World) -> AsyncIterator[str]:
    order_of(await world.send_signal("BUY SOLUSDT 1"), "filled", "pending")
    await hand.opened(world, "SOL-USDT", "0.5")
    try:
        yield "a person bought 0.5 SOL more than the bot"
    finally:
        await hand.sold(world, "SOL-USDT", "0.5")


@asynccontextmanager
async def order_of_others(world: World) -> AsyncIterator[str]:
    at = await hand.price(world, _OTHERS) / 2
    order = {"symbol": _OTHERS, "type": "LIMIT", "side": "BUY", "positionSide": "LONG", "quantity": "1"}
    placed = await hand.foreign(world, **order, price=f"{at:.2f}")
    try:
        yield f"a person placed an order for {_OTHERS} at {at:.2f}"
    finally:
        id_ = str(placed["order"]["orderId"])
        await hand.foreign(world, endpoint="cancel_order", symbol=_OTHERS, orderId=id_)


@asynccontextmanager
async def trading_halted(world: World) -> AsyncIterator[str]:
    """A runbook opens it again, or who tidies up after the drill."""
    told = {"level": 1, "reason": "forgotten by somebody", "who": "somebody"}
    await world.bot("POST", "/trading", json=told)
    await shown(world, lambda status: status["switch"]["level"] == 1, "the switch is at 1")
    yield "somebody has halted trading, and forgotten it"


FAULTS: Mapping[str, Fault | Daily] = {
    "HighOrderFailureRate": Fault(
        what="the exchange rejects every order",
        cause=orders_rejected,
        mend=(
            ByHand(
                does="moves money into the account",
                because="the exchange refuses the orders for want of margin, and only its owner has more",
            ),
        ),
        calm=Duration(900_000),
        recovery=10,
    ),
    "OrderProcessingStalled": forgotten(
        what="a forgotten session holds the row of an order",
        cause=row_held,
    ),
    "OrdersUnknown": Fault(
        what="the answer to an order is lost, and questions about it are not answered",
        cause=answers_lost,
        mend=(
            ByHand(
                does="has the exchange answer questions about orders again",
                because="it is the exchange that does not answer; then the bot finds out by itself",
                finds="SOL-USDT",
            ),
        ),
        every=None,
        beside={"ForeignPosition": "what the order was filled to is nobody's while nobody knows of it"},
    ),
    "SlowOrders": Fault(
        what="the exchange answers each call late",
        cause=answers_slow,
        mend=(
            ByHand(
                does="waits until the exchange is faster, and twelve hours more",
                because="nothing makes the exchange faster from here",
                finds="the exchange is slow from here",
            ),
        ),
        over_within=Duration(13 * 3_600_000),
        time_scale=240,
        beside={"OrderProcessingStalled": "orders take as many real seconds at any speed of time"},
    ),
    "EntryPastExpiry": Fault(
        what="an entry rests past its time, and the bot cannot cancel it",
        cause=cancel_forgotten,
        mend=(Script(),),
        every=None,
        beside={"ExchangeBan": "it is the ban that keeps the bot from cancelling"},
    ),
    "ReconciliationDifference": Fault(
        what="a person makes a position of the bot larger",
        cause=position_enlarged,
        mend=(
            ByHand(
                does="sells in the exchange's app what was bought by hand",
                because="which side is right is for people to say",
                finds="so 0.5 of it is somebody else's",
            ),
        ),
        every=None,
        beside={"PositionWithoutStop": "no stop covers what was bought by hand"},
    ),
    "ForeignOrder": Fault(
        what="a person places an order by hand",
        cause=order_of_others,
        mend=(
            ByHand(
                does="cancels it in the exchange's app",
                because="only people know what they did, and only the account's owner may undo it there",
                finds=f"order LIMIT BUY {_OTHERS} at the exchange",
            ),
        ),
    ),
    "TradingHalted": Fault(
        what="somebody halts trading, and forgets it",
        cause=trading_halted,
        mend=(
            Script(
                name="reopen",
                arguments=(
                    "--set",
                    "reason=it was forgotten",
                    "--set",
                    "hold=1",
                    "--confirm",
                    "open BTC-USDT",
                ),
            ),
        ),
        every=None,
        time_scale=240,
    ),
}
