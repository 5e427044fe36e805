"""A signal becomes the one order that would be placed, or the reason why none will be; pure arithmetic.

docs/sizing.md works it out by hand for some accounts and markets.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from bot.domain import money
from bot.domain.reason import Reason
from bot.domain.signal import Side, Signal

HUNDRED = Decimal(100)
LIQUIDATION_BEYOND_STOP = Decimal("1.5")
MAINTENANCE = Decimal("0.01")  # of a position's value; the exchange wants less of small ones
# A price whose point is lost or misplaced is ten times another one, at least. Half of that leaves room for
# targets, of which the furthest that people name lie at two and a half times the entry.
FAR = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What the exchange demands of an order in one symbol."""

    symbol: str
    quantity_step: Decimal
    price_tick: Decimal
    min_quantity: Decimal
    min_notional: Decimal
    online: bool
    max_leverage: int = 125


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the operator allows (config/bot.yaml, and what the switch narrows of it)."""

    symbols: frozenset[str]
    max_slippage_percent: Decimal
    max_notional: Decimal
    default_stop_percent: Decimal | None
    max_leverage: int
    risk_per_trade_percent: Decimal
    taker_fee_percent: Decimal
    stop_slippage_percent: Decimal
    max_price_distance_percent: Decimal
    max_total_notional: Decimal
    max_positions: int
    max_trades_per_direction: int
    symbol_caps: Mapping[str, Decimal] = field(default_factory=dict)
    source_caps: Mapping[str, Decimal] = field(default_factory=dict)
    size_factor: Decimal = Decimal(1)
    narrows: bool = False  # not all that the file allows is traded

    def narrowed(self, size_factor: Decimal, symbols: Collection[str]) -> "Limits":
        """While trading is re-opened in steps; no symbols are all."""
        if size_factor == 1 and not symbols:
            return self
        kept = self.symbols & frozenset(symbols) if symbols else self.symbols
        return replace(self, symbols=kept, size_factor=size_factor, narrows=bool(symbols))


@dataclass(frozen=True, slots=True, kw_only=True)
class Funds:
    """What the account has to trade with, in USDT."""

    equity: Decimal
    free_margin: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """So much may be added, in USDT, until what is held and on its way has reached a cap."""

    cap: str
    left: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A LIMIT order at the worst price that is still accepted, with its stop attached."""

    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    stop: Decimal
    leverage: int
    targets: tuple[Decimal, ...] = ()

    @property
    def notional(self) -> Decimal:
        return self.quantity * self.price


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    reason: Reason
    text: str


def make_plan(
    signal: Signal,
    contract: Contract | None,
    last: Decimal | None,
    limits: Limits,
    funds: Funds | None,
    rooms: Sequence[Room] = (),
) -> Plan | Refusal:
    """No `funds`: they are not known, or were read too long ago."""
    if signal.symbol not in limits.symbols:
        where = "among those for which trading was re-opened" if limits.narrows else "in trading.symbols"
        return Refusal(reason=Reason.SYMBOL_NOT_ALLOWED, text=f"{signal.symbol} is not {where}")
    if contract is None or not contract.online:
        return Refusal(reason=Reason.SYMBOL_OFFLINE, text=f"the exchange does not trade {signal.symbol} now")
    if last is None:
        return Refusal(reason=Reason.NO_PRICE, text=f"no fresh price of {signal.symbol}")
    if _is_a_price(signal, last, limits):
        text = f"the quantity {signal.quantity:f} looks like a price: write it behind @"
        return Refusal(reason=Reason.MAX_NOTIONAL, text=text)
    plan = _unsized(signal, contract, last, limits)
    if isinstance(plan, Refusal):
        return plan
    if funds is None:
        return Refusal(reason=Reason.NO_EQUITY, text="the equity is not known, or was read too long ago")
    # A SELL can fill above its limit, so what it is worth counts at the higher of the two prices.
    highest = max(plan.price, last)
    caps = [*_wanted(signal, plan, highest, limits, funds), *_allowed(plan, highest, limits, funds, rooms)]
    cap = min(caps, key=lambda each: each.quantity)
    quantity = money.floor_to(max(cap.quantity, Decimal(0)), contract.quantity_step)
    if quantity <= 0 or quantity < contract.min_quantity or quantity * plan.price < contract.min_notional:
        least = f"{money.plain(contract.min_quantity)} worth {money.plain(contract.min_notional)} USDT"
        text = f"{cap.name} leaves {money.plain(quantity)}, and the exchange takes no less than {least}"
        return Refusal(reason=cap.reason, text=text)
    return replace(plan, quantity=quantity)


def _is_a_price(signal: Signal, last: Decimal, limits: Limits) -> bool:
    """BUY BTCUSDT 60000, where people forget the @: nobody can mean so many, and it costs about that."""
    if signal.quantity is None or signal.quantity * last <= limits.max_notional:
        return False
    return abs(signal.quantity - last) * HUNDRED <= last * limits.max_price_distance_percent


def _unsized(signal: Signal, contract: Contract, last: Decimal, limits: Limits) -> Plan | Refusal:
    """All of the order but its quantity."""
    price = _entry(signal, last, limits.max_slippage_percent, contract.price_tick)
    if far := _too_far(signal, price, last, limits):
        return far
    if price <= 0:
        return Refusal(reason=Reason.NO_PRICE, text=f"no price of {signal.symbol} fits the tick")
    stop = _stop(signal, price, limits.default_stop_percent, contract.price_tick)
    if isinstance(stop, Refusal):
        return stop
    targets = _targets(signal, contract.price_tick)
    if against := _against_targets(signal, targets, price, last) or _against_stop(signal, stop, price, last):
        return against
    leverage = min(limits.max_leverage, contract.max_leverage, safe_leverage(price, stop, limits))
    if signal.leverage is not None:
        leverage = min(leverage, signal.leverage)
    if leverage < 1:
        text = f"no leverage puts liquidation beyond the stop {money.plain(stop)}"
        return Refusal(reason=Reason.STOP_TOO_FAR, text=text)
    return Plan(
        symbol=signal.symbol,
        side=signal.side,
        quantity=Decimal(0),
        price=price,
        stop=stop,
        leverage=leverage,
        targets=targets,
    )


def worst_price(side: Side, last: Decimal, slippage_percent: Decimal, tick: Decimal) -> Decimal:
    """Rounded towards the last price, so that a coarse tick never makes it worse than allowed."""
    if side is Side.BUY:
        return money.floor_to(last * (HUNDRED + slippage_percent) / HUNDRED, tick)
    return money.ceil_to(last * (HUNDRED - slippage_percent) / HUNDRED, tick)


def _entry(signal: Signal, last: Decimal, slippage_percent: Decimal, tick: Decimal) -> Decimal:
    """The edge of a zone that the price reaches first, its worst; without a zone what is accepted now."""
    if not signal.entries:
        return worst_price(signal.side, last, slippage_percent, tick)
    if signal.side is Side.BUY:
        return money.floor_to(max(signal.entries), tick)
    return money.ceil_to(min(signal.entries), tick)


def _too_far(signal: Signal, price: Decimal, last: Decimal, limits: Limits) -> Refusal | None:
    """An entry away from the market, or any number that cannot be a price of it."""
    named = [("the entry", each) for each in signal.entries]
    named += [("the stop", signal.stop)] if signal.stop is not None else []
    named += [("the target", each) for each in signal.targets]
    for what, each in named:
        if each * FAR <= last or each >= last * FAR:
            text = f"{what} {money.plain(each)} cannot be meant: last price is {money.plain(last)}"
            return Refusal(reason=Reason.PRICE_TOO_FAR, text=text)
    # A market order is as far as max_slippage_percent, and that is allowed.
    if signal.entries and abs(price - last) * HUNDRED > last * limits.max_price_distance_percent:
        far = f"more than {money.plain(limits.max_price_distance_percent)} % from {money.plain(last)}"
        return Refusal(reason=Reason.PRICE_TOO_FAR, text=f"the entry {money.plain(price)} lies {far}")
    return None


def _stop(signal: Signal, price: Decimal, percent: Decimal | None, tick: Decimal) -> Decimal | Refusal:
    """Rounded towards the entry, so that the loss at the stop is never above the percentage."""
    towards_entry = money.ceil_to if signal.side is Side.BUY else money.floor_to
    if signal.stop is not None:
        return towards_entry(signal.stop, tick)
    if percent is None:
        return Refusal(
            reason=Reason.NO_STOP, text="the signal has no stop and default_stop_percent is not set"
        )
    kept = HUNDRED - percent if signal.side is Side.BUY else HUNDRED + percent
    return towards_entry(price * kept / HUNDRED, tick)


def _targets(signal: Signal, tick: Decimal) -> tuple[Decimal, ...]:
    """The nearest first, each rounded towards the entry, so that it is reached no later."""
    is_long = signal.side is Side.BUY
    towards_entry = money.floor_to if is_long else money.ceil_to
    return tuple(sorted({towards_entry(each, tick) for each in signal.targets}, reverse=not is_long))


def _against_targets(
    signal: Signal, targets: Sequence[Decimal], price: Decimal, last: Decimal
) -> Refusal | None:
    if not targets:
        return None
    first, is_long = targets[0], signal.side is Side.BUY
    is_beyond_entry = first <= price if is_long else first >= price
    is_reached = last >= first if is_long else last <= first
    # At the market it is the price that moved on; beside an entry of its own the message contradicts itself.
    if is_reached and not (signal.entries and is_beyond_entry):
        text = f"the last price {money.plain(last)} has reached the target {money.plain(first)}"
        return Refusal(reason=Reason.TARGET_REACHED, text=text)
    if is_beyond_entry:
        text = f"the target {money.plain(first)} lies on the wrong side of the entry {money.plain(price)}"
        return Refusal(reason=Reason.TARGET_BEYOND_ENTRY, text=text)
    return None


def _against_stop(signal: Signal, stop: Decimal, price: Decimal, last: Decimal) -> Refusal | None:
    if stop >= min(price, last) if signal.side is Side.BUY else stop <= max(price, last):
        text = f"the stop {money.plain(stop)} would trade at once: last price is {money.plain(last)}"
        return Refusal(reason=Reason.STOP_BEYOND_PRICE, text=text)
    return None


def safe_leverage(price: Decimal, stop: Decimal, limits: Limits) -> int:
    """The highest at which liquidation is half as far again from the price as the stop; 0 if there is none.

    With isolated margin a position of 1 has price / leverage, and is liquidated at the price x at which what
    its loss left of that is down to x * (maintenance + fee).
    """
    kept = MAINTENANCE + limits.taker_fee_percent / HUNDRED
    distance = abs(price - stop) / price * LIQUIDATION_BEYOND_STOP
    at_liquidation = 1 - distance if stop < price else 1 + distance  # of the price
    return int(1 / (distance + kept * at_liquidation)) if at_liquidation > 0 else 0


def loss_of_one(price: Decimal, stop: Decimal, limits: Limits) -> Decimal:
    """What a quantity of 1 loses at its stop: the way there, both fees, and what the stop slips by."""
    fees = (price + stop) * limits.taker_fee_percent / HUNDRED
    return abs(price - stop) + fees + stop * limits.stop_slippage_percent / HUNDRED


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cap:
    name: str
    quantity: Decimal
    reason: Reason = Reason.BELOW_MINIMUM  # if the exchange takes no order as small as that


def _wanted(signal: Signal, plan: Plan, highest: Decimal, limits: Limits, funds: Funds) -> Iterator[_Cap]:
    """What one order may be; while trading is re-opened in steps, so much of it."""
    risked = funds.equity * limits.risk_per_trade_percent / HUNDRED
    most, factor = limits.max_notional / highest, limits.size_factor
    loss = loss_of_one(plan.price, plan.stop, limits)
    yield _Cap(name="risk_per_trade_percent", quantity=risked / loss * factor)
    if signal.quantity is not None:
        yield _Cap(name="the quantity in the message", quantity=signal.quantity * factor)
    yield _Cap(name="max_notional_usdt", quantity=most * factor, reason=Reason.MAX_NOTIONAL)


def _allowed(
    plan: Plan, highest: Decimal, limits: Limits, funds: Funds, rooms: Sequence[Room]
) -> Iterator[_Cap]:
    """What there is margin and room for."""
    bound = highest / plan.leverage + highest * limits.taker_fee_percent / HUNDRED
    yield _Cap(name="the free margin", quantity=funds.free_margin / bound, reason=Reason.NO_MARGIN)
    for room in rooms:
        yield _Cap(name=room.cap, quantity=room.left / highest, reason=Reason.MAX_NOTIONAL)
