"""What a drill does at the exchange past the bot, as a person in the app does it."""

from decimal import Decimal
from typing import Any

from scripts.drill.world import HarnessError, World


async def foreign(world: World, **told: str) -> Any:
    """Place an order, or with `endpoint` do something else; return what the exchange answers."""
    answer = await world.simulator("POST", "foreign", json=told)
    if order := (answer or {}).get("order"):
        world.foreign.add(str(order["orderId"]))
    return answer


async def opened(world: World, symbol: str, quantity: str) -> None:
    """Buy so much, as the start of a position or more of one."""
    await foreign(world, symbol=symbol, type="MARKET", side="BUY", positionSide="LONG", quantity=quantity)


async def sold(world: World, symbol: str, quantity: str = "") -> None:
    """Close so much of a long position, or all of it; nothing if there is none."""
    account = await world.simulator("GET", "account")
    for each in account["positions"]:
        if (each["symbol"], each["positionSide"]) == (symbol, "LONG"):
            told = {"symbol": symbol, "type": "MARKET", "side": "SELL", "positionSide": "LONG"}
            await foreign(world, **told, quantity=quantity or each["positionAmt"])


async def stop_cancelled(world: World, symbol: str) -> str:
    """Cancel the stops of a long position; return at which prices they stood."""
    account = await world.simulator("GET", "account")
    stops = [
        order
        for order in account["open_orders"]
        if (order["symbol"], order["positionSide"], order["type"]) == (symbol, "LONG", "STOP_MARKET")
    ]
    if not stops:
        raise HarnessError(f"there is no stop of {symbol} that could be cancelled")
    for stop in stops:
        await foreign(world, endpoint="cancel_order", symbol=symbol, orderId=str(stop["orderId"]))
    return ", ".join(str(stop["stopPrice"]) for stop in stops)


async def moved(world: World, amount: Decimal, *, told: bool) -> None:
    """Move money in or out; the exchange's history tells of it or not."""
    await world.simulator("POST", "transfer", json={"amount": f"{amount:f}", "told": told})


async def price(world: World, symbol: str) -> Decimal:
    return Decimal((await world.simulator("GET", "prices"))[symbol])


async def balance(world: World) -> Decimal:
    account = await world.simulator("GET", "account")
    return Decimal(account["balance"]["balance"])
