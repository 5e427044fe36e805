"""What a position needs so that it is protected: stops for all of it, targets, or its end; pure arithmetic.

It looks at what is there and says what is missing, so it may be asked again after any crash.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby

from bot.domain import money
from bot.domain.account import ExchangeOrder, NewOrder, Position, PositionSide, Purpose
from bot.domain.order import LIVE, Order
from bot.domain.signal import Side

ZERO = Decimal(0)
STOPS = frozenset({"STOP_MARKET", "STOP"})
TARGETS = frozenset({"TAKE_PROFIT_MARKET", "TAKE_PROFIT"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A position with our filled orders behind it, the oldest first, and the orders that would end it."""

    position: Position
    trades: tuple[Order, ...]
    guards: tuple[ExchangeOrder, ...]
    entering: bool  # an order of ours may still make it larger, and its stop with it
    steady: bool  # size and guards did not change for as long as the exchange may hide something
    hedged: bool
    step: Decimal  # of quantities
    least: Decimal  # quantity of an order

    @property
    def key(self) -> tuple[str, bool]:
        return self.position.symbol, self.position.is_long

    @property
    def ours(self) -> Decimal:
        """How much of the position our orders account for."""
        return min(self.position.quantity, _total(trade.filled_quantity for trade in self.trades))

    @property
    def foreign(self) -> Decimal:
        return self.position.quantity - self.ours

    @property
    def uncovered(self) -> Decimal:
        """How much of it no stop covers."""
        return max(ZERO, self.position.quantity - covered(self.position, self.guards))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """An order of the exchange's that is no longer needed."""

    symbol: str
    exchange_id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    order: NewOrder
    why: str


Step = Cancel | Send


def is_guard(order: ExchangeOrder, symbol: str, is_long: bool) -> bool:
    """Whether the order would end a position of that side, or part of it, and waits for its trigger."""
    waits = order.type in STOPS | TARGETS and order.trigger is not None
    return waits and is_against(order, symbol, is_long)


def is_against(order: ExchangeOrder, symbol: str, is_long: bool) -> bool:
    """Whether what is filled of the order makes a position of that side smaller."""
    sides = (PositionSide.LONG if is_long else PositionSide.SHORT, PositionSide.BOTH)
    return (
        order.symbol == symbol
        and order.side is (Side.SELL if is_long else Side.BUY)
        and order.position_side in sides
    )


def is_closed(
    trades: Sequence[Order], history: Sequence[ExchangeOrder], since: datetime, slack: timedelta
) -> bool:
    """Whether all that the trades of one position have filled was closed by orders of the history.

    From when the first entry came, by the exchange's own clock if it tells, else from `since`. Its machines
    may differ by the slack: what was closed before these was flat for that long.
    """
    symbol, is_long = trades[0].key
    names = {trade.client_id for trade in trades}
    came = [order.created_at - slack for order in history if order.client_id in names]
    began = min(came, default=since)
    closing = (order for order in history if is_against(order, symbol, is_long) and order.updated_at >= began)
    return _total(each.filled_quantity for each in closing) >= _total(each.filled_quantity for each in trades)


def covered(position: Position, guards: Iterable[ExchangeOrder]) -> Decimal:
    stops = [order for order in guards if order.type in STOPS]
    if any(order.closes_position for order in stops):
        return position.quantity
    return _total(map(_left, stops))


def protect(holding: Holding) -> Sequence[Step]:
    """What to do now so that the position is covered once, no more and no less."""
    missing = min(holding.uncovered, holding.ours)
    if missing > 0:
        return _missing_stops(holding, missing)
    if not holding.steady or not holding.trades:
        return []
    if holding.entering:
        return _missing_targets(holding)
    return _excess_stops(holding) or _targets_of_closed_trades(holding) or _missing_targets(holding)


def close(holding: Holding, quantity: Decimal, why: str, *, client_id: str = "") -> Send:
    return Send(order=_ending(holding, Purpose.CLOSE, quantity, None, client_id), why=why)


def _missing_stops(holding: Holding, missing: Decimal) -> list[Step]:
    """By the stop of each trade, the youngest first: what was closed in part was rather an older one."""
    there = _by_trigger(order for order in holding.guards if order.type in STOPS)
    steps: list[Step] = []
    for trade in reversed(holding.trades):
        has = min(there.get(trade.stop, ZERO), trade.filled_quantity)
        there[trade.stop] = there.get(trade.stop, ZERO) - has
        quantity = min(trade.filled_quantity - has, missing)
        if quantity > 0:
            steps.append(_stop_or_close(holding, quantity, trade.stop))
            missing -= quantity
    return steps


def _stop_or_close(holding: Holding, quantity: Decimal, stop: Decimal) -> Step:
    if is_past(holding.position, stop, loss=True):
        return close(holding, quantity, f"the price is past the stop {money.plain(stop)}, and there was none")
    order = _ending(holding, Purpose.STOP, quantity, stop)
    return Send(order=order, why="the position had no stop")


def _excess_stops(holding: Holding) -> Sequence[Step]:
    """Stops for more than there is may fail when needed: one for the whole position takes their place.

    Beside it only those of parts stay that trade before it.
    """
    stops = [order for order in holding.guards if order.type in STOPS]
    of_whole = [order for order in stops if order.closes_position]
    of_parts = [order for order in stops if not order.closes_position]
    near = [each for each in of_parts if all(_is_before(holding, each, other) for other in of_whole)]
    if needless := [each for each in of_parts if each not in near]:
        return cancelled(needless, "a stop for the whole position stands")
    if holding.foreign or _total(map(_left, near)) <= holding.position.quantity:
        return []
    if of_whole:
        return cancelled(of_whole, "nearer ones will become one for the whole position")
    nearest = max if holding.position.is_long else min
    order = _ending(holding, Purpose.STOP, None, nearest(map(_trigger, near)))
    return [Send(order=order, why="stops for more than the position")]


def _is_before(holding: Holding, one: ExchangeOrder, other: ExchangeOrder) -> bool:
    """Whether the price reaches the one stop before the other."""
    return _trigger(one) > _trigger(other) if holding.position.is_long else _trigger(one) < _trigger(other)


def cancelled(orders: Iterable[ExchangeOrder], why: str) -> list[Cancel]:
    return [Cancel(symbol=each.symbol, exchange_id=each.exchange_id, why=why) for each in orders]


def _left(order: ExchangeOrder) -> Decimal:
    return order.quantity - order.filled_quantity


def _trigger(order: ExchangeOrder) -> Decimal:
    return order.trigger or ZERO


def _missing_targets(holding: Holding) -> list[Step]:
    """The furthest first: when part of the position is gone, it was the nearest that was reached.

    An entry that still rests gets its own once it is done; others do not wait for it, for it may take hours.
    """
    targets = [order for order in holding.guards if order.type in TARGETS]
    there = _by_trigger(targets)
    # With what was filled of them, so that it is not placed once more.
    room = holding.ours - _total(order.quantity for order in targets)
    if any(order.closes_position for order in targets):
        return []
    done = [trade for trade in _open_trades(holding) if trade.state not in LIVE]
    legs = [leg for trade in done for leg in split(trade, holding.step, holding.least)]
    steps: list[Step] = []
    furthest_first = sorted(legs, reverse=holding.position.is_long)
    for trigger, group in groupby(furthest_first, key=lambda leg: leg[0]):
        wanted = _total(quantity for _, quantity in group)
        quantity = min(wanted - there.get(trigger, ZERO), room)
        if quantity > 0:
            steps.append(_target_or_close(holding, quantity, trigger))
            room -= quantity
    return steps


def _targets_of_closed_trades(holding: Holding) -> Sequence[Step]:
    """They would close part of what another signal opened."""
    still_open = _open_trades(holding)
    closed = {target for trade in holding.trades if trade not in still_open for target in trade.targets}
    wanted = {target for trade in still_open for target in trade.targets}
    targets = [order for order in holding.guards if order.type in TARGETS]
    needless = [order for order in targets if order.trigger in closed - wanted]
    return cancelled(needless, "the trade of this target is closed")


def _open_trades(holding: Holding) -> list[Order]:
    """Those whose stops stand; where that tells nothing, the youngest that make up the position."""
    stops = [order for order in holding.guards if order.type in STOPS]
    guarded = [trade for trade in holding.trades if trade.stop in {order.trigger for order in stops}]
    if guarded and not any(order.closes_position for order in stops):
        return guarded
    found: list[Order] = []
    for trade in reversed(holding.trades):
        if _total(each.filled_quantity for each in found) < holding.position.quantity:
            found.append(trade)
    return found


def _target_or_close(holding: Holding, quantity: Decimal, trigger: Decimal) -> Step:
    if is_past(holding.position, trigger, loss=False):
        return close(holding, quantity, f"the price is past the target {money.plain(trigger)}")
    return Send(order=_ending(holding, Purpose.TARGET, quantity, trigger), why="a target was missing")


def split(trade: Order, step: Decimal, least: Decimal) -> list[tuple[Decimal, Decimal]]:
    """Trigger and quantity of each target: equal parts of what was filled, the last takes the rest.

    Where the parts would be too small for the exchange, the nearest targets share it.
    """
    for count in range(len(trade.targets), 0, -1):
        part = money.floor_to(trade.filled_quantity / count, step)
        if part >= least or count == 1:
            parts = [part] * (count - 1) + [trade.filled_quantity - part * (count - 1)]
            return list(zip(trade.targets[:count], parts, strict=True))
    return []


def is_past(position: Position, trigger: Decimal, *, loss: bool) -> bool:
    """Whether the price has reached a trigger already; a price that is not known has not."""
    if position.mark_price is None:
        return False
    below = position.is_long is loss
    return position.mark_price <= trigger if below else position.mark_price >= trigger


def _ending(
    holding: Holding, purpose: Purpose, quantity: Decimal | None, trigger: Decimal | None, client_id: str = ""
) -> NewOrder:
    position = holding.position
    side = PositionSide.LONG if position.is_long else PositionSide.SHORT
    return NewOrder(
        purpose=purpose,
        symbol=position.symbol,
        side=Side.SELL if position.is_long else Side.BUY,
        position_side=side if holding.hedged else PositionSide.BOTH,
        quantity=quantity,
        trigger=trigger,
        client_id=client_id,
    )


def _by_trigger(orders: Iterable[ExchangeOrder]) -> dict[Decimal | None, Decimal]:
    found: dict[Decimal | None, Decimal] = {}
    for order in orders:
        found[order.trigger] = found.get(order.trigger, ZERO) + _left(order)
    return found


def _total(quantities: Iterable[Decimal]) -> Decimal:
    return sum(quantities, ZERO)
