"""The use cases of an order: send it once, and find out what became of it."""

from collections.abc import Sequence
from datetime import timedelta

from bot import notices
from bot.desk import OLDEST_PRICE, Desk, stop_trading
from bot.domain import risk
from bot.domain.order import FAILED, LIVE, UNPLACED, Event, Ignored, Order, Report, State, apply
from bot.domain.reason import Reason, told
from bot.domain.signal import Side
from bot.ports import (
    AlreadyTaken,
    Halted,
    OutcomeUnknown,
    Refused,
    StopTrading,
    TryAgain,
)
from bot.terms import set_terms

# By its id the exchange finds an order for two hours; a little less, since clocks differ.
FOUND_BY_ID = timedelta(minutes=110)
CLOCKS_DIFFER = timedelta(minutes=1)


def against_entry(desk: Desk, symbol: str, side: Side) -> str:
    """Why no entry should be made beside what the account holds, and what is on its way to it."""
    key = (symbol, side is Side.BUY)
    if key in desk.closing:
        return f"closing: what is left of the last position in {symbol} is being cancelled"
    others = {each.key for each in desk.live.values() if each.state in LIVE or each.filled_quantity}
    picture = desk.picture
    return picture.against_entry(*key, others, hedged=desk.hedged is not False) if picture else ""


async def send(desk: Desk, order: Order, received: float) -> Order:
    """Place what was committed, and store what became of it."""
    if against := against_entry(desk, order.symbol, order.side):  # others came since it was decided
        report, failure = Report(client_id=order.client_id, event=Event.ABSENT, reason=against), "not_sent"
    else:
        report, failure = await place(desk, order)
    if report.event not in (Event.LOST, Event.ABSENT):
        desk.metrics.order_processing_seconds.observe(desk.clock() - received)
    try:
        return await settle(desk, order, report, failure)
    except (TryAgain, OutcomeUnknown) as error:
        # The row still says intent; the next look asks the exchange and writes what it hears.
        desk.log.warning(
            "order state not stored", order=order.client_id, event_was=report.event, reason=str(error)
        )
        return desk.live.get(order.client_id, order)


async def place(desk: Desk, order: Order) -> tuple[Report, str]:
    """What became of the order, and if it failed the reason it is counted under."""
    name = order.client_id
    if against := desk.closed() or await set_terms(desk, order):
        return Report(client_id=name, event=Event.ABSENT, reason=against), "not_sent"
    try:
        return await desk.exchange.place(order, desk.closed), "rejected"
    except Refused as error:
        return Report(client_id=name, event=Event.REJECTED, reason=str(error)), "rejected"
    except StopTrading as error:
        stop_trading(desk, str(error))
        return Report(client_id=name, event=Event.REJECTED, reason=str(error)), "rejected"
    except Halted as error:
        return Report(client_id=name, event=Event.ABSENT, reason=str(error)), "not_sent"
    except TryAgain as error:
        return Report(client_id=name, event=Event.ABSENT, reason=str(error)), "unreachable"
    except AlreadyTaken as error:
        return Report(client_id=name, event=Event.ACCEPTED, reason=str(error)), ""
    except OutcomeUnknown as error:
        return Report(client_id=name, event=Event.LOST, reason=str(error)), ""


async def settle(desk: Desk, order: Order, report: Report, failure: str) -> Order:
    """Remember and store what the report makes of the order; count it once if its placement has ended."""
    after = apply(order, report)
    if isinstance(after, Ignored):
        desk.log.warning("report ignored", order=order.client_id, reason=after.reason)
        return order
    if after == order:
        return order
    # In memory first: while the database is down a position of it is protected all the same.
    desk.live[order.client_id] = after
    desk.touched.add(order.client_id)
    if not await desk.store.save(after, was=order.state):
        desk.log.warning("order was changed by somebody else", order=order.client_id, was=order.state)
        return order
    desk.changed.set()
    notices.settled(desk, order, after)
    if after.filled_quantity != order.filled_quantity or after.state is State.UNKNOWN:
        desk.look_now.set()
    if order.state in UNPLACED and after.state not in UNPLACED:
        desk.metrics.orders_total.labels(source=order.source).inc()
        if after.state in FAILED:
            desk.metrics.orders_failed_total.labels(source=order.source, reason=failure).inc()
    if after.state is not order.state:
        desk.log.info("order", order=order.client_id, state=after.state, was=order.state, reason=after.reason)
    return after


async def resolve(desk: Desk, order: Order) -> None:
    """Ask the exchange what became of an order, or was made of it so far; no answer is no absence."""
    try:
        report = await desk.exchange.find(order.symbol, order.client_id)
        if report is None:
            report = await _in_history(desk, order)
    except Refused as error:
        desk.log.debug("order not resolved", order=order.client_id, state=order.state, reason=str(error))
        return
    await conclude(desk, order, report)


async def resolve_alike(desk: Desk, orders: Sequence[Order]) -> None:
    """The same for many of one symbol, by one list: questions one by one would take minutes."""
    since = min(order.created_at for order in orders if order.created_at)
    history = await desk.account.history(orders[0].symbol, since - CLOCKS_DIFFER, desk.wall() + CLOCKS_DIFFER)
    listed = {each.client_id: each for each in history}
    for order in orders:
        found = listed.get(order.client_id)
        if found is None or found.event is not None:
            await conclude(desk, order, found.report() if found else None)


async def conclude(desk: Desk, order: Order, report: Report | None) -> None:
    """What follows for an order from the exchange's answer; None if that was: there is no such order."""
    if report is not None:
        desk.absent_since.pop(order.client_id, None)
        desk.missing.discard(order.client_id)
        await settle(desk, order, report, "rejected")
    elif order.state is State.PENDING:
        desk.missing.add(order.client_id)  # it was there, so a person must look
    elif _is_absent(desk, order):
        await _send_again_or_end(desk, order)


async def _in_history(desk: Desk, order: Order) -> Report | None:
    """By its id the exchange finds an order for two hours only."""
    created = order.created_at
    if created is None or desk.wall() - created < FOUND_BY_ID:
        return None
    for each in await desk.account.history(order.symbol, created - CLOCKS_DIFFER, created + FOUND_BY_ID):
        if each.client_id == order.client_id and each.event is not None:
            return each.report()
    return None


def _is_absent(desk: Desk, order: Order) -> bool:
    """Absent only after several answers over the whole window: an order may take a while to show.

    The window is not shorter than the time for which the exchange takes a request, so that one
    that is still on its way cannot arrive after the last answer. A position that nothing else
    explains may be what the order was filled to, though the order does not show.
    """
    name, now = order.client_id, desk.clock()
    if desk.picture and desk.picture.is_unexplained(order.key):
        desk.absent_since.pop(name, None)
        return False
    since, answers = desk.absent_since.get(name, (now, 0))
    desk.absent_since[name] = (since, answers + 1)
    if answers + 1 < 3 or now - since < desk.pace.visibility_window:
        return False
    del desk.absent_since[name]
    return True


async def _send_again_or_end(desk: Desk, order: Order) -> None:
    """The exchange has no such order and cannot get it any more; its id is free, and only that is used."""
    against = _against_sending(desk, order)
    if against:
        desk.given_up.add(order.client_id)
        reason = f"the exchange never got it, and it was not sent again: {against}"
        await settle(
            desk, order, Report(client_id=order.client_id, event=Event.ABSENT, reason=reason), "not_sent"
        )
        return
    desk.log.info("order goes out again", order=order.client_id)
    report, failure = await place(desk, order)
    if report.event is Event.ABSENT:
        desk.given_up.add(order.client_id)
    await settle(desk, order, report, failure)


def _against_sending(desk: Desk, order: Order) -> str:
    age = (desk.wall() - order.created_at).total_seconds() if order.created_at else None
    if age is None or age > desk.pace.resend_within:
        return "too much time has passed"
    last = desk.market.price(order.symbol, desk.clock(), OLDEST_PRICE)
    if last is None:
        return "no fresh price"
    return (
        order.crossed(last)
        or against_entry(desk, order.symbol, order.side)
        or _against_limits(desk, order)
        or desk.closed()
    )


def _against_limits(desk: Desk, order: Order) -> str:
    """Others may have come since it was decided on, or the switch may allow less."""
    limits, holdings = desk.allowed(), desk.picture.holdings if desk.picture else ()
    others = [each for name, each in desk.orders().items() if name != order.client_id]
    held = risk.exposures(others, holdings)
    if order.symbol not in limits.symbols:
        return told(Reason.SYMBOL_NOT_ALLOWED, f"{order.symbol} is not traded any more")
    if against := risk.against_trade(order.key, held, limits, desk.money):
        return told(against.reason, against.text)
    rooms = risk.rooms(order.symbol, order.source, held, limits)
    full = next((each.cap for each in rooms if each.left < order.quantity * order.price), None)
    return told(Reason.MAX_NOTIONAL, f"{full} has no room for it any more") if full else ""


async def refresh_gauges(desk: Desk, now: float) -> None:
    counts = await desk.store.counts()
    for state in State:
        desk.metrics.orders_by_status.labels(status=state.value).set(counts.get(state, 0))
    desk.failed_in_a_row = await desk.store.failed_in_a_row()
    desk.metrics.orders_failed_in_a_row.set(desk.failed_in_a_row)
    desk.metrics.orders_by_status_updated_timestamp_seconds.set(now)


async def refresh_signals(desk: Desk) -> None:
    """Apart from the states of orders, which are read at each change: this reads a day's signals."""
    by_source = await desk.store.signals_by_source()
    for source in desk.sources:
        desk.metrics.signals_by_source.labels(source=source).set(by_source.get(source, 0))
    desk.metrics.signals_by_source_updated_timestamp_seconds.set(desk.wall().timestamp())
