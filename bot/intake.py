"""The use case of a message that arrives: read it, decide on it, commit that, and send what it leads to."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot import notices
from bot.desk import OLDEST_PRICE, Desk
from bot.domain import risk
from bot.domain import signal as signals
from bot.domain.order import Order, client_id
from bot.domain.parser import parse
from bot.domain.plan import Plan, Refusal, make_plan
from bot.domain.reason import Reason, Verdict, code_of, told
from bot.domain.signal import Reading, Side, Signal
from bot.ports import Incoming, OutcomeUnknown, SignalRow, TryAgain
from bot.trader import against_entry, send

MOST_UNSTORED = 1000  # whoever sends messages while the database is down may never send them again

Accepted = tuple[Verdict, SignalRow, asyncio.Task[Order] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a message says, and what would be ordered for it or why nothing is."""

    reading: Reading
    plan: Plan | None = None
    verdict: Verdict
    reason: str | None = None  # as bot.domain.reason.told makes it


def decide(desk: Desk, incoming: Incoming) -> Decision:
    """As things are now; changes nothing."""
    reading = incoming.reading or parse(incoming.text)
    if not isinstance(reading, Signal):
        said = told(reading.reason, reading.text)
        return Decision(reading=reading, verdict=reading.reason.verdict, reason=said)
    held = _held(desk)
    plan = _against_message(desk, incoming) or _plan(desk, reading, incoming.source, held)
    if isinstance(plan, Refusal):
        return Decision(reading=reading, verdict=Verdict.REFUSED, reason=told(plan.reason, plan.text))
    against = desk.closed() or against_entry(desk, plan.symbol, plan.side) or _risk(desk, plan, held)
    verdict = Verdict.REFUSED if against else Verdict.ACCEPTED
    return Decision(reading=reading, plan=plan, verdict=verdict, reason=against or None)


def _against_message(desk: Desk, incoming: Incoming) -> Refusal | None:
    if incoming.edited:
        return Refusal(reason=Reason.EDITED, text="it was edited before it was first seen")
    if incoming.reply:
        return Refusal(reason=Reason.REPLY, text="it answers another message; only a new post opens a trade")
    return against_age(desk, incoming.sent_at)


def against_age(desk: Desk, sent_at: datetime | None) -> Refusal | None:
    # Its date is from another machine's clock, and ours is the worse of two if it is not the exchange's.
    now = desk.wall() + timedelta(seconds=desk.clock_offset or 0.0)
    return risk.against_age(sent_at, now, desk.pace.max_signal_age)


def _plan(desk: Desk, signal: Signal, source: str, held: Sequence[risk.Exposure]) -> Plan | Refusal:
    price = desk.market.price(signal.symbol, desk.clock(), OLDEST_PRICE)
    limits = desk.allowed()
    funds = risk.funds(desk.money, desk.clock(), desk.orders().values())
    rooms = risk.rooms(signal.symbol, source, held, limits)
    return make_plan(signal, desk.market.contracts.get(signal.symbol), price, limits, funds, rooms)


def _risk(desk: Desk, plan: Plan, held: Sequence[risk.Exposure]) -> str:
    against = risk.against_trade((plan.symbol, plan.side is Side.BUY), held, desk.limits, desk.money)
    return told(against.reason, against.text) if against else ""


def _held(desk: Desk) -> Sequence[risk.Exposure]:
    return risk.exposures(desk.orders().values(), desk.picture.holdings if desk.picture else ())


async def on_signal(desk: Desk, incoming: Incoming) -> tuple[Verdict, SignalRow]:
    """Accept the message, and wait until its order was sent and what became of it is stored.

    A message that was seen before gives its first result again. Raises what `accept` raises.
    """
    name = _client_id(desk, incoming)
    while under_way := desk.accepting.get(name) or desk.sends.get(name):
        await asyncio.wait({under_way})
    verdict, row, sending = await _accept(desk, incoming)
    return verdict, replace(row, order=await asyncio.shield(sending)) if sending else row


async def accept(desk: Desk, incoming: Incoming) -> tuple[Verdict, SignalRow]:
    """Decide and commit the decision; what is to be ordered is on its way when this returns.

    Raises TryAgain when the decision was not committed: nothing is sent. After OutcomeUnknown it may have
    been, and then a look sends it while the signal holds; the same message again tells what became of it.
    """
    verdict, row, _ = await _accept(desk, incoming)
    return verdict, row


async def _accept(desk: Desk, incoming: Incoming) -> Accepted:
    if desk.leaving:
        raise TryAgain("the bot is stopping")
    received = desk.clock()
    name = _client_id(desk, incoming)
    if name not in desk.unstored:
        desk.metrics.signals_received_total.labels(source=incoming.source).inc()
    while name in desk.accepting:
        await asyncio.wait({desk.accepting[name]})
    decision = decide(desk, incoming)
    row = _row(desk, incoming, decision)
    if row.order is None or name in desk.live:  # committed before; repeating it keeps no look from it
        return *await _commit(desk, row, decision.reading), None
    # In a task of its own: whoever asked may go away, the decision and its order still belong together.
    task = asyncio.create_task(_commit_and_send(desk, row, decision.reading, row.order, received))
    desk.intended[name], desk.accepting[name] = row.order, task
    task.add_done_callback(lambda _: (desk.intended.pop(name, None), desk.accepting.pop(name, None)))
    return await asyncio.shield(task)


async def _commit_and_send(
    desk: Desk, row: SignalRow, reading: Reading, intent: Order, received: float
) -> Accepted:
    verdict, kept = await _commit(desk, row, reading)
    if verdict is not Verdict.ACCEPTED or kept.order is None:
        return verdict, kept, None
    name = intent.client_id
    desk.live[name] = kept.order
    desk.touched.add(name)
    desk.changed.set()
    desk.sends[name] = task = asyncio.create_task(send(desk, kept.order, received))
    task.add_done_callback(lambda _: desk.sends.pop(name, None))
    return verdict, kept, task


async def _commit(desk: Desk, row: SignalRow, reading: Reading) -> tuple[Verdict, SignalRow]:
    source, name = row.incoming.source, _client_id(desk, row.incoming)
    try:
        kept = await desk.store.admit(row, desk.epoch)
    except (TryAgain, OutcomeUnknown):
        if name not in desk.unstored:  # once, however often it is tried
            desk.metrics.signal_processing_errors_total.labels(source=source).inc()
            if len(desk.unstored) < MOST_UNSTORED:
                desk.unstored.add(name)
        raise
    if kept is not None:
        verdict = kept.verdict
    else:
        verdict, kept = Verdict.DUPLICATE, await desk.store.find(row.incoming)
        if kept is None:
            raise TryAgain("the message was there before, but is not any more")
    # What was stored without our hearing of it is told now, and not as if it had come twice.
    said = kept.verdict if name in desk.unstored else verdict
    desk.unstored.discard(name)
    reason = "none" if said is Verdict.DUPLICATE else code_of(kept.reason)
    desk.metrics.signal_verdicts_total.labels(source=source, verdict=said.value, reason=reason).inc()
    order = kept.order.client_id if kept.order else None
    desk.log.info("signal", **_ids(row.incoming), verdict=said, reason=kept.reason, order=order)
    notices.decided(desk, said, kept, reading)
    return verdict, kept


def _row(desk: Desk, incoming: Incoming, decision: Decision) -> SignalRow:
    clean = replace(incoming, text=signals.clean(incoming.text)[: signals.LONGEST])
    accepted = decision.plan if decision.verdict is Verdict.ACCEPTED else None
    order = _intent(desk, clean, accepted) if accepted else None
    return SignalRow(incoming=clean, verdict=decision.verdict, reason=decision.reason, order=order)


def _client_id(desk: Desk, incoming: Incoming) -> str:
    message = incoming.message_id
    return client_id(
        mode=desk.mode, source=incoming.source, chat=incoming.chat, message=message, leg=0, attempt=0
    )


def _intent(desk: Desk, incoming: Incoming, plan: Plan) -> Order:
    return Order(
        client_id=_client_id(desk, incoming),
        source=incoming.source,
        symbol=plan.symbol,
        side=plan.side,
        quantity=plan.quantity,
        price=plan.price,
        stop=plan.stop,
        targets=plan.targets,
        leverage=plan.leverage,
        expires_at=desk.wall() + timedelta(seconds=desk.pace.entry_expiry),
    )


def _ids(incoming: Incoming) -> dict[str, str]:
    return {"source": incoming.source, "chat": incoming.chat, "message_id": incoming.message_id}
