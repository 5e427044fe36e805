"""The orders that the exchange itself makes: attached stops, and closes of whole positions."""

from dataclasses import replace
from decimal import Decimal

from bot.simulator.account import Position
from bot.simulator.order import ZERO, Order
from bot.simulator.request import attached_prices


def attached_stop(entry: Order, told: str, quantity: Decimal, id_: int, hedge: bool, now: int) -> Order:
    kind, stop_price, price = attached_prices(told)
    return replace(
        entry,
        id=id_,
        client_id="",
        side="SELL" if entry.side == "BUY" else "BUY",
        type=kind,
        quantity=quantity,
        price=ZERO if kind.endswith("MARKET") else price,
        stop_price=stop_price,
        time_in_force="GTC",
        reduce_only=not hedge,
        stop_loss="",
        take_profit="",
        parent=entry.id,
        status="NEW",
        executed=ZERO,
        average=ZERO,
        profit=ZERO,
        commission=ZERO,
        created=now,
        updated=now,
    )


def closing_order(position: Position, id_: int, hedge: bool, leverage: int, now: int) -> Order:
    return Order(
        id=id_,
        client_id="",
        symbol=position.symbol,
        side="SELL" if position.side == "LONG" else "BUY",
        position_side=position.side if hedge else "BOTH",
        type="MARKET",
        quantity=position.quantity,
        price=ZERO,
        reduce_only=not hedge,
        parent=position.id,
        status="PENDING",
        executed=ZERO,
        average=ZERO,
        leverage=leverage,
        created=now,
        updated=now,
    )
