"""One order of the simulator, as it is kept and as BingX shows it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

ZERO = Decimal(0)
OPEN = {"NEW", "PENDING", "PARTIALLY_FILLED"}
LOSS_STOPS = ("STOP_MARKET", "STOP")
PROFIT_STOPS = ("TAKE_PROFIT_MARKET", "TAKE_PROFIT")
TRIGGERS = ("TRIGGER_MARKET", "TRIGGER_LIMIT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Numbers keep the decimals with which they were sent; NEW means that the trigger was not reached yet."""

    id: int
    client_id: str
    symbol: str
    side: str
    position_side: str
    type: str
    quantity: Decimal  # zero for the whole position
    price: Decimal
    stop_price: Decimal = ZERO
    time_in_force: str = "GTC"
    reduce_only: bool = False
    close_position: bool = False
    working_type: str = "MARK_PRICE"
    stop_loss: str = ""
    take_profit: str = ""
    parent: int = 0  # the order or position that the exchange made it for
    status: str
    executed: Decimal
    average: Decimal
    profit: Decimal = ZERO
    commission: Decimal = ZERO
    leverage: int = 0
    created: int
    updated: int

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.executed

    @property
    def direction(self) -> str:
        return "LONG" if self.side == "BUY" else "SHORT"

    @property
    def is_market(self) -> bool:
        return self.type.endswith("MARKET")

    @property
    def is_stop(self) -> bool:
        return self.type in LOSS_STOPS or self.type in PROFIT_STOPS


_NUMBERS = {each.name for each in fields(Order) if each.type is Decimal}


def from_line(line: Mapping[str, Any]) -> Order:
    values: dict[str, Any] = dict(line)
    return Order(**values | {name: Decimal(values[name]) for name in _NUMBERS & values.keys()})


def text(number: Decimal) -> str:
    return format(number, "f")


def bare(number: Decimal) -> float | int:
    """As the exchange writes a number without quotes: 0 and not 0.0."""
    return int(number) if number == number.to_integral_value() else float(number)


def placed_json(order: Order, ack: str) -> dict[str, Any]:
    """As in the answer to a placement: numbers bare, stops as texts, and both spellings of both ids."""
    told: dict[str, Any] = {
        "orderId": order.id,
        "symbol": order.symbol,
        "positionSide": order.position_side,
        "side": order.side,
        "type": order.type,
        "price": bare(order.price),
        "quantity": bare(order.quantity),
        "stopPrice": bare(order.stop_price),
        "workingType": order.working_type,
        "clientOrderID": order.client_id,
        "timeInForce": order.time_in_force,
        "priceRate": 0,
        "stopLoss": order.stop_loss,
        "takeProfit": order.take_profit,
        "reduceOnly": order.reduce_only,
    }
    if ack == "bare":
        return told
    told |= {
        "orderID": str(order.id),
        "clientOrderId": order.client_id,
        "closePosition": order.close_position,
    }
    if ack == "new":
        return told | {"status": "NEW", "avgPrice": "", "executedQty": "0"}
    return told | {
        "status": order.status,
        "avgPrice": text(order.average),
        "executedQty": text(order.executed),
    }


def order_json(order: Order) -> dict[str, Any]:
    """As in queries and lists: numbers as texts."""
    return {
        "symbol": order.symbol,
        "orderId": order.id,
        "side": order.side,
        "positionSide": order.position_side,
        "type": order.type,
        "origQty": text(order.quantity),
        "price": text(order.price),
        "executedQty": text(order.executed),
        "avgPrice": text(order.average),
        "cumQuote": text(order.executed * order.average),
        "stopPrice": text(order.stop_price) if order.stop_price else "",
        "profit": f"{order.profit:.4f}",
        "commission": f"{order.commission:.6f}",
        "status": order.status,
        "time": order.created,
        "updateTime": order.updated,
        "clientOrderId": order.client_id,
        "leverage": f"{order.leverage}X" if order.leverage else "",
        "takeProfit": _attached_json(order.take_profit),
        "stopLoss": _attached_json(order.stop_loss),
        "advanceAttr": 0,
        "positionID": 0,
        "takeProfitEntrustPrice": 0,
        "stopLossEntrustPrice": 0,
        "orderType": "",
        "workingType": order.working_type,
        "stopGuaranteed": False,
        "triggerOrderId": order.parent,
    }


def listed_json(order: Order, hedge: bool) -> dict[str, Any]:
    """As in openOrders and allOrders, which say more."""
    return order_json(order) | {
        "trailingStopRate": 0,
        "trailingStopDistance": 0,
        "postOnly": order.time_in_force == "PostOnly",
        "positionId": "",
        "closePosition": "true" if order.close_position else "false",
        "reduceOnly": order.reduce_only,
        "onlyOnePosition": not hedge,
    }


def _attached_json(told: str) -> dict[str, Any]:
    empty = {"type": "", "quantity": 0, "stopPrice": 0, "price": 0, "workingType": ""}
    return empty | (json.loads(told) if told else {})
