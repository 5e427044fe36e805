"""The strict order line: BUY BTCUSDT 0.1 @ 60000-60500 SL 59000 TP 61000 62000."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from bot.domain import money
from bot.domain.reason import Reason
from bot.domain.signal import Side, Signal, Unreadable

_SIDE = re.compile(r"(?:BUY|SELL)", re.ASCII | re.IGNORECASE)
_SYMBOL = re.compile(r"([A-Z0-9]{1,15}?)[-/]?USDT", re.ASCII | re.IGNORECASE)


def read(text: str) -> Signal | Unreadable:
    """BUY BTCUSDT 0.1 @ 60000-60500 SL 59000 TP 61000 62000: all but side and symbol may be left out."""
    words = text.split()
    sides = [word for word in words if _SIDE.fullmatch(word)]
    if len(sides) > 1:
        return Unreadable(reason=Reason.SIDES, text=f"names {len(sides)} sides; one message is one order")
    if not sides or words[0] != sides[0]:
        return Unreadable(reason=Reason.NO_SIDE, text="the side must be the first word: BUY or SELL")
    if len(words) < 2:
        return Unreadable(reason=Reason.NO_SYMBOL, text="has one word; an order reads like: BUY BTCUSDT 0.1")
    symbol = _SYMBOL.fullmatch(words[1])
    if symbol is None:
        return Unreadable(
            reason=Reason.NO_SYMBOL,
            text=f"{words[1][:40]!r} is no symbol like BTCUSDT, BTC-USDT or BTC/USDT",
        )
    parts = _parts(words[2:])
    if isinstance(parts, Unreadable):
        return parts
    return Signal(
        side=Side(sides[0].upper()),
        symbol=f"{symbol[1].upper()}-USDT",
        quantity=next(iter(parts[""]), None),
        entries=parts["@"],
        stop=next(iter(parts["SL"]), None),
        targets=parts["TP"],
    )


# What may follow each mark, at most: a quantity, a price or zone, a stop, targets.
_MOST = {"": 1, "@": 2, "SL": 1, "TP": 10}


def _parts(words: Sequence[str]) -> Mapping[str, tuple[Decimal, ...]] | Unreadable:
    found: dict[str, tuple[Decimal, ...]] = {"": ()}
    mark = ""
    for word in words:
        if word.upper() in _MOST:
            mark = word.upper()
            if mark in found:
                return Unreadable(reason=Reason.FORMAT, text=f"names {mark} twice")
            found[mark] = ()
            continue
        for number in word.split("-") if mark == "@" else [word]:
            value = _read_number(number)
            if isinstance(value, Unreadable):
                return value
            found[mark] += (value,)
    for mark, values in found.items():
        if len(values) > _MOST[mark]:
            return Unreadable(
                reason=Reason.FORMAT,
                text=f"has {len(values)} numbers {f'after {mark}' if mark else 'as quantity'}",
            )
        if mark and not values:
            return Unreadable(reason=Reason.FORMAT, text=f"has no number after {mark}")
    return {mark: found.get(mark, ()) for mark in _MOST}


def _read_number(word: str) -> Decimal | Unreadable:
    number = money.read(word)
    if number is None:
        return Unreadable(reason=Reason.NUMBER, text=f"{word[:40]!r} is no plain number like 0.1")
    return number if number > 0 else Unreadable(reason=Reason.NUMBER, text=f"{word[:40]} must be above zero")
