"""Positions: covered by stops, flattened, closed and cleared up after, or taken over from a person."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from bot import notices
from bot.attempts import each
from bot.desk import Desk, Key
from bot.domain import money, protection
from bot.domain.account import ExchangeOrder, Position, Purpose
from bot.domain.order import LIVE, Order, State, client_id
from bot.domain.picture import Picture
from bot.domain.protection import Cancel, Holding, Send, Step, is_guard
from bot.domain.signal import Side
from bot.domain.switch import Level
from bot.ports import NothingLeft, OutcomeUnknown, PastTrigger, Refused, TryAgain

Seen = tuple[Holding, float]  # and when the lists that show it were asked for
CLOCKS_DIFFER = timedelta(minutes=1)
BELIEVED_AFTER = 60  # visibility windows in which a position was not listed, though nothing closed it
CLOSE_ANEW = 30  # seconds after which a close that changed nothing gets a new id


async def keep_positions(desk: Desk, picture: Picture) -> None:
    """Flatten at level 3, else protect; each position by itself, so that one failure stops no other."""
    if unseen := desk.unseen():
        raise TryAgain(unseen)  # this machine slept
    seen = [(holding, picture.asked_at) for holding in picture.holdings]
    if desk.level() >= Level.FLATTEN:
        await each(_flatten, desk, seen)
        await _clear_book(desk, picture)
    else:
        desk.empty_since = None
        await each(_protect, desk, seen)


async def _flatten(desk: Desk, seen: Seen) -> None:
    holding, asked_at = seen
    if asked_at < desk.flattening_until.get(holding.key, 0.0):
        return
    closing = protection.close(holding, holding.position.quantity, "trading is halted at level 3")
    try:
        await _send_once(desk, holding, closing, desk.flattening_until)
    except (TryAgain, OutcomeUnknown, Refused):
        if holding.uncovered:
            await _protect(desk, seen)  # as long as it cannot be closed
        raise


async def _clear_book(desk: Desk, picture: Picture) -> None:
    """Only when all is flat, and was for as long as the exchange may hide a position."""
    now = picture.asked_at
    if picture.positions or desk.live:  # a trade that is not closed may have one that is not listed
        desk.empty_since = None
        return
    desk.empty_since = now if desk.empty_since is None else desk.empty_since
    if now - desk.empty_since < desk.pace.visibility_window:
        return
    await each(_cancel_all, desk, sorted({order.symbol for order in picture.orders}))


async def _cancel_all(desk: Desk, symbol: str) -> None:
    desk.log.info("orders cancelled", symbol=symbol, reason="trading is halted at level 3")
    await desk.account.cancel_all(symbol)


async def _protect(desk: Desk, seen: Seen) -> None:
    holding, asked_at = seen
    if asked_at < desk.settling_until.get(holding.key, 0.0):
        return
    bare_for = asked_at - desk.uncovered_since.get(holding.key, asked_at)
    if holding.uncovered and bare_for < desk.pace.protect_after:
        return

    async def take(desk: Desk, step: Step) -> None:
        if isinstance(step, Cancel):
            await _cancel(desk, step, holding.trades)
        elif step.order.trigger is not None or not _may_be_done(desk, holding):
            await _send_once(desk, holding, step, desk.settling_until)
            _count_bare(desk, holding, step)

    await each(take, desk, protection.protect(holding))


async def _cancel(desk: Desk, what: Cancel, trades: Sequence[Order]) -> None:
    told = {"symbol": what.symbol, "exchange_id": what.exchange_id, "orders": _names(trades)}
    desk.log.info("order cancelled", **told, reason=what.why)
    await desk.account.cancel(what.symbol, exchange_id=what.exchange_id)


def _names(trades: Sequence[Order]) -> list[str]:
    """By which all lines of the log about a trade are found."""
    return [trade.client_id for trade in trades]


def _count_bare(desk: Desk, holding: Holding, step: Send) -> None:
    """But for an entry that is being filled: there a stop may well come a moment after the position."""
    if holding.uncovered and not holding.entering:
        answer = "closed" if step.order.trigger is None else "stop_placed"
        desk.metrics.positions_without_stop_found_total.labels(answer=answer).inc()


def _may_be_done(desk: Desk, holding: Holding) -> bool:
    """Whether the stop that is missing may have closed its part: a close would end what others opened."""
    since = desk.uncovered_since.get(holding.key)
    if since is None or desk.picture is None or len(holding.trades) == 1:
        return False
    return desk.picture.asked_at - since < desk.pace.visibility_window


async def _send_once(desk: Desk, holding: Holding, step: Send, until: dict[Key, float]) -> None:
    """For a while the exchange may not show what it took, and it would look as if it were missing still."""
    before = until.get(holding.key, 0.0)
    until[holding.key] = desk.clock() + desk.pace.visibility_window
    try:
        await _send(desk, holding, step)
    except TryAgain:
        until[holding.key] = before  # certainly not taken
        raise
    until[holding.key] = desk.clock() + desk.pace.visibility_window


async def _send(desk: Desk, holding: Holding, step: Send) -> None:
    order = step.order
    quantity = order.quantity or holding.position.quantity
    if order.trigger is None:
        name = _closing_id(desk, holding.position, quantity)
        order = protection.close(holding, quantity, step.why, client_id=name).order
    told = {"symbol": order.symbol, "purpose": order.purpose, "quantity": quantity, "trigger": order.trigger}
    told |= {"orders": _names(holding.trades)}
    say = desk.log.info if order.purpose is Purpose.TARGET else desk.log.warning
    say("position needs an order", **told, reason=step.why)
    desk.look_now.set()
    try:
        await desk.account.submit(order, desk.closed)
    except PastTrigger:
        if _may_be_done(desk, holding):
            return
        why = f"the price is past the trigger of the {order.purpose}"
        await _send(desk, holding, protection.close(holding, quantity, why))
    except NothingLeft as error:
        desk.log.info("nothing was left for it", **told, answer=str(error))


def _closing_id(desk: Desk, position: Position, quantity: Decimal) -> str:
    """The same for the same position for a while, so that a close whose answer was lost is not sent twice."""
    period = int(desk.wall().timestamp() // CLOSE_ANEW)
    told = f"{position.id} {position.quantity.normalize()} {quantity.normalize()} {period}"
    return f"tw{desk.mode.value[0]}{hashlib.sha256(told.encode()).hexdigest()[:30]}x"


async def close_trades(desk: Desk, picture: Picture) -> None:
    """What was filled and has no position any more is closed, once its stops are gone as well."""
    trades = [order for order in desk.live.values() if order.filled_quantity > 0]
    held = {holding.key for holding in picture.holdings}
    entering = {order.key for order in desk.live.values() if order.state in LIVE}
    now = picture.asked_at
    flat = {trade.key for trade in trades} - held - entering
    desk.closing = flat & desk.flat_since.keys()
    desk.flat_since = {key: desk.flat_since.get(key, now) for key in flat}
    desk.denied = {key: desk.denied[key] for key in flat & desk.denied.keys()}
    over = [key for key, since in desk.flat_since.items() if now - since >= desk.pace.visibility_window]

    async def clear_up(desk: Desk, key: Key) -> None:
        ours = [trade for trade in trades if trade.key == key]
        if await _is_closed(desk, key, ours):
            await _clear_up(desk, key, ours, [each for each in picture.orders if is_guard(each, *key)])

    await each(clear_up, desk, over)


async def _is_closed(desk: Desk, key: Key, trades: Sequence[Order]) -> bool:
    """A position that is not listed may be hidden, and needs its stop: the orders that closed it are proof.

    Without them it is believed in the end, since the exchange may close one without an order.
    """
    if desk.denied.get(key, 0) >= BELIEVED_AFTER:
        return True
    now = desk.wall()
    began = min(trade.created_at or now for trade in trades) - CLOCKS_DIFFER
    history = await desk.account.history(key[0], began, now + CLOCKS_DIFFER)
    if protection.is_closed(trades, history, began, timedelta(seconds=desk.pace.visibility_window)):
        return True
    desk.denied[key] = desk.denied.get(key, 0) + 1
    desk.flat_since[key] = desk.clock()
    told = {"symbol": key[0], "long": key[1], "times": desk.denied[key], "orders": _names(trades)}
    desk.log.warning("position is not listed, but no order closed it", **told)
    return False


async def _clear_up(
    desk: Desk, key: Key, trades: Sequence[Order], leftovers: Sequence[ExchangeOrder]
) -> None:
    async def take_away(desk: Desk, what: Cancel) -> None:
        await _cancel(desk, what, trades)

    await each(take_away, desk, protection.cancelled(leftovers, "its position is closed"))
    # One that was filled after the positions were read may have one.
    names = [trade.client_id for trade in trades if trade.client_id in desk.filled_before]
    if names and not leftovers:
        await desk.store.close(names)
        for name in names:
            desk.live.pop(name, None)
        desk.log.info("position closed", symbol=key[0], long=key[1], orders=names)
        notices.closed(desk, [trade for trade in trades if trade.client_id in names])


async def adopt(
    desk: Desk, symbol: str, is_long: bool, stop: Decimal, targets: tuple[Decimal, ...], reason: str
) -> Order:
    """Take over what a person opened, so that it gets its stop and its targets like our own.

    Raises Refused with what is wrong, TryAgain if it could not be looked at or stored.
    """
    if desk.picture is None:
        raise TryAgain("the account was not read yet")
    side = "long" if is_long else "short"
    holding = next((each for each in desk.picture.holdings if each.key == (symbol, is_long)), None)
    ours = sum(each.filled_quantity for each in desk.live.values() if each.key == (symbol, is_long))
    if holding is None or holding.position.quantity <= ours:
        raise Refused(f"there is no {side} position in {symbol} that is not ours")
    position, foreign = holding.position, holding.position.quantity - ours
    if protection.is_past(position, stop, loss=True):
        raise Refused(f"the price of {symbol} is past the stop {stop:f} already")
    if wrong := [each for each in targets if protection.is_past(position, each, loss=False)]:
        raise Refused(f"the price of {symbol} is past the target {wrong[0]:f} already")
    if contract := desk.market.contracts.get(symbol):
        # The stop towards the price, as in a plan; an exchange refuses what its tick does not divide.
        towards_price = money.ceil_to if is_long else money.floor_to
        away = money.floor_to if is_long else money.ceil_to
        stop = towards_price(stop, contract.price_tick)
        targets = tuple(away(target, contract.price_tick) for target in targets)
    now = desk.wall()
    name = client_id(
        mode=desk.mode, source="adopted", chat=f"{symbol} {side}", message=now.isoformat(), leg=0, attempt=0
    )
    order = Order(
        client_id=name,
        source="adopted",
        symbol=symbol,
        side=Side.BUY if is_long else Side.SELL,
        quantity=foreign,
        price=position.entry_price,
        stop=stop,
        targets=tuple(sorted(targets, reverse=not is_long)),
        state=State.FILLED,
        reason=reason,
        filled_quantity=foreign,
        average_price=position.entry_price,
        created_at=now,
    )
    await desk.store.adopt(order, reason)
    desk.live[name] = order
    desk.touched.add(name)
    desk.look_now.set()
    desk.log.info("position adopted", symbol=symbol, long=is_long, quantity=foreign, order=name)
    return order
