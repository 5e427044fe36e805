"""One look at the account after the other: what is not as it should be is put right, whatever went before.

A look concludes from what is there, never from what an earlier one did: a crash at any point loses nothing.
"""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TypeVar

from bot.desk import OLDEST_PRICE, Desk, stop_trading
from bot.domain import health, protection
from bot.domain.account import ExchangeOrder, Position
from bot.domain.order import LIVE, UNPLACED, Event, Order, Report, State, client_id
from bot.domain.picture import Picture, draw
from bot.domain.protection import Cancel, Holding, Send
from bot.domain.signal import Side
from bot.domain.switch import Level
from bot.ports import NothingLeft, OutcomeUnknown, PastTrigger, Refused, StopTrading, TryAgain
from bot.trader import resolve, resolve_many, settle

T = TypeVar("T")
ASKED_AT_ONCE = 5  # orders per look: the exchange allows few questions a second
LISTED = timedelta(days=1)  # the list of what is older may be long
CLOSE_ANEW = 30  # seconds after which a close that changed nothing gets a new id


async def look(desk: Desk) -> None:
    """Raises the first failure, after everything else was done that does not need what failed."""
    failures = [await _tried(_read_live, desk)]
    picture, unread = await _read_account(desk)
    failures.append(unread)
    if not desk.follows:
        failures.append(await _tried(_settle_orders, desk, picture))
        failures.append(await _tried(_cancel_entries, desk))
    if picture:
        # Drawn again, since what was settled just now belongs to it.
        picture = desk.picture = _drawn(desk, picture.positions, picture.orders)
        _show(desk, picture)
    if picture and not desk.follows:
        failures.append(await _tried(_keep_positions, desk, picture))
        failures.append(await _tried(_close_trades, desk, picture))
    _raise_first(failures)


async def _tried(step: Callable[..., Awaitable[None]], desk: Desk, *more: object) -> Exception | None:
    try:
        await step(desk, *more)
    except (TryAgain, OutcomeUnknown, Refused) as error:
        return error
    except StopTrading as error:
        stop_trading(desk, str(error))
    return None


async def _each(step: Callable[[Desk, T], Awaitable[None]], desk: Desk, items: Iterable[T]) -> None:
    """Raises the first failure after all had their turn: one that fails keeps no other from its own."""
    _raise_first([await _tried(step, desk, item) for item in items])


def _raise_first(failures: Iterable[Exception | None]) -> None:
    for failure in failures:
        if failure:
            raise failure


async def _read_live(desk: Desk) -> None:
    """What the database says, but for orders that changed here while it was asked."""
    desk.touched.clear()
    stored = {order.client_id: order for order in await desk.store.live()}
    newer = {name: desk.live[name] for name in desk.touched | desk.sends.keys() if name in desk.live}
    desk.live = stored | newer
    desk.absent_since = {name: seen for name, seen in desk.absent_since.items() if name in desk.live}
    desk.missing &= desk.live.keys()
    now = desk.wall()
    waiting = [order.created_at for order in stored.values() if order.state in UNPLACED]
    oldest = min((created for created in waiting if created), default=now)
    desk.metrics.signals_unfinished_age_seconds.set(max(0.0, (now - oldest).total_seconds()))
    desk.metrics.signals_unfinished_age_seconds_updated_timestamp_seconds.set(now.timestamp())


async def _read_account(desk: Desk) -> tuple[Picture | None, Exception | None]:
    """Positions before orders: a stop that came with its position is then listed if the position is."""
    desk.filled_before = {each.client_id for each in desk.live.values() if each.filled_quantity > 0}
    try:
        positions = await desk.account.positions()
        picture = _drawn(desk, positions, await desk.account.open_orders())
    except (TryAgain, StopTrading) as error:
        desk.checks["account"] = health.failed(desk.checks["account"], str(error), desk.clock())
        if isinstance(error, StopTrading):
            stop_trading(desk, str(error))
            return None, None
        return None, error
    desk.checks["account"] = health.passed(desk.checks["account"], desk.clock())
    return picture, None


async def _settle_orders(desk: Desk, picture: Picture | None) -> None:
    """What the list of open orders tells; for the others a question each, some at a time and all in turn."""
    listed = {order.client_id: order for order in picture.orders if order.client_id} if picture else {}
    asked: list[Order] = []

    async def settle_listed(desk: Desk, order: Order) -> None:
        told = listed.get(order.client_id)
        report = told.report() if told else None
        if told:
            desk.missing.discard(order.client_id)
        if report is None:
            asked.append(order)
        elif not _is_known(order, report):
            await settle(desk, order, report, "rejected")

    failures = [await _tried(_take_over_intent, desk, order) for order in _idle(desk)]
    failures += [await _tried(settle_listed, desk, order) for order in _idle(desk)]
    failures.append(await _tried(_ask, desk, asked))
    _raise_first(failures)


async def _take_over_intent(desk: Desk, order: Order) -> None:
    """Nobody is sending it, so whoever did was cut short."""
    if order.state is State.INTENT:
        reason = "the bot ended, or could not store the answer, while this was sent"
        await settle(desk, order, Report(client_id=order.client_id, event=Event.LOST, reason=reason), "")


async def _ask(desk: Desk, asked: list[Order]) -> None:
    """Ends with the first question that is not answered: the others would not be either."""
    if len(asked) > ASKED_AT_ONCE:
        young = [order for order in asked if order.created_at and desk.wall() - order.created_at < LISTED]
        await resolve_many(desk, young)
        asked = [order for order in asked if order not in young]
    start = desk.asked % len(asked) if asked else 0
    for order in (asked[start:] + asked[:start])[:ASKED_AT_ONCE]:
        desk.asked += 1
        await resolve(desk, order)


def _is_known(order: Order, report: Report) -> bool:
    waits = order.state is State.PENDING and report.event is Event.ACCEPTED
    return waits and report.filled_quantity == order.filled_quantity


async def _cancel_entries(desk: Desk) -> None:
    halted = desk.level() >= Level.CANCEL_ENTRIES
    expired = [each for each in desk.live.values() if each.state is State.PENDING and _is_expired(desk, each)]
    desk.metrics.entries_past_expiry.set(len(expired))
    resting = [
        each for each in _idle(desk) if each.state is State.PENDING and each.client_id not in desk.missing
    ]
    reasons = [
        (
            order,
            "trading is halted"
            if halted
            else "its time is over"
            if order in expired
            else _crossed(desk, order),
        )
        for order in resting
    ]
    await _each(_cancel_entry, desk, [(order, why) for order, why in reasons if why])


def _is_expired(desk: Desk, order: Order) -> bool:
    return order.expires_at is not None and order.expires_at <= desk.wall()


def _crossed(desk: Desk, order: Order) -> str:
    """Whether stop or target traded before the entry did, or the rest of it."""
    last = desk.market.price(order.symbol, desk.clock(), OLDEST_PRICE)
    if last is None:
        return ""
    if last <= order.stop if order.is_long else last >= order.stop:
        return "the price reached its stop first"
    target = order.targets[0] if order.targets else None
    if target is not None and (last >= target if order.is_long else last <= target):
        return "the price reached its target first"
    return ""


async def _cancel_entry(desk: Desk, what: tuple[Order, str]) -> None:
    order, why = what
    report = await desk.account.cancel(order.symbol, client_id=order.client_id)
    desk.log.info("entry cancelled", order=order.client_id, reason=why)
    if report is None or report.event is not Event.CANCELLED:
        await resolve(desk, order)  # filled meanwhile, or cancelled
    else:
        await settle(desk, order, replace(report, reason=why), "")


async def _keep_positions(desk: Desk, picture: Picture) -> None:
    """Flatten at level 3, else protect; each position by itself, so that one failure stops no other."""
    if desk.level() >= Level.FLATTEN:
        await _each(_flatten, desk, picture.holdings)
        await _clear_book(desk, picture)
    else:
        await _each(_protect, desk, picture.holdings)


async def _flatten(desk: Desk, holding: Holding) -> None:
    closing = protection.close(holding, holding.position.quantity, "trading is halted at level 3")
    await _send(desk, holding, closing)


async def _clear_book(desk: Desk, picture: Picture) -> None:
    """Only when all is flat, and was for as long as the exchange may hide a position."""
    now = desk.clock()
    if picture.positions or any(order.state in LIVE for order in desk.live.values()):
        desk.empty_since = None
        return
    desk.empty_since = now if desk.empty_since is None else desk.empty_since
    if now - desk.empty_since < desk.pace.visibility_window:
        return
    for symbol in sorted({order.symbol for order in picture.orders}):
        desk.log.info("orders cancelled", symbol=symbol, reason="trading is halted at level 3")
        await desk.account.cancel_all(symbol)


async def _protect(desk: Desk, holding: Holding) -> None:
    key, now = holding.key, desk.clock()
    if now < desk.settling_until.get(key, 0.0):
        return
    if holding.uncovered and now - desk.uncovered_since.get(key, now) < desk.pace.protect_after:
        return
    for step in protection.protect(holding):
        if isinstance(step, Cancel):
            desk.log.info(
                "order cancelled", symbol=step.symbol, exchange_id=step.exchange_id, reason=step.why
            )
            await desk.account.cancel(step.symbol, exchange_id=step.exchange_id)
            continue
        # For a while the exchange may not show it, and so one would look as if it were missing still.
        desk.settling_until[key] = now + desk.pace.visibility_window
        try:
            await _send(desk, holding, step)
        except TryAgain:
            del desk.settling_until[key]  # certainly not taken
            raise


async def _send(desk: Desk, holding: Holding, step: Send) -> None:
    order = step.order
    quantity = order.quantity or holding.position.quantity
    if order.trigger is None:
        name = _closing_id(desk, holding.position, quantity)
        order = protection.close(holding, quantity, step.why, client_id=name).order
    told = {"symbol": order.symbol, "purpose": order.purpose, "quantity": quantity, "trigger": order.trigger}
    desk.log.warning("position needs an order", **told, reason=step.why)
    desk.look_now.set()
    try:
        await desk.account.submit(order, desk.closed)
    except PastTrigger:
        why = f"the price is past the trigger of the {order.purpose}"
        await _send(desk, holding, protection.close(holding, quantity, why))
    except NothingLeft as error:
        desk.log.info("nothing was left for it", **told, answer=str(error))


def _closing_id(desk: Desk, position: Position, quantity: Decimal) -> str:
    """The same for the same position for a while, so that a close whose answer was lost is not sent twice."""
    period = int(desk.wall().timestamp() // CLOSE_ANEW)
    told = f"{position.id} {position.quantity.normalize()} {quantity.normalize()} {period}"
    return f"tw{desk.mode.value[0]}{hashlib.sha256(told.encode()).hexdigest()[:30]}x"


async def _close_trades(desk: Desk, picture: Picture) -> None:
    """What was filled and has no position any more is closed, once its stops are gone as well."""
    trades = [order for order in desk.live.values() if order.filled_quantity > 0]
    held = {holding.key for holding in picture.holdings}
    entering = {order.key for order in desk.live.values() if order.state in LIVE}
    now = desk.clock()
    flat = {trade.key for trade in trades} - held - entering
    desk.closing = flat & desk.flat_since.keys()
    desk.flat_since = {key: desk.flat_since.get(key, now) for key in flat}
    for key, since in desk.flat_since.items():
        if now - since < desk.pace.visibility_window:
            continue
        leftovers = [order for order in picture.orders if protection.is_guard(order, *key)]
        for order in leftovers:
            desk.log.info("order cancelled", exchange_id=order.exchange_id, reason="its position is closed")
            await desk.account.cancel(order.symbol, exchange_id=order.exchange_id)
        # One that was filled after the positions were read may have one.
        names = [
            each.client_id for each in trades if each.key == key and each.client_id in desk.filled_before
        ]
        if names and not leftovers:
            await desk.store.close(names)
            for name in names:
                desk.live.pop(name, None)
            desk.log.info("position closed", symbol=key[0], long=key[1], orders=names)


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
    if holding is None or not holding.foreign:
        raise Refused(f"there is no {side} position in {symbol} that is not ours")
    position = holding.position
    if protection.is_past(position, stop, loss=True):
        raise Refused(f"the price of {symbol} is past the stop {stop:f} already")
    if wrong := [each for each in targets if protection.is_past(position, each, loss=False)]:
        raise Refused(f"the price of {symbol} is past the target {wrong[0]:f} already")
    now = desk.wall()
    name = client_id(
        mode=desk.mode, source="adopted", chat=f"{symbol} {side}", message=now.isoformat(), leg=0, attempt=0
    )
    order = Order(
        client_id=name,
        source="adopted",
        symbol=symbol,
        side=Side.BUY if is_long else Side.SELL,
        quantity=holding.foreign,
        price=position.entry_price,
        stop=stop,
        targets=tuple(sorted(targets, reverse=not is_long)),
        state=State.FILLED,
        reason=reason,
        filled_quantity=holding.foreign,
        average_price=position.entry_price,
        created_at=now,
    )
    await desk.store.adopt(order, reason)
    desk.live[name] = order
    desk.touched.add(name)
    desk.look_now.set()
    desk.log.info("position adopted", symbol=symbol, long=is_long, quantity=holding.foreign, order=name)
    return order


def _show(desk: Desk, picture: Picture) -> None:
    """What the look found, for alerts."""
    now, metrics, read_at = desk.clock(), desk.metrics, picture.read_at.timestamp()
    desk.uncovered_since = {
        each.key: desk.uncovered_since.get(each.key, now) for each in picture.holdings if each.uncovered
    }
    for state, count in picture.counts.items():
        metrics.positions.labels(state=state).set(count)
    metrics.positions_updated_timestamp_seconds.set(read_at)
    for kind, count in picture.differences.items():
        metrics.reconciliation_differences.labels(kind=kind).set(count)
    metrics.reconciliation_differences_updated_timestamp_seconds.set(read_at)
    metrics.position_liquidation_distance_ratio.clear()
    for symbol, distance in picture.liquidation_distances.items():
        metrics.position_liquidation_distance_ratio.labels(symbol=symbol).set(float(distance))


def _drawn(desk: Desk, positions: Sequence[Position], orders: Sequence[ExchangeOrder]) -> Picture:
    return draw(
        positions=positions,
        orders=orders,
        live=list(desk.live.values()),
        missing=desk.missing,
        contracts=desk.market.contracts,
        hedged=desk.hedged is not False,
        read_at=desk.wall(),
    )


def _idle(desk: Desk) -> list[Order]:
    """Orders whose end is not known, and that nobody is sending just now."""
    return [each for each in desk.live.values() if each.state in LIVE and each.client_id not in desk.sends]
