"""A signal becomes the one order that would be placed, or the reason why none will be; pure arithmetic."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from decimal import Decimal

from bot.domain import money
from bot.domain.reason import Reason
from bot.domain.signal import Side, Signal

HUNDRED = Decimal(100)
LIQUIDATION_BEYOND_STOP = Decimal("1.5")
MAINTENANCE = Decimal("0.01")  # of a position's value; the exchange wants less of small ones


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
    size_factor: Decimal = Decimal(1)
    narrows: bool = False  # not all that the file allows is traded

    def narrowed(self, size_factor: Decimal, symbols: Collection[str]) -> "Limits":
        """While trading is re-opened in steps; no symbols are all."""
        if size_factor == 1 and not symbols:
            return self
        kept = self.symbols & frozenset(symbols) if symbols else self.symbols
        return replace(self, symbols=kept, size_factor=size_factor, narrows=bool(symbols))


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
    signal: Signal, contract: Contract | None, last: Decimal | None, limits: Limits
) -> Plan | Refusal:
    if signal.symbol not in limits.symbols:
        where = "among those for which trading was re-opened" if limits.narrows else "in trading.symbols"
        return Refusal(reason=Reason.SYMBOL_NOT_ALLOWED, text=f"{signal.symbol} is not {where}")
    if contract is None or not contract.online:
        return Refusal(reason=Reason.SYMBOL_OFFLINE, text=f"the exchange does not trade {signal.symbol} now")
    if last is None:
        return Refusal(reason=Reason.NO_PRICE, text=f"no fresh price of {signal.symbol}")
    price = _entry(signal, last, limits.max_slippage_percent, contract.price_tick)
    if price <= 0:
        return Refusal(reason=Reason.NO_PRICE, text=f"no price of {signal.symbol} fits the tick")
    stop = _stop(signal, price, limits.default_stop_percent, contract.price_tick)
    if isinstance(stop, Refusal):
        return stop
    targets = _targets(signal, price, contract.price_tick)
    if isinstance(targets, Refusal):
        return targets
    if _is_past_stop(signal.side, stop, price, last):
        text = f"the stop {money.plain(stop)} would trade at once: last price is {money.plain(last)}"
        return Refusal(reason=Reason.STOP_BEYOND_PRICE, text=text)
    plan = _sized(signal, contract, price, stop, last, limits)
    return plan if isinstance(plan, Refusal) else replace(plan, targets=targets)


def worst_price(side: Side, last: Decimal, slippage_percent: Decimal, tick: Decimal) -> Decimal:
    """Rounded towards the last price, so that a coarse tick never makes it worse than allowed."""
    if side is Side.BUY:
        return money.floor_to(last * (HUNDRED + slippage_percent) / HUNDRED, tick)
    return money.ceil_to(last * (HUNDRED - slippage_percent) / HUNDRED, tick)


def _entry(signal: Signal, last: Decimal, slippage_percent: Decimal, tick: Decimal) -> Decimal:
    """The edge of a zone at which the price arrives first; without one what is still accepted now."""
    if not signal.entries:
        return worst_price(signal.side, last, slippage_percent, tick)
    if signal.side is Side.BUY:
        return money.floor_to(max(signal.entries), tick)
    return money.ceil_to(min(signal.entries), tick)


def _targets(signal: Signal, price: Decimal, tick: Decimal) -> tuple[Decimal, ...] | Refusal:
    """The nearest first, each rounded towards the entry, so that it is reached no later."""
    is_long = signal.side is Side.BUY
    towards_entry = money.floor_to if is_long else money.ceil_to
    targets = sorted({towards_entry(target, tick) for target in signal.targets}, reverse=not is_long)
    if targets and (targets[0] <= price if is_long else targets[0] >= price):
        text = (
            f"the target {money.plain(targets[0])} lies on the wrong side of the entry {money.plain(price)}"
        )
        return Refusal(reason=Reason.TARGET_BEYOND_ENTRY, text=text)
    return tuple(targets)


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


def _is_past_stop(side: Side, stop: Decimal, price: Decimal, last: Decimal) -> bool:
    return stop >= min(price, last) if side is Side.BUY else stop <= max(price, last)


def _sized(
    signal: Signal, contract: Contract, price: Decimal, stop: Decimal, last: Decimal, limits: Limits
) -> Plan | Refusal:
    if signal.quantity is None:
        return Refusal(reason=Reason.BELOW_MINIMUM, text="the message names no quantity")
    # A SELL can fill above its limit, so the cap counts at the higher of the two prices.
    most = limits.max_notional / max(price, last)
    wanted = min(signal.quantity * limits.size_factor, most)
    quantity = money.floor_to(wanted, contract.quantity_step)
    if quantity < contract.min_quantity or quantity <= 0:
        text = f"{money.plain(quantity)} after rounding down is below {money.plain(contract.min_quantity)}"
        return Refusal(reason=Reason.BELOW_MINIMUM, text=text)
    if quantity * price < contract.min_notional:
        text = f"worth less than the {money.plain(contract.min_notional)} USDT the exchange wants"
        return Refusal(reason=Reason.BELOW_MINIMUM, text=text)
    leverage = min(limits.max_leverage, contract.max_leverage, safe_leverage(price, stop))
    if leverage < 1:
        return Refusal(
            reason=Reason.STOP_TOO_FAR, text=f"the stop {money.plain(stop)} lies beyond liquidation"
        )
    return Plan(
        symbol=signal.symbol, side=signal.side, quantity=quantity, price=price, stop=stop, leverage=leverage
    )


def safe_leverage(price: Decimal, stop: Decimal) -> int:
    """The highest at which liquidation is half as far again from the price as the stop; 0 if there is none.

    With isolated margin that is 1 / leverage of the price away, less what must be left of it.
    """
    distance = abs(price - stop) / price * LIQUIDATION_BEYOND_STOP
    return int(1 / (distance + MAINTENANCE))
