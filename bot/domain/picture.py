"""The account at the exchange as one look found it, put beside what we know of our orders; pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from bot.domain import money
from bot.domain.account import ExchangeOrder, Position
from bot.domain.order import LIVE, Order
from bot.domain.plan import Contract
from bot.domain.protection import Holding, is_guard

Shape = tuple[object, ...]
FINEST_STEP = Decimal("0.00000001")  # of a symbol that the exchange does not list any more


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Not `slots`: what is derived is kept once it was asked for."""

    positions: tuple[Position, ...]
    orders: tuple[ExchangeOrder, ...]
    holdings: tuple[Holding, ...]
    live: tuple[Order, ...]
    missing: frozenset[str]
    asked_at: float  # monotonic; the lists show whatever the exchange could not hide at that time
    read_at: datetime
    unchanged_since: Mapping[Shape, float]  # monotonic; of each holding

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """Positions by state, as in the metric `positions`."""
        return {
            "open": len(self.holdings),
            "without_stop": sum(1 for each in self.holdings if each.uncovered),
            "foreign": sum(1 for each in self.holdings if not each.trades),
        }

    @cached_property
    def differences(self) -> Mapping[str, int]:
        """Between our database and the exchange, as in the metric `reconciliation_differences`."""
        ours = [each for each in self.holdings if each.trades]
        return {
            "order_missing": len(self.missing),
            "order_foreign": len(self.foreign_orders),
            "position_size": sum(1 for each in ours if each.foreign),
            "stop_missing": sum(1 for each in ours if each.uncovered > each.foreign),
        }

    @cached_property
    def foreign_orders(self) -> tuple[ExchangeOrder, ...]:
        """Neither an entry of ours, nor there to end a position of ours, or what was one just now."""
        names = {order.client_id for order in self.live}
        keys = {order.key for order in self.live}
        return tuple(
            order
            for order in self.orders
            if order.client_id not in names and not any(is_guard(order, *key) for key in keys)
        )

    @cached_property
    def liquidation_distances(self) -> Mapping[str, Decimal]:
        """Of the nearest position of each symbol that can be liquidated, as a share of the price."""
        found: dict[str, Decimal] = {}
        for position in self.positions:
            distance = position.liquidation_distance
            if distance is not None:
                found[position.symbol] = min(distance, found.get(position.symbol, distance))
        return found

    def is_unexplained(self, key: tuple[str, bool]) -> bool:
        """Whether there is a position, or part of one, that no order of ours led to."""
        return any(each.key == key and each.foreign for each in self.holdings)

    def against_entry(
        self, symbol: str, is_long: bool, others: Collection[tuple[str, bool]], *, hedged: bool
    ) -> str:
        """Why no entry should be made beside what is there and what `others` lead to; empty if one may."""
        for each in self.holdings:
            if each.position.symbol == symbol and not each.trades:
                return f"foreign_position: there is a position in {symbol} that is not ours"
        there = {*others, *(each.key for each in self.holdings)}
        if not hedged and (symbol, not is_long) in there:
            return f"opposite_position: the account is one-way, and holds the other side of {symbol}"
        return ""


def draw(
    *,
    positions: Sequence[Position],
    orders: Sequence[ExchangeOrder],
    live: Sequence[Order],
    missing: Collection[str],
    before: "Picture | None",
    contracts: Mapping[str, Contract],
    hedged: bool,
    asked_at: float,
    read_at: datetime,
    window: float,
) -> Picture:
    """What was the same for the `window`, for which the exchange may hide something, is steady."""
    holdings = tuple(_holding(each, orders, live, contracts.get(each.symbol), hedged) for each in positions)
    seen = before.unchanged_since if before else {}
    since = {_shape(each): seen.get(_shape(each), asked_at) for each in holdings}
    holdings = tuple(replace(each, steady=asked_at - since[_shape(each)] >= window) for each in holdings)
    return Picture(
        positions=tuple(positions),
        orders=tuple(orders),
        holdings=holdings,
        live=tuple(live),
        missing=frozenset(missing),
        asked_at=asked_at,
        read_at=read_at,
        unchanged_since=since,
    )


def _shape(holding: Holding) -> Shape:
    guards = frozenset((each.exchange_id, each.quantity) for each in holding.guards)
    return holding.position.id, holding.position.quantity, guards


def _holding(
    position: Position,
    orders: Sequence[ExchangeOrder],
    live: Sequence[Order],
    contract: Contract | None,
    hedged: bool,
) -> Holding:
    key = (position.symbol, position.is_long)
    step, least = FINEST_STEP, Decimal(0)
    if contract:
        step, least = contract.quantity_step, contract.min_quantity
        if position.mark_price:
            least = max(least, money.ceil_to(contract.min_notional / position.mark_price, step))
    mine = [order for order in live if order.key == key]
    return Holding(
        position=position,
        trades=tuple(order for order in mine if order.filled_quantity > 0),
        guards=tuple(order for order in orders if is_guard(order, *key)),
        steady=False,
        entering=any(order.state in LIVE for order in mine),
        hedged=hedged,
        step=step,
        least=least,
    )
