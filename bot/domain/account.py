"""The account at the exchange: what it holds, which orders it knows, and an order that may be asked of it."""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from bot.domain.order import Event, Report
from bot.domain.signal import Side


class PositionSide(StrEnum):
    """An account in hedge mode has LONG and SHORT, one in one-way mode has BOTH."""

    LONG = "LONG"
    SHORT = "SHORT"
    BOTH = "BOTH"


class MarginType(StrEnum):
    ISOLATED = "ISOLATED"
    CROSSED = "CROSSED"
    SEPARATE_ISOLATED = "SEPARATE_ISOLATED"


class Purpose(StrEnum):
    """What an order is for; only an entry can increase what is at stake."""

    CLOSE = "close"
    STOP = "stop"
    TARGET = "target"
    ENTRY = "entry"


class OrderType(StrEnum):
    LIMIT = "LIMIT"
    MARKET = "MARKET"
    STOP_MARKET = "STOP_MARKET"
    TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"


CLIENT_ID = re.compile(r"[a-z0-9]{1,40}")
_OPENS = {PositionSide.LONG: Side.BUY, PositionSide.SHORT: Side.SELL}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """One that contradicts itself cannot be made: ValueError says why.

    Entries and closes go at the market, or as LIMIT if they have a price. Stops and targets have a
    trigger and go at the market; without a quantity they close all of the position.
    """

    purpose: Purpose
    symbol: str
    side: Side
    position_side: PositionSide
    quantity: Decimal | None = None
    price: Decimal | None = None
    trigger: Decimal | None = None
    client_id: str = ""
    stop: Decimal | None = None  # attached: the exchange places them when the entry is filled
    target: Decimal | None = None

    def __post_init__(self) -> None:
        if wrong := self._contradictions():
            raise ValueError(f"{self.purpose} order in {self.symbol}: {'; '.join(wrong)}")

    @property
    def type(self) -> OrderType:
        if self.purpose is Purpose.STOP:
            return OrderType.STOP_MARKET
        if self.purpose is Purpose.TARGET:
            return OrderType.TAKE_PROFIT_MARKET
        return OrderType.MARKET if self.price is None else OrderType.LIMIT

    @property
    def reduces_only(self) -> bool:
        """Only one-way mode needs to be told; in hedge mode the position's side says it."""
        return self.purpose is not Purpose.ENTRY and self.position_side is PositionSide.BOTH

    def _contradictions(self) -> list[str]:
        waits = self.purpose in (Purpose.STOP, Purpose.TARGET)
        entry = self.purpose is Purpose.ENTRY
        opens = _OPENS.get(self.position_side)
        numbers = (self.quantity, self.price, self.trigger, self.stop, self.target)
        wrong = {
            "numbers must be above zero": any(
                n is not None and not (n.is_finite() and n > 0) for n in numbers
            ),
            "the trigger is for stops and targets, and they need it": (self.trigger is not None) != waits,
            "stops and targets go at the market": waits and self.price is not None,
            "the quantity is missing": self.quantity is None and not waits,
            "only an entry has a stop or a target attached": not entry
            and not (self.stop is None and self.target is None),
            "stops and targets take no client id": waits and bool(self.client_id),
            "the client id must be 1 to 40 of a-z and 0-9": bool(self.client_id)
            and not CLIENT_ID.fullmatch(self.client_id),
            "the side does not go with the position's": opens is not None and (self.side is opens) != entry,
        }
        return [text for text, holds in wrong.items() if holds]


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    uid: str
    asset: str
    balance: Decimal
    equity: Decimal
    unrealised: Decimal
    available: Decimal
    used: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """`position_side` is what an order about it must say; `is_long` is where the money is made."""

    id: str
    symbol: str
    position_side: PositionSide
    is_long: bool
    quantity: Decimal
    entry_price: Decimal
    mark_price: Decimal | None
    liquidation_price: Decimal | None
    leverage: int
    isolated: bool
    margin: Decimal
    unrealised: Decimal
    realised: Decimal

    @property
    def liquidation_distance(self) -> Decimal | None:
        """From the price, as a share of it; None if no price liquidates the position."""
        if not self.mark_price or not self.liquidation_price:
            return None
        return abs(self.mark_price - self.liquidation_price) / self.mark_price


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeOrder:
    """An order as the exchange lists it, ours or not; `event` is None for a status that we do not know."""

    exchange_id: str
    client_id: str
    symbol: str
    side: Side
    position_side: PositionSide
    type: str
    status: str
    event: Event | None
    quantity: Decimal
    filled_quantity: Decimal
    price: Decimal | None
    average_price: Decimal | None
    trigger: Decimal | None
    stop: Decimal | None
    target: Decimal | None
    closes_position: bool
    reduces_only: bool
    profit: Decimal
    commission: Decimal
    created_at: datetime
    updated_at: datetime

    def report(self) -> Report | None:
        """What it says of the order; None for a status that we do not know."""
        if self.event is None:
            return None
        return Report(
            client_id=self.client_id,
            event=self.event,
            reason=f"the exchange says {self.status}" if self.event is Event.REJECTED else None,
            exchange_id=self.exchange_id,
            filled_quantity=self.filled_quantity,
            average_price=self.average_price,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Leverage:
    long: int
    short: int
    max_long: int
    max_short: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Income:
    """One movement of money; what is paid is negative."""

    kind: str
    amount: Decimal
    asset: str
    symbol: str
    at: datetime
    id: str
    trade_id: str

    @property
    def is_result(self) -> bool:
        """Part of profit and loss. A kind of next year is, too: a limit on losses had better count it."""
        return self.kind not in ("TRANSFER", "TRIAL_FUND")
