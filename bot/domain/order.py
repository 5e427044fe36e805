"""One order's life as a table: which state follows which event; and the id the exchange knows it by."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from bot.domain.mode import Mode
from bot.domain.signal import Side


class State(StrEnum):
    INTENT = "intent"  # committed; the request may or may not be on its way
    UNKNOWN = "unknown"  # sent, no answer: only the exchange can say
    PENDING = "pending"  # rests at the exchange, perhaps filled in part
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    NOT_SENT = "not_sent"  # proved absent at the exchange; never sent again


class Event(StrEnum):
    ACCEPTED = "accepted"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    LOST = "lost"  # timeout, 5xx, crash: no answer
    ABSENT = "absent"  # the exchange has no such order and will not get it any more


NEXT: Mapping[tuple[State, Event], State] = {
    (State.INTENT, Event.ACCEPTED): State.PENDING,
    (State.INTENT, Event.FILLED): State.FILLED,
    (State.INTENT, Event.CANCELLED): State.CANCELLED,
    (State.INTENT, Event.REJECTED): State.REJECTED,
    (State.INTENT, Event.LOST): State.UNKNOWN,
    (State.INTENT, Event.ABSENT): State.NOT_SENT,
    (State.UNKNOWN, Event.ACCEPTED): State.PENDING,
    (State.UNKNOWN, Event.FILLED): State.FILLED,
    (State.UNKNOWN, Event.CANCELLED): State.CANCELLED,
    (State.UNKNOWN, Event.REJECTED): State.REJECTED,
    (State.UNKNOWN, Event.LOST): State.UNKNOWN,
    (State.UNKNOWN, Event.ABSENT): State.NOT_SENT,
    (State.PENDING, Event.ACCEPTED): State.PENDING,
    (State.PENDING, Event.FILLED): State.FILLED,
    (State.PENDING, Event.CANCELLED): State.CANCELLED,
    (State.PENDING, Event.REJECTED): State.REJECTED,
}
LIVE = frozenset({state for state, _ in NEXT})
UNPLACED = frozenset({State.INTENT, State.UNKNOWN})
FAILED = frozenset({State.REJECTED, State.NOT_SENT})
FINAL = frozenset(State) - LIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    client_id: str
    source: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    stop: Decimal
    targets: tuple[Decimal, ...] = ()
    leverage: int | None = None
    expires_at: datetime | None = None
    state: State = State.INTENT
    reason: str | None = None
    exchange_id: str | None = None
    filled_quantity: Decimal = Decimal(0)
    average_price: Decimal | None = None
    created_at: datetime | None = None  # the database's clock

    @property
    def is_long(self) -> bool:
        return self.side is Side.BUY

    def crossed(self, last: Decimal) -> str:
        """Which of stop and first target the price has reached: it should not be filled any more."""
        if last <= self.stop if self.is_long else last >= self.stop:
            return "the price reached its stop first"
        target = self.targets[0] if self.targets else None
        if target is not None and (last >= target if self.is_long else last <= target):
            return "the price reached its target first"
        return ""

    @property
    def key(self) -> tuple[str, bool]:
        """Which position it leads to."""
        return self.symbol, self.is_long


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What happened to an order, as the exchange or the lack of an answer tells it."""

    client_id: str
    event: Event
    reason: str | None = None
    exchange_id: str | None = None
    filled_quantity: Decimal = Decimal(0)
    average_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    reason: str


def apply(order: Order, report: Report) -> Order | Ignored:
    state = NEXT.get((order.state, report.event))
    if state is None:
        return Ignored(reason=f"an order that is {order.state} cannot become {report.event}")
    # An answer may say that all is filled, and leave out how much that is.
    filled = order.quantity if report.event is Event.FILLED else report.filled_quantity
    return replace(
        order,
        state=state,
        reason=report.reason,
        exchange_id=report.exchange_id or order.exchange_id,
        filled_quantity=max(order.filled_quantity, filled),
        average_price=report.average_price or order.average_price,
    )


def client_id(*, mode: Mode, source: str, chat: str, message: str, leg: int, attempt: int) -> str:
    """The same message always gives the same id, so the exchange itself recognises a repeat.

    At most 40 of [a-z0-9]; legs and attempts of one message share all but the end.
    """
    if not (0 <= leg < 100 and 0 <= attempt < 100):
        raise ValueError(f"leg {leg} and attempt {attempt} must be 0 to 99")
    told = json.dumps([source, chat, message]).encode()
    return f"tw{mode.value[0]}{hashlib.sha256(told).hexdigest()[:30]}l{leg}a{attempt}"
