"""What a person is told in Telegram: short plain texts, pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from bot.domain import money
from bot.domain.account import Position
from bot.domain.mode import Mode
from bot.domain.order import FINAL, Order
from bot.domain.reason import Reason
from bot.domain.result import Result
from bot.domain.switch import MEANING, Level, Switch

LONGEST = 4096  # UTF-16 units of one message of Telegram
QUOTED = 120  # characters of somebody else's text

_ASKS = {Reason.CLOSE: "to close", Reason.MOVE_STOP: "to move the stop or targets of"}
_DIFFERENCES = {
    "order_missing": "orders that the exchange does not know",
    "order_foreign": "orders that are not ours",
    "position_size": "positions of another size than our orders led to",
}


class Kind(StrEnum):
    OPENED = "opened"
    REFUSED = "refused"
    CLOSED = "closed"
    UNPROTECTED = "unprotected"
    HALTED = "halted"
    MISMATCH = "mismatch"
    REMARK = "remark"
    ANSWER = "answer"  # to a command


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    kind: Kind
    text: str
    at: datetime
    code: str = ""  # of a refusal the word of its reason
    chat: int | None = None  # of an answer; none: the chat for notices


def message(mode: Mode, text: str, *, lost: int = 0, written: datetime | None = None) -> str:
    """As it is sent: the mode first, as loud as the money is real; `written` of one that comes late."""
    tag = mode.value.upper() if mode is Mode.LIVE else mode.value
    when = f"at {written:%Y-%m-%d %H:%M:%S} UTC: " if written else ""
    more = f"\n({lost} earlier notices were lost)" if lost else ""
    return shortened(f"[{tag}] {when}{text}", LONGEST - len(more)) + more


def shortened(text: str, most: int) -> str:
    """Telegram counts UTF-16 units; a cut must not halve a letter."""
    units = text.encode("utf-16-le", "replace")
    if len(units) // 2 <= most:
        return text
    return units[: (most - 1) * 2].decode("utf-16-le", "ignore") + "…"


def quoted(text: str) -> str:
    """The first line that says something, as far as it can be printed."""
    for line in text.splitlines():
        if shown := _clean(line.strip()[: 2 * QUOTED]):
            return shown if len(shown) <= QUOTED else f"{shown[: QUOTED - 1]}…"
    return "(no text)"


def joined(refusals: Sequence[Notice]) -> str:
    """Of a burst only how many of each reason, the most frequent first."""
    if len(refusals) == 1:
        return refusals[0].text
    counts = Counter(each.code for each in refusals)
    told = ", ".join(f"{count} {code}" for code, count in counts.most_common())
    return f"{len(refusals)} refused: {told}\nthe latest: {refusals[-1].text}"


def opened(order: Order) -> str:
    price = f" at {plain(order.average_price)}" if order.average_price else ""
    rest = "" if order.filled_quantity >= order.quantity else f" of {plain(order.quantity)}"
    ended = f" (the rest: {order.state})" if rest and order.state in FINAL else ""
    targets = ", ".join(plain(each) for each in order.targets) or "none"
    leverage = f", leverage {order.leverage}x" if order.leverage else ""
    return (
        f"opened {order.symbol} {_side(order.is_long)} {plain(order.filled_quantity)}{rest}{price}{ended}\n"
        f"stop {plain(order.stop)}, targets {targets}{leverage}, from {order.source}"
    )


def not_opened(order: Order) -> str:
    """Its signal was accepted."""
    why = _clean(order.reason or "no reason is known")
    return f"not opened: {order.symbol} {_side(order.is_long)} from {order.source}, {order.state}: {why}"


def refused(source: str, reason: str | None, text: str) -> str:
    return f"refused, from {source}: {_clean(reason or 'no reason')}\n> {quoted(text)}"


def remark(source: str, reason: Reason, symbol: str | None, held: Sequence[str], text: str) -> str:
    what = symbol or "every position"
    return (
        f"a message from {source} asks {_ASKS[reason]} {what}. Nothing was done; held: {', '.join(held)}\n"
        f"> {quoted(text)}"
    )


def closed(trades: Sequence[Order], result: Result | None, doubt: str = "") -> str:
    """`result` is None, and `doubt` says why, where nothing is known of it."""
    first = trades[0]
    quantity = sum((each.filled_quantity for each in trades), Decimal(0))
    worth = sum((each.filled_quantity * (each.average_price or each.price) for each in trades), Decimal(0))
    entry = _price(worth / quantity) if quantity else "?"
    sources = ", ".join(sorted({each.source for each in trades}))
    head = f"closed {first.symbol} {_side(first.is_long)} {plain(quantity)}, from {sources}"
    if result is None:
        return f"{head}, entered at {entry}\nthe result is not known: {doubt}"
    left = _price(result.average) if result.average else "?"
    parts = f"realised {_signed(result.realised)}, fees {_signed(result.fees)}"
    parts += f", funding {_signed(result.funding)}"
    more = f"\nnot certain yet: {result.doubt}" if result.doubt else ""
    return f"{head}, {entry} to {left}\n{_signed(result.total)} USDT: {parts}{more}"


def unprotected(position: Position, uncovered: Decimal) -> str:
    return (
        f"UNPROTECTED: {plain(uncovered)} of {position.symbol} {_side(position.is_long)} "
        f"{plain(position.quantity)} has no stop"
    )


def protected(symbol: str, is_long: bool, *, held: bool) -> str:
    how = "has its stop again" if held else "had no stop, and is not held any more"
    return f"{symbol} {_side(is_long)} {how}"


def switched(switch: Switch) -> str:
    said = f"by {_clean(switch.who)}: {_clean(switch.reason)}"
    if switch.level is not Level.OPEN:
        return f"HALTED at level {switch.level:d}, {MEANING[switch.level]}; {said}"
    factor = f", quantities times {plain(switch.size_factor)}" if switch.size_factor != 1 else ""
    only = f", only {', '.join(switch.symbols)}" if switch.symbols else ""
    return f"trading is open{factor}{only}; {said}"


def stopped(reason: str) -> str:
    return f"STOPPED until a person restarts the bot: {_clean(reason)}"


def mismatch(differences: Mapping[str, int]) -> str:
    """Between the database and the exchange; empty once they agree again."""
    if not differences:
        return "database and exchange agree again"
    told = "; ".join(f"{count} {_DIFFERENCES.get(kind, kind)}" for kind, count in differences.items())
    return f"MISMATCH between database and exchange: {told}"


def status(told: Mapping[str, Any]) -> str:
    """The most important of what /status answers."""
    switch, funds = told["switch"], told["money"]
    lines = [
        told["summary"],
        f"ready: {'yes' if told['health']['ready'] else 'NO'}",
        f"switch: level {switch['level']}, {switch['meaning']}; by {switch['who']}: {switch['reason']}",
        "money: not read yet" if funds is None else _money(funds),
    ]
    positions = told["positions"]
    lines += [f"position: {_position(each)}" for each in positions or ()]
    if not positions:
        lines.append("positions: not read yet" if positions is None else "positions: none")
    lines += [f"entry: {_entry(each)}" for each in told["entries"]]
    lines += [f"UNKNOWN: {_entry(each)}{_age(each['age_seconds'])}" for each in told["unknown"]]
    return "\n".join(_clean(line) for line in lines)


def _money(told: Mapping[str, str]) -> str:
    equity, lost = Decimal(told["equity_usdt"]), Decimal(told["loss_today_usdt"])
    today = Decimal(told["realised_today_usdt"])
    return (
        f"money: equity {equity:.2f} USDT, realised today {_signed(today)}, "
        f"lost today {lost:.2f} of at most {told['loss_limit_usdt']}"
    )


def _position(each: Mapping[str, Any]) -> str:
    bare = "" if not float(each["uncovered_quantity"]) else f", WITHOUT A STOP {each['uncovered_quantity']}"
    return (
        f"{each['symbol']} {each['side']} {each['quantity']} at {each['entry_price']}, "
        f"price {each['mark_price']}, stop {' '.join(each['stops']) or 'NONE'}{bare}, "
        f"profit {_signed(Decimal(each['unrealised_usdt']))}"
    )


def _entry(each: Mapping[str, Any]) -> str:
    return f"{each['symbol']} {each['side']} {each['quantity']} at {each['price']}, stop {each['stop']}"


def plain(value: Decimal) -> str:
    """Without the zeros that a database or an exchange adds."""
    return money.plain(value.normalize())


def _age(seconds: float | None) -> str:
    return "" if seconds is None else f", for {seconds:.0f} s"


def _side(is_long: bool) -> str:
    return "long" if is_long else "short"


def _signed(amount: Decimal) -> str:
    return f"{amount:+.2f}"


def _price(value: Decimal) -> str:
    """Averages have as many digits as a division gives; eight show every tick."""
    return plain(value.quantize(Decimal("0.00000001")))


def _clean(text: str) -> str:
    """On one line, and nothing that changes how the rest is shown."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
