"""What a message says once it was read: a signal, word of a trade, or why it cannot be read."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from bot.domain.reason import Reason

LONGEST = 4096  # characters in a Telegram message


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class MarginMode(StrEnum):
    ISOLATED = "isolated"
    CROSS = "cross"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    side: Side
    symbol: str  # as the exchange writes it: BTC-USDT
    quantity: Decimal | None = None
    entries: tuple[Decimal, ...] = ()  # a price, the ends of a zone, or a list; none: at the market
    stop: Decimal | None = None
    targets: tuple[Decimal, ...] = ()
    leverage: int | None = None  # of a range the lowest
    margin_mode: MarginMode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """No signal: talk, or word of a trade that is open. It never trades."""

    reason: Reason  # one of those that are ignored
    text: str
    symbol: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """Means to be a signal, and something of it is not certain."""

    reason: Reason
    text: str


Reading = Signal | Remark | Unreadable


def clean(text: str) -> str:
    """The text as a database can hold it: no NUL, no half of a surrogate pair."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
