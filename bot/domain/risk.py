"""Whether one more trade may be made beside those that are held and on their way; pure arithmetic."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from bot.domain.ledger import Money
from bot.domain.money import plain
from bot.domain.order import LIVE, UNPLACED, Order
from bot.domain.plan import Funds, Limits, Refusal, Room
from bot.domain.protection import Holding
from bot.domain.reason import Reason

OLDEST_EQUITY = 60.0  # seconds
CLOCKS_DIFFER = timedelta(seconds=5)  # a message may be dated so far ahead
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Something that is held, or will be if its entry is filled; no source: it is not ours."""

    symbol: str
    is_long: bool
    source: str | None
    notional: Decimal

    @property
    def key(self) -> tuple[str, bool]:
        return self.symbol, self.is_long


def exposures(orders: Iterable[Order], holdings: Iterable[Holding]) -> Sequence[Exposure]:
    """Of our orders, each until its position is gone, and of what is held beyond them.

    What targets closed of a position counts until all of it is closed.
    """
    ours = [_of_order(each) for each in orders if each.state in LIVE or each.filled_quantity]
    return [*ours, *(_of_others(each) for each in holdings if each.foreign)]


def _of_order(order: Order) -> Exposure:
    quantity = order.quantity if order.state in LIVE else order.filled_quantity
    notional = quantity * max(order.price, order.average_price or ZERO)
    return Exposure(symbol=order.symbol, is_long=order.is_long, source=order.source, notional=notional)


def _of_others(holding: Holding) -> Exposure:
    position = holding.position
    notional = holding.foreign * (position.mark_price or position.entry_price)
    return Exposure(symbol=position.symbol, is_long=position.is_long, source=None, notional=notional)


def funds(money: Money | None, now: float, orders: Iterable[Order]) -> Funds | None:
    """Without the margin of orders that the exchange may not have yet; None if it was read too long ago."""
    if money is None or now - money.measured_at > OLDEST_EQUITY:
        return None
    unplaced = [each for each in orders if each.state in UNPLACED]
    bound = sum((each.quantity * each.price / (each.leverage or 1) for each in unplaced), ZERO)
    return Funds(equity=money.equity, free_margin=money.available - bound)


def against_age(sent_at: datetime | None, now: datetime, oldest: float) -> Refusal | None:
    """By the message's own date, which is not when it was delivered."""
    if sent_at is None:
        return None
    age = now - sent_at
    if age < -CLOCKS_DIFFER:
        text = f"it is dated {-age.total_seconds():.0f} s later than now"
        return Refusal(reason=Reason.FUTURE, text=text)
    if age.total_seconds() > oldest:
        text = f"it is {age.total_seconds():.0f} s old, and max_signal_age is {oldest:g} s"
        return Refusal(reason=Reason.STALE, text=text)
    return None


def against_trade(
    key: tuple[str, bool], held: Sequence[Exposure], limits: Limits, money: Money | None
) -> Refusal | None:
    """`key` is the symbol, and whether it would be long."""
    symbol, is_long = key
    if money and money.loss_today >= money.loss_limit:
        text = f"today's loss of {money.loss_today:.2f} USDT has reached {plain(money.loss_limit)}"
        return Refusal(reason=Reason.DAILY_LOSS, text=text)
    ours = sum(1 for each in held if each.key == key and each.source is not None)
    if ours >= limits.max_trades_per_direction:
        text = f"{symbol} is {'long' if is_long else 'short'} or entered that way {ours} times already"
        return Refusal(reason=Reason.DUPLICATE_DIRECTION, text=text)
    keys = {each.key for each in held}
    if key not in keys and len(keys) >= limits.max_positions:
        text = f"there are {len(keys)} positions and entries, and max_positions is {limits.max_positions}"
        return Refusal(reason=Reason.MAX_POSITIONS, text=text)
    return None


def rooms(symbol: str, source: str, held: Sequence[Exposure], limits: Limits) -> Sequence[Room]:
    """What each cap that holds for such a trade leaves of itself."""
    of_all = sum((each.notional for each in held), ZERO)
    of_symbol = sum((each.notional for each in held if each.symbol == symbol), ZERO)
    of_source = sum((each.notional for each in held if each.source == source), ZERO)
    return [
        Room(cap="max_total_notional_usdt", left=limits.max_total_notional - of_all),
        *_room("symbol_caps_usdt", limits.symbol_caps, symbol, of_symbol),
        *_room("source_caps_usdt", limits.source_caps, source, of_source),
    ]


def _room(cap: str, caps: Mapping[str, Decimal], name: str, taken: Decimal) -> Iterator[Room]:
    if name in caps:
        yield Room(cap=f"{cap} of {name}", left=caps[name] - taken)
