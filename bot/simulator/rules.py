"""What BingX refuses once it knows prices, positions, other orders and money."""

from collections.abc import Iterable
from decimal import Decimal

from bot.simulator.account import TAKER, Account, Position
from bot.simulator.errors import BingXError
from bot.simulator.order import LOSS_STOP, PROFIT_STOP, ZERO, Order, read_attached
from bot.simulator.switches import Switches

MOST_STOPS = 50
_WRONG_SIDE = {
    (LOSS_STOP, "LONG"): (110411, "The stop loss price of a long position must be below the price"),
    (LOSS_STOP, "SHORT"): (110412, "The stop loss price of a short position must be above the price"),
    (PROFIT_STOP, "LONG"): (110413, "The take profit price of a long position must be above the price"),
    (PROFIT_STOP, "SHORT"): (110414, "The take profit price of a short position must be below the price"),
}
_THERE = {
    LOSS_STOP: (110406, "The position has a stop loss already"),
    PROFIT_STOP: (110407, "The position has a take profit already"),
}


def is_reached(stop: Order, account: Account) -> bool:
    """Whether the price has come to the trigger of a stop."""
    market = account.market
    by_mark = stop.working_type == "MARK_PRICE"
    price = market.mark(stop.symbol) if by_mark else market.prices[stop.symbol]
    return _is_past(stop.type, stop.side, stop.stop_price, price)


def is_crossed(order: Order, last: Decimal) -> bool:
    if order.type != "LIMIT":
        return True
    return last <= order.price if order.side == "BUY" else last >= order.price


def frozen_margin(account: Account, orders: Iterable[Order]) -> Decimal:
    """What resting entries keep back; a trigger that was not reached keeps nothing back."""
    resting = (each for each in orders if each.status != "NEW" and not each.is_closing)
    return sum((_margin(account, each, each.price) for each in resting), ZERO)


def check(order: Order, account: Account, orders: list[Order], switches: Switches) -> None:
    """Raises the refusal of an order that is about to be taken beside the open `orders`."""
    side = (order.symbol, order.position_side)
    beside = [each for each in orders if (each.symbol, each.position_side) == side]
    if order.is_closing:
        _check_close(order, account, beside, switches)
    elif not order.is_stop:
        _check_entry(order, account)
        check_margin(order, account, orders, switches)
    if order.is_stop:
        _check_trigger(order, account, beside)


def check_margin(order: Order, account: Account, orders: Iterable[Order], switches: Switches) -> None:
    at = order.price or account.market.prices[order.symbol]
    need = _margin(account, order, at) + order.remaining * at * TAKER
    free = account.balance + account.unrealised() - account.used_margin() - frozen_margin(account, orders)
    if need > free:
        raise BingXError(int(switches.margin), "Insufficient margin")


def _check_entry(order: Order, account: Account) -> None:
    at = order.price or account.market.prices[order.symbol]
    least = account.market.contracts[order.symbol].min_usdt
    if order.quantity * at < least:
        text = "Please ensure that the minimum nominal value of the order placed must be greater than"
        raise BingXError(110425, f"{text} {least}u")
    for told in filter(None, (order.stop_loss, order.take_profit)):
        # The stop trades against the entry, and may not be past its trigger before the entry trades.
        stop = read_attached(told)
        if _is_past(stop.type, "SELL" if order.side == "BUY" else "BUY", stop.stop_price, at):
            raise BingXError(*_WRONG_SIDE[stop.type, order.direction])


def _check_close(order: Order, account: Account, beside: list[Order], switches: Switches) -> None:
    position = account.against(order)
    if position is None:
        if order.position_side == "BOTH" and account.position(order.symbol, order.direction):
            raise BingXError(101290, "The Reduce Only order can only decrease the position")
        raise BingXError(int(switches.no_position), "No position to close")
    # Stops of a kind share the position among themselves, and so do the closes that rest.
    same = [
        each
        for each in beside
        if each.is_closing and (each.type == order.type if order.is_stop else each.status != "NEW")
    ]
    if order.close_position:
        # It has no quantity: it neither counts nor is too large.
        if any(each.close_position for each in same):
            raise BingXError(*_THERE[order.type])
        return
    _check_size(order, position, sum((each.remaining for each in same), ZERO), switches)


def _check_size(order: Order, position: Position, taken: Decimal, switches: Switches) -> None:
    left = max(position.quantity - taken, ZERO)
    if order.quantity > left:
        base = order.symbol.partition("-")[0]
        text = f"The order size must be less than the available amount of {left:f} {base}"
        raise BingXError(int(switches.too_much), text)


def _check_trigger(stop: Order, account: Account, beside: list[Order]) -> None:
    # An attached stop was let in with its entry, so it is not counted.
    if sum(each.status == "NEW" and not each.parent for each in beside) >= MOST_STOPS:
        raise BingXError(110206, f"stop order cnt hit limit {MOST_STOPS}")
    if is_reached(stop, account):
        protected = "SHORT" if stop.direction == "LONG" else "LONG"
        raise BingXError(*_WRONG_SIDE[stop.type, protected])


def _is_past(kind: str, side: str, trigger: Decimal, price: Decimal) -> bool:
    """A stop loss buys above and sells below its trigger, a take profit the other way round."""
    above = (side == "BUY") == (kind == LOSS_STOP)
    return price >= trigger if above else price <= trigger


def _margin(account: Account, order: Order, at: Decimal) -> Decimal:
    against = account.against(order)
    opening = max(order.remaining - (against.quantity if against else ZERO), ZERO)
    return opening * at / account.leverage(order.symbol, order.direction)
