"""The use cases: show what a signal would become, act on it once, and find out what became of orders."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bot.domain import signal as signals
from bot.domain.health import Check
from bot.domain.market import Market
from bot.domain.mode import Mode
from bot.domain.order import FAILED, UNPLACED, Event, Ignored, Order, Report, State, apply, client_id
from bot.domain.plan import Limits, Plan, Refusal, make_plan
from bot.domain.signal import Unreadable, parse
from bot.log import Log
from bot.metrics import Metrics
from bot.ports import (
    Exchange,
    Incoming,
    OrderStore,
    OutcomeUnknown,
    Refused,
    SignalRow,
    StopTrading,
    TryAgain,
    Verdict,
)

OLDEST_PRICE = 5.0  # seconds; an older price is no base for a limit
ASKED_AT_ONCE = 5  # orders per round: the exchange allows few questions a second


@dataclass(slots=True, kw_only=True)
class Desk:
    """What the use cases work with, and the little that they remember between calls."""

    exchange: Exchange
    store: OrderStore
    metrics: Metrics
    log: Log
    mode: Mode
    limits: Limits
    trading_enabled: bool
    visibility_window: float
    clock: Callable[[], float] = time.monotonic
    market: Market = field(default_factory=Market)
    leaving: bool = False  # told to stop: takes no new signals
    stopped: str = ""  # why trading stopped until a person restarts the bot
    sends: dict[str, asyncio.Task[tuple[Verdict, SignalRow]]] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)  # some order's state is not what it was
    asked: int = 0
    checks: dict[str, Check] = field(default_factory=dict)
    clock_offset: float | None = None
    failed_in_a_row: int = 0
    absent_since: dict[str, tuple[float, int]] = field(default_factory=dict)

    def closed(self) -> str:
        """Why no order may leave now; empty if one may. Asked last before every send."""
        if self.stopped:
            return f"stopped: {self.stopped}"
        return "" if self.trading_enabled else "halted"


def is_ready(desk: Desk) -> bool:
    """Whether everything that is needed to trade answers; the operator's switch is another matter."""
    return (
        not desk.stopped
        and not desk.leaving
        and bool(desk.checks)
        and all(check.ok for check in desk.checks.values())
    )


def preview(desk: Desk, text: str) -> Plan | Refusal | Unreadable:
    """What would be ordered now; changes nothing."""
    signal = parse(text)
    if isinstance(signal, Unreadable):
        return signal
    price = desk.market.price(signal.symbol, desk.clock(), OLDEST_PRICE)
    return make_plan(signal, desk.market.contracts.get(signal.symbol), price, desk.limits)


async def on_signal(desk: Desk, incoming: Incoming) -> tuple[Verdict, SignalRow]:
    """Decide, commit the decision, then send. A message that was seen before gives its first result again.

    Raises TryAgain or OutcomeUnknown when the decision could not be committed; then nothing is sent.
    """
    if desk.leaving:
        raise TryAgain("the bot is stopping")
    received = desk.clock()
    desk.metrics.signals_received_total.labels(source=incoming.source).inc()
    row = _decide(desk, incoming)
    if row.order is None:
        return await _commit(desk, row)
    name = row.order.client_id
    while name in desk.sends:
        await asyncio.wait({desk.sends[name]})
    # In a task of its own: whoever asked may go away, the order and its state still belong together.
    task = asyncio.create_task(_commit_and_send(desk, row, row.order, received))
    desk.sends[name] = task
    task.add_done_callback(lambda _: desk.sends.pop(name, None))
    return await asyncio.shield(task)


def _decide(desk: Desk, incoming: Incoming) -> SignalRow:
    plan = preview(desk, incoming.text)
    told = Incoming(
        source=incoming.source,
        chat=incoming.chat,
        message_id=incoming.message_id,
        text=signals.clean(incoming.text)[: signals.LONGEST],
    )
    if isinstance(plan, Unreadable):
        return SignalRow(incoming=told, verdict=Verdict.UNREADABLE, reason=plan.reason, order=None)
    if isinstance(plan, Refusal):
        return _refused(told, f"{plan.reason}: {plan.text}")
    if closed := desk.closed():
        return _refused(told, closed)
    return SignalRow(incoming=told, verdict=Verdict.ACCEPTED, reason=None, order=_intent(desk, told, plan))


def _refused(incoming: Incoming, reason: str) -> SignalRow:
    return SignalRow(incoming=incoming, verdict=Verdict.REFUSED, reason=reason, order=None)


def _intent(desk: Desk, incoming: Incoming, plan: Plan) -> Order:
    message = incoming.message_id
    name = client_id(
        mode=desk.mode, source=incoming.source, chat=incoming.chat, message=message, leg=0, attempt=0
    )
    return Order(
        client_id=name,
        source=incoming.source,
        symbol=plan.symbol,
        side=plan.side,
        quantity=plan.quantity,
        price=plan.price,
        stop=plan.stop,
    )


async def _commit(desk: Desk, row: SignalRow) -> tuple[Verdict, SignalRow]:
    if await desk.store.admit(row):
        verdict, told = row.verdict, row
    else:
        verdict, first = Verdict.DUPLICATE, await desk.store.find(row.incoming)
        if first is None:
            raise TryAgain("the message was there before, but is not any more")
        told = first
    desk.metrics.signal_verdicts_total.labels(source=row.incoming.source, verdict=verdict.value).inc()
    order = told.order.client_id if told.order else None
    desk.log.info("signal", **_ids(row.incoming), verdict=verdict, reason=told.reason, order=order)
    return verdict, told


async def _commit_and_send(
    desk: Desk, row: SignalRow, intent: Order, received: float
) -> tuple[Verdict, SignalRow]:
    verdict, told = await _commit(desk, row)
    if verdict is Verdict.DUPLICATE:
        return verdict, told
    desk.changed.set()
    return verdict, replace(row, order=await _send(desk, intent, received))


async def _send(desk: Desk, order: Order, received: float) -> Order:
    report, failure = await _place(desk, order)
    if report.event not in (Event.LOST, Event.ABSENT):
        desk.metrics.order_processing_seconds.observe(desk.clock() - received)
    try:
        return await _settle(desk, order, report, failure)
    except (TryAgain, OutcomeUnknown) as error:
        # The row still says intent; the resolver asks the exchange and writes what it hears.
        desk.log.warning(
            "order state not stored", order=order.client_id, event_was=report.event, reason=str(error)
        )
        return _after(order, report)


async def _place(desk: Desk, order: Order) -> tuple[Report, str]:
    """What became of the order, and if it failed the reason it is counted under."""
    name = order.client_id
    if closed := desk.closed():
        return Report(client_id=name, event=Event.ABSENT, reason=closed), "not_sent"
    try:
        return await desk.exchange.place(order), "rejected"
    except Refused as error:
        return Report(client_id=name, event=Event.REJECTED, reason=str(error)), "rejected"
    except StopTrading as error:
        stop_trading(desk, str(error))
        return Report(client_id=name, event=Event.REJECTED, reason=str(error)), "rejected"
    except TryAgain as error:
        return Report(client_id=name, event=Event.ABSENT, reason=str(error)), "unreachable"
    except OutcomeUnknown as error:
        return Report(client_id=name, event=Event.LOST, reason=str(error)), ""


async def _settle(desk: Desk, order: Order, report: Report, failure: str) -> Order:
    """Store what the report makes of the order, and count it once if its placement has come to an end."""
    after = apply(order, report)
    if isinstance(after, Ignored):
        desk.log.warning("report ignored", order=order.client_id, reason=after.reason)
        return order
    if after == order:
        return order
    if not await desk.store.save(after, was=order.state):
        desk.log.warning("order was changed by somebody else", order=order.client_id, was=order.state)
        return order
    desk.changed.set()
    if order.state in UNPLACED and after.state not in UNPLACED:
        desk.metrics.orders_total.labels(source=order.source).inc()
        if after.state in FAILED:
            desk.metrics.orders_failed_total.labels(source=order.source, reason=failure).inc()
    desk.log.info("order", order=order.client_id, state=after.state, was=order.state, reason=after.reason)
    return after


def _after(order: Order, report: Report) -> Order:
    after = apply(order, report)
    return order if isinstance(after, Ignored) else after


async def resolve(desk: Desk) -> None:
    """Ask the exchange about orders whose end is not known, some of them each time, all in turn."""
    unsettled = [order for order in await desk.store.unsettled() if order.client_id not in desk.sends]
    for index, order in enumerate(unsettled):
        if order.state is State.INTENT:
            # Nobody is sending it, so whoever did was cut short.
            reason = "the bot ended, or could not store the answer, while this was sent"
            unsettled[index] = await _settle(desk, order, _lost(order, reason), "")
    start = desk.asked % len(unsettled) if unsettled else 0
    for order in (unsettled[start:] + unsettled[:start])[:ASKED_AT_ONCE]:
        desk.asked += 1
        await _ask(desk, order)


def _lost(order: Order, reason: str) -> Report:
    return Report(client_id=order.client_id, event=Event.LOST, reason=reason)


async def _ask(desk: Desk, order: Order) -> None:
    try:
        report = await desk.exchange.find(order.symbol, order.client_id)
    except (TryAgain, Refused, OutcomeUnknown) as error:
        # No answer is no absence.
        desk.log.debug("order not resolved", order=order.client_id, state=order.state, reason=str(error))
        return
    except StopTrading as error:
        stop_trading(desk, str(error))
        return
    if report is None and order.state is State.UNKNOWN:
        report = _absence(desk, order.client_id)
    else:
        desk.absent_since.pop(order.client_id, None)
    if report is not None:
        await _settle(desk, order, report, "not_sent" if report.event is Event.ABSENT else "rejected")


def _absence(desk: Desk, name: str) -> Report | None:
    """Absent only after several answers over the whole window: an order may take a while to show.

    The window is not shorter than the time for which the exchange takes a request, so that one
    that is still on its way cannot arrive after the last answer.
    """
    now = desk.clock()
    since, answers = desk.absent_since.get(name, (now, 0))
    desk.absent_since[name] = (since, answers + 1)
    if answers + 1 < 3 or now - since < desk.visibility_window:
        return None
    del desk.absent_since[name]
    return Report(client_id=name, event=Event.ABSENT, reason="the exchange never got it")


async def refresh_gauges(desk: Desk, now: float) -> None:
    counts = await desk.store.counts()
    for state in State:
        desk.metrics.orders_by_status.labels(status=state.value).set(counts.get(state, 0))
    desk.failed_in_a_row = await desk.store.failed_in_a_row()
    desk.metrics.orders_failed_in_a_row.set(desk.failed_in_a_row)
    desk.metrics.orders_by_status_updated_timestamp_seconds.set(now)


def stop_trading(desk: Desk, reason: str) -> None:
    desk.stopped = desk.stopped or reason
    desk.log.error("trading stopped until a restart", reason=reason)


def _ids(incoming: Incoming) -> dict[str, str]:
    return {"source": incoming.source, "chat": incoming.chat, "message_id": incoming.message_id}
