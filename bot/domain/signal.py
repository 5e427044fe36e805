"""A message becomes a signal, or a reason why it is none; what cannot be read with certainty is refused."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from bot.domain import money

LONGEST = 4096  # characters in a Telegram message


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    side: Side
    symbol: str
    quantity: Decimal | None = None
    stop: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One way in which people write signals. `claims` is loose, so that `read` can say what is wrong."""

    name: str
    claims: re.Pattern[str]
    read: Callable[[str], Signal | Unreadable]


def parse(text: str) -> Signal | Unreadable:
    if len(text) > LONGEST:
        return Unreadable(reason=f"longer than {LONGEST} characters")
    for form in FORMATS:
        if form.claims.search(text):
            return form.read(text)
    return Unreadable(reason="no known format and no side; an order reads like: BUY BTCUSDT 0.1")


def clean(text: str) -> str:
    """The text as a database can hold it: no NUL, no half of a surrogate pair."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


_SIDE = re.compile(r"(?:BUY|SELL)", re.ASCII | re.IGNORECASE)
_SYMBOL = re.compile(r"([A-Z0-9]{1,15}?)[-/]?USDT", re.ASCII | re.IGNORECASE)


def _read_order_line(text: str) -> Signal | Unreadable:
    words = text.split()
    sides = [word for word in words if _SIDE.fullmatch(word)]
    if len(sides) > 1:
        return Unreadable(reason=f"names {len(sides)} sides; one message is one order")
    if not sides or words[0] != sides[0]:
        return Unreadable(reason="the side must be the first word: BUY or SELL")
    if len(words) not in (2, 3):
        return Unreadable(reason=f"has {len(words)} words; an order reads like: BUY BTCUSDT 0.1")
    symbol = _SYMBOL.fullmatch(words[1])
    if symbol is None:
        return Unreadable(reason=f"{words[1][:40]!r} is no symbol like BTCUSDT, BTC-USDT or BTC/USDT")
    quantity = _read_quantity(words[2:])
    if isinstance(quantity, Unreadable):
        return quantity
    return Signal(side=Side(sides[0].upper()), symbol=f"{symbol[1].upper()}-USDT", quantity=quantity)


def _read_quantity(words: Sequence[str]) -> Decimal | Unreadable | None:
    if not words:
        return None
    quantity = money.read(words[0])
    if quantity is None:
        return Unreadable(reason=f"{words[0][:40]!r} is no plain number like 0.1")
    return quantity if quantity > 0 else Unreadable(reason="the quantity must be above zero")


FORMATS: Sequence[Format] = (
    Format(
        name="order line",
        claims=re.compile(r"\b(?:BUY|SELL)\b", re.ASCII | re.IGNORECASE),
        read=_read_order_line,
    ),
)
