"""One order: as it is kept, as the exchange makes some by itself, and as BingX shows it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from bot.simulator.market import plain

ZERO = Decimal(0)
OPEN = {"NEW", "PENDING", "PARTIALLY_FILLED"}
LOSS_STOP, PROFIT_STOP = "STOP_MARKET", "TAKE_PROFIT_MARKET"
STOPS = (LOSS_STOP, PROFIT_STOP)
PRICES = ("MARK_PRICE", "CONTRACT_PRICE")  # what a stop looks at


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Numbers keep the decimals with which they were sent; NEW means that the trigger was not reached yet."""

    id: int
    client_id: str = ""
    symbol: str
    side: str
    position_side: str
    type: str
    quantity: Decimal  # zero for the whole position
    price: Decimal = ZERO  # of LIMIT alone
    stop_price: Decimal = ZERO
    reduce_only: bool = False
    close_position: bool = False
    working_type: str = PRICES[0]
    stop_loss: str = ""  # the stop that came with it, as it was sent
    take_profit: str = ""
    parent: int = 0  # the order or position that the exchange made it for
    status: str = "PENDING"
    executed: Decimal = ZERO
    average: Decimal = ZERO
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
    def is_stop(self) -> bool:
        return self.type in STOPS

    @property
    def is_closing(self) -> bool:
        """Whether it may only make a position smaller."""
        return self.reduce_only or self.close_position or self.position_side not in ("BOTH", self.direction)


_NUMBERS = {each.name for each in fields(Order) if each.type is Decimal}
_NAMES = {each.name for each in fields(Order)}


def from_line(line: Mapping[str, Any]) -> Order:
    told = {name: line[name] for name in _NAMES & line.keys()}
    return Order(**told | {name: Decimal(told[name]) for name in _NUMBERS & told.keys()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A stop that comes with an entry, as JSON in a text."""

    type: str
    stop_price: Decimal
    working_type: str


def read_attached(told: str) -> Attached:
    read = json.loads(told, parse_float=plain, parse_int=plain)
    if not isinstance(read["stopPrice"], Decimal):
        raise TypeError("stopPrice is no number")
    working_type = read.get("workingType", PRICES[0])
    return Attached(type=read["type"], stop_price=read["stopPrice"], working_type=working_type)


def attached_stop(entry: Order, stop: Attached, quantity: Decimal, id_: int, now: int) -> Order:
    return Order(
        id=id_,
        symbol=entry.symbol,
        side="SELL" if entry.side == "BUY" else "BUY",
        position_side=entry.position_side,
        type=stop.type,
        quantity=quantity,
        stop_price=stop.stop_price,
        working_type=stop.working_type,
        reduce_only=entry.position_side == "BOTH",
        parent=entry.id,
        status="NEW",
        leverage=entry.leverage,
        created=now,
        updated=now,
    )


def placed_json(order: Order, ack: str) -> dict[str, Any]:
    """As in the answer to a placement: numbers bare, stops as texts, and both spellings of both ids."""
    told: dict[str, Any] = {
        "orderId": order.id,
        "symbol": order.symbol,
        "positionSide": order.position_side,
        "side": order.side,
        "type": order.type,
        "price": _bare(order.price),
        "quantity": _bare(order.quantity),
        "stopPrice": _bare(order.stop_price),
        "workingType": order.working_type,
        "clientOrderID": order.client_id,
        "timeInForce": "GTC",
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
        "avgPrice": f"{order.average:f}",
        "executedQty": f"{order.executed:f}",
    }


def order_json(order: Order) -> dict[str, Any]:
    """As in queries and cancels: numbers as texts."""
    return {
        "symbol": order.symbol,
        "orderId": order.id,
        "side": order.side,
        "positionSide": order.position_side,
        "type": order.type,
        "origQty": f"{order.quantity:f}",
        "price": f"{order.price:f}",
        "executedQty": f"{order.executed:f}",
        "avgPrice": f"{order.average:f}",
        "cumQuote": f"{order.executed * order.average:f}",
        "stopPrice": f"{order.stop_price:f}" if order.stop_price else "",
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
        "postOnly": False,
        "positionId": "",
        "closePosition": "true" if order.close_position else "false",
        "reduceOnly": order.reduce_only,
        "onlyOnePosition": not hedge,
    }


def _attached_json(told: str) -> dict[str, Any]:
    empty = {"type": "", "quantity": 0, "stopPrice": 0, "price": 0, "workingType": ""}
    return empty | (json.loads(told) if told else {})


def _bare(number: Decimal) -> float | int:
    """As the exchange writes a number without quotes: 0 and not 0.0."""
    return int(number) if number == number.to_integral_value() else float(number)
