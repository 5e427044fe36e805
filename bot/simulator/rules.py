"""What BingX refuses once it knows prices, positions, other orders and money."""

from collections.abc import Iterable
from decimal import Decimal

from bot.simulator.account import TAKER, Account, Position
from bot.simulator.errors import BingXError
from bot.simulator.market import Market
from bot.simulator.order import LOSS_STOPS, PROFIT_STOPS, ZERO, Order
from bot.simulator.request import attached_prices
from bot.simulator.switches import Switches

MOST_STOPS = 50
_WRONG_SIDE = {
    (True, "LONG"): (110411, "The stop loss price of a long position must be below the price"),
    (True, "SHORT"): (110412, "The stop loss price of a short position must be above the price"),
    (False, "LONG"): (110413, "The take profit price of a long position must be above the price"),
    (False, "SHORT"): (110414, "The take profit price of a short position must be below the price"),
}


def is_closing(order: Order) -> bool:
    """Whether the order may only make a position smaller."""
    return order.reduce_only or order.close_position or order.position_side not in ("BOTH", order.direction)


def reached(order: Order, market: Market) -> bool:
    """Whether the price has come to the trigger of a stop."""
    by_mark = order.working_type == "MARK_PRICE"
    price = market.mark(order.symbol) if by_mark else market.prices[order.symbol]
    return _is_past(order.type in PROFIT_STOPS, order.side == "BUY", order.stop_price, price)


def crosses(order: Order, last: Decimal) -> bool:
    if order.is_market:
        return True
    return last <= order.price if order.side == "BUY" else last >= order.price


def frozen_margin(account: Account, orders: Iterable[Order]) -> Decimal:
    """What resting entries keep back; a trigger that was not reached keeps nothing back."""
    resting = (each for each in orders if each.status != "NEW" and not is_closing(each))
    return sum((_margin(account, each, each.price) for each in resting), ZERO)


def check(order: Order, market: Market, account: Account, orders: list[Order], switches: Switches) -> None:
    """Raises the refusal of an order that is about to be taken beside the open `orders`."""
    beside = [
        each for each in orders if (each.symbol, each.position_side) == (order.symbol, order.position_side)
    ]
    if is_closing(order):
        _check_close(order, account, beside, switches)
    elif not order.is_stop:
        at = market.prices[order.symbol] if order.is_market else order.price
        _check_entry(order, market, at)
        check_margin(order, at, market, account, orders, switches)
    if order.status == "NEW":
        _check_trigger(order, market, beside)
    if order.time_in_force == "PostOnly" and crosses(order, market.prices[order.symbol]):
        raise BingXError(101215, "The order would be filled at once, which Post Only forbids")


def check_margin(
    order: Order, at: Decimal, market: Market, account: Account, orders: Iterable[Order], switches: Switches
) -> None:
    need = _margin(account, order, at) + order.remaining * at * TAKER
    free = account.balance + account.unrealised() - account.used_margin() - frozen_margin(account, orders)
    if need > free:
        raise BingXError(int(switches.margin), "Insufficient margin")


def _check_entry(order: Order, market: Market, at: Decimal) -> None:
    least = market.contracts[order.symbol].min_usdt
    if order.quantity * at < least:
        text = (
            f"Please ensure that the minimum nominal value of the order placed must be greater than {least}u"
        )
        raise BingXError(110425, text)
    for told, is_loss in ((order.stop_loss, True), (order.take_profit, False)):
        # The stop trades against the entry, and may not be past its trigger before the entry trades.
        if told and _is_past(not is_loss, order.side == "SELL", attached_prices(told)[1], at):
            raise BingXError(*_WRONG_SIDE[is_loss, order.direction])


def _check_close(order: Order, account: Account, beside: list[Order], switches: Switches) -> None:
    position = account.against(order)
    if position is None:
        if order.position_side == "BOTH" and account.position(order.symbol, order.direction):
            raise BingXError(101290, "The Reduce Only order can only decrease the position")
        raise BingXError(int(switches.no_position), "No position to close")
    if order.is_stop:
        _check_cover(order, position, beside, switches)
        return
    taken = sum((each.remaining for each in beside if each.status != "NEW" and is_closing(each)), ZERO)
    if order.quantity > position.quantity - taken:
        _refuse_too_much(position.quantity - taken, order, switches)


def _check_cover(order: Order, position: Position, beside: list[Order], switches: Switches) -> None:
    kind = LOSS_STOPS if order.type in LOSS_STOPS else PROFIT_STOPS
    same = [each for each in beside if each.type in kind and is_closing(each)]
    if order.close_position and any(each.close_position for each in same):
        what = "stop loss" if kind is LOSS_STOPS else "take profit"
        raise BingXError(110406 if kind is LOSS_STOPS else 110407, f"The position has a {what} already")
    # A stop for the whole position has no quantity: it neither counts nor is too large.
    left = position.quantity - sum((each.remaining for each in same), ZERO)
    if order.quantity > left and not order.close_position:
        _refuse_too_much(left, order, switches)


def _refuse_too_much(left: Decimal, order: Order, switches: Switches) -> None:
    base = order.symbol.partition("-")[0]
    text = f"The order size must be less than the available amount of {max(left, ZERO):f} {base}"
    raise BingXError(int(switches.too_much), text)


def _check_trigger(order: Order, market: Market, beside: list[Order]) -> None:
    # An attached stop was let in with its entry, so it is not counted.
    if sum(each.status == "NEW" and not each.parent for each in beside) >= MOST_STOPS:
        raise BingXError(110206, f"stop order cnt hit limit {MOST_STOPS}")
    if order.is_stop and reached(order, market):
        protected = "SHORT" if order.direction == "LONG" else "LONG"
        raise BingXError(*_WRONG_SIDE[order.type in LOSS_STOPS, protected])


def _is_past(profit: bool, buy: bool, trigger: Decimal, price: Decimal) -> bool:
    """A stop loss buys above and sells below its trigger, a take profit the other way round."""
    return price >= trigger if buy != profit else price <= trigger


def _margin(account: Account, order: Order, at: Decimal) -> Decimal:
    against = account.against(order) if order.position_side == "BOTH" else None
    opening = max(order.remaining - (against.quantity if against else ZERO), ZERO)
    return opening * at / account.leverage(order.symbol, order.direction)
