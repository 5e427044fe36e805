"""Leverage and margin of a symbol, as the plan of an entry wants them, before the entry leaves."""

from bot.desk import Desk, stop_trading
from bot.domain.account import MarginType, PositionSide
from bot.domain.order import Order
from bot.ports import OutcomeUnknown, Refused, StopTrading, TryAgain


async def set_terms(desk: Desk, order: Order) -> str:
    """Why the order cannot have what it needs; empty if it has, and most orders ask nothing for that."""
    if order.leverage is None:
        return ""
    try:
        async with desk.setting_terms:
            wanted = _lowest(desk, order, order.leverage)
            if order.symbol not in desk.isolated:
                await _isolate(desk, order.symbol)
            if desk.leverages.get(order.key) != wanted:
                await _set_leverage(desk, order, wanted)
    except (TryAgain, OutcomeUnknown, Refused) as error:
        return f"isolated margin with leverage {order.leverage} cannot be had: {error}"
    except StopTrading as error:
        stop_trading(desk, str(error))
        return str(error)
    return ""


async def read_terms(desk: Desk) -> None:
    """Ahead of time, so that entries wait for no question; again and again, for a person may change them.

    Only of what the exchange lists: its refusals would count against entries.
    """
    if not desk.market.contracts:
        raise TryAgain("the contracts were not read yet")
    for symbol in sorted(desk.limits.symbols & desk.market.contracts.keys()):
        async with desk.setting_terms:
            desk.isolated.discard(symbol)
            for is_long in (True, False):
                desk.leverages.pop((symbol, is_long), None)
            if await desk.account.margin_type(symbol) is MarginType.ISOLATED:
                desk.isolated.add(symbol)
            told = await desk.account.leverage(symbol)
            desk.leverages |= {(symbol, True): told.long, (symbol, False): told.short}


def _lowest(desk: Desk, order: Order, leverage: int) -> int:
    """All of one position share it, and the stop that lies furthest away needs the lowest."""
    alike = (each.leverage for each in desk.live.values() if each.key == order.key)
    return min((leverage, *(each for each in alike if each is not None)))


async def _isolate(desk: Desk, symbol: str) -> None:
    if await desk.account.margin_type(symbol) is not MarginType.ISOLATED:
        await desk.account.set_margin_type(symbol, MarginType.ISOLATED)
    desk.isolated.add(symbol)


async def _set_leverage(desk: Desk, order: Order, wanted: int) -> None:
    if desk.hedged is None:
        raise TryAgain("whether the account is hedged was not read yet")
    told = await desk.account.leverage(order.symbol)
    now = told.long if order.is_long else told.short
    if now != wanted:
        if now < wanted and _has_position(desk, order):
            return  # it would change with it; less than wanted only binds more margin
        side = PositionSide.LONG if order.is_long else PositionSide.SHORT
        await desk.account.set_leverage(order.symbol, side if desk.hedged else PositionSide.BOTH, wanted)
    for is_long in (order.is_long,) if desk.hedged else (True, False):
        desk.leverages[(order.symbol, is_long)] = wanted


def _has_position(desk: Desk, order: Order) -> bool:
    return desk.picture is not None and any(each.key == order.key for each in desk.picture.holdings)
