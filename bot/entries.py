"""Entries after they were sent: what became of them, and their end when it is time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bot.attempts import each, raise_first, tried
from bot.desk import OLDEST_PRICE, Desk
from bot.domain.account import ExchangeOrder
from bot.domain.order import LIVE, Event, Order, Report, State
from bot.domain.switch import Level
from bot.trader import resolve, resolve_alike, settle

ASKED_AT_ONCE = 5  # orders per look: the exchange allows few questions a second
LISTED = timedelta(days=1)  # the list of what is older may be long


async def settle_orders(desk: Desk, open_orders: Sequence[ExchangeOrder]) -> None:
    """What the list of open orders tells; for the others a question each, some at a time and all in turn."""
    listed = {order.client_id: order for order in open_orders if order.client_id}
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

    given_up = [order for name, order in listed.items() if name in desk.given_up]
    failures = [await tried(_cancel_given_up, desk, order) for order in given_up]
    failures += [await tried(_take_over_intent, desk, order) for order in idle(desk)]
    failures += [await tried(settle_listed, desk, order) for order in idle(desk)]
    failures.append(await tried(_ask, desk, asked))
    raise_first(failures)


async def _cancel_given_up(desk: Desk, order: ExchangeOrder) -> None:
    """It was proved absent, and shows after all: nobody counts on it any more."""
    desk.log.error("an order that was given up is there", order=order.client_id)
    await desk.account.cancel(order.symbol, exchange_id=order.exchange_id)


async def _take_over_intent(desk: Desk, order: Order) -> None:
    """Nobody is sending it, so whoever did was cut short."""
    if order.state is State.INTENT:
        reason = "the bot ended, or could not store the answer, while this was sent"
        await settle(desk, order, Report(client_id=order.client_id, event=Event.LOST, reason=reason), "")


async def _ask(desk: Desk, asked: list[Order]) -> None:
    failures = []
    if len(asked) > ASKED_AT_ONCE:
        young = [order for order in asked if order.created_at and desk.wall() - order.created_at < LISTED]
        for symbol in sorted({order.symbol for order in young}):
            alike = [order for order in young if order.symbol == symbol]
            failures.append(await tried(resolve_alike, desk, alike))
        asked = [order for order in asked if order not in young]
    failures.append(await tried(_ask_some, desk, asked))
    raise_first(failures)


async def _ask_some(desk: Desk, asked: list[Order]) -> None:
    """Ends with the first question that is not answered: the others would not be either."""
    start = desk.asked % len(asked) if asked else 0
    for order in (asked[start:] + asked[:start])[:ASKED_AT_ONCE]:
        desk.asked += 1
        await resolve(desk, order)


def _is_known(order: Order, report: Report) -> bool:
    waits = order.state is State.PENDING and report.event is Event.ACCEPTED
    return waits and report.filled_quantity == order.filled_quantity


async def cancel_entries(desk: Desk) -> None:
    expired = [
        order for order in desk.live.values() if order.state is State.PENDING and _is_over(desk, order)
    ]
    desk.metrics.entries_past_expiry.set(len(expired))
    resting = [order for order in idle(desk) if order.state is State.PENDING]
    known = [order for order in resting if order.client_id not in desk.missing]
    await each(_cancel_entry, desk, [(order, why) for order in known if (why := _why_cancel(desk, order))])


def _why_cancel(desk: Desk, order: Order) -> str:
    """Empty if the entry may go on resting."""
    if desk.level() >= Level.CANCEL_ENTRIES:
        return "trading is halted"
    if _is_over(desk, order):
        return "its time is over"
    last = desk.market.price(order.symbol, desk.clock(), OLDEST_PRICE)
    return order.crossed(last) if last is not None else ""


def _is_over(desk: Desk, order: Order) -> bool:
    return order.expires_at is not None and order.expires_at <= desk.wall()


async def _cancel_entry(desk: Desk, what: tuple[Order, str]) -> None:
    order, why = what
    # By the client's id the exchange may not find it any more; it may rest for longer than that.
    name = {"exchange_id": order.exchange_id} if order.exchange_id else {"client_id": order.client_id}
    report = await desk.account.cancel(order.symbol, **name)
    desk.log.info("entry cancelled", order=order.client_id, reason=why)
    if report is None or report.event is not Event.CANCELLED:
        await resolve(desk, order)  # filled meanwhile, or cancelled
    else:
        await settle(desk, order, replace(report, reason=why), "")


def idle(desk: Desk) -> list[Order]:
    """Orders whose end is not known, and that nobody is sending just now."""
    return [each for each in desk.live.values() if each.state in LIVE and each.client_id not in desk.sends]
