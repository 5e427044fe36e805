"""One order of the simulator: read from the parameters of a call, checked, and shown as BingX shows it."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from bot.simulator.errors import BingXError
from bot.simulator.market import Contract

_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Numbers are kept as the text they will be shown as."""

    id: int
    client_id: str
    symbol: str
    side: str
    position_side: str
    type: str
    quantity: str
    price: str
    stop_loss: str
    status: str
    executed: str
    average: str
    created: int
    updated: int


def read_order(parameters: Mapping[str, str], contract: Contract, id_: int, now_ms: int) -> Order:
    kind = _one_of(parameters, "type", ("LIMIT", "MARKET"))
    side = _one_of(parameters, "side", ("BUY", "SELL"))
    position_side = _one_of(parameters, "positionSide", ("LONG", "SHORT"))
    client_id = parameters.get("clientOrderId") or parameters.get("clientOrderID") or ""
    if not re.fullmatch(r"[A-Za-z0-9]{0,40}", client_id):
        raise BingXError(109400, "clientOrderId must be 1 to 40 letters and digits")
    quantity = _number(parameters, "quantity", contract.quantity_precision)
    if kind == "LIMIT":
        _number(parameters, "price", contract.price_precision)
    if quantity < contract.min_quantity:
        base = contract.symbol.partition("-")[0]
        raise BingXError(101400, f"The minimum order amount is {contract.min_quantity} {base}.")
    return Order(
        id=id_,
        client_id=client_id.lower(),
        symbol=contract.symbol,
        side=side,
        position_side=position_side,
        type=kind,
        quantity=parameters["quantity"],
        price=parameters["price"] if kind == "LIMIT" else "0",
        stop_loss=parameters.get("stopLoss", ""),
        status="PENDING",
        executed="0",
        average="0",
        created=now_ms,
        updated=now_ms,
    )


def check_value(order: Order, contract: Contract, at: Decimal) -> None:
    """What depends on the price that the order would trade at."""
    if Decimal(order.quantity) * at < contract.min_usdt:
        least = contract.min_usdt
        text = (
            f"Please ensure that the minimum nominal value of the order placed must be greater than {least}u"
        )
        raise BingXError(110425, text)
    if not order.stop_loss:
        return
    stop = _stop_price(order.stop_loss)
    if order.position_side == "LONG" and stop >= at:
        raise BingXError(110411, "The stop loss price of a long position must be below the price")
    if order.position_side == "SHORT" and stop <= at:
        raise BingXError(110412, "The stop loss price of a short position must be above the price")


def _stop_price(text: str) -> Decimal:
    try:
        told = json.loads(text, parse_float=Decimal, parse_int=Decimal)
        kind, stop = told["type"], told["stopPrice"]
    except (ValueError, TypeError, KeyError):
        raise BingXError(109400, "stopLoss must be a JSON object with type and stopPrice") from None
    if kind not in ("STOP_MARKET", "STOP") or not isinstance(stop, Decimal) or not stop > 0:
        raise BingXError(109400, "stopLoss wants type STOP_MARKET or STOP and a stopPrice above zero")
    return stop


def _one_of(parameters: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    value = parameters.get(name, "")
    if value in allowed:
        return value
    if name == "positionSide":
        text = "In the Hedge mode, the 'PositionSide' field can only be set to LONG or SHORT."
        raise BingXError(109400, text)
    raise BingXError(109400, f"Invalid parameters: {name} must be one of {', '.join(allowed)}")


def _number(parameters: Mapping[str, str], name: str, precision: int) -> Decimal:
    text = parameters.get(name, "")
    if not _NUMBER.fullmatch(text) or not Decimal(text):
        raise BingXError(109400, f"Invalid parameters: {name} must be a plain number above zero")
    if len(text.partition(".")[2].rstrip("0")) > precision:
        raise BingXError(109400, f"Invalid parameters: {name} has more than {precision} decimals")
    return Decimal(text)


def placed_json(order: Order) -> dict[str, Any]:
    """As in the answer to a placement: numbers bare, the stop as a text, both spellings of both ids."""
    return {
        "orderId": order.id,
        "orderID": str(order.id),
        "symbol": order.symbol,
        "positionSide": order.position_side,
        "side": order.side,
        "type": order.type,
        "price": float(order.price),
        "quantity": float(order.quantity),
        "stopPrice": 0,
        "workingType": "MARK_PRICE",
        "clientOrderID": order.client_id,
        "clientOrderId": order.client_id,
        "timeInForce": "GTC",
        "priceRate": 0,
        "stopLoss": order.stop_loss,
        "takeProfit": "",
        "reduceOnly": False,
        "status": order.status,
        "avgPrice": order.average,
        "executedQty": order.executed,
    }


def order_json(order: Order) -> dict[str, Any]:
    """As in queries: numbers as texts."""
    quote = Decimal(order.executed) * Decimal(order.average)
    return {
        "symbol": order.symbol,
        "orderId": order.id,
        "side": order.side,
        "positionSide": order.position_side,
        "type": order.type,
        "origQty": order.quantity,
        "price": order.price,
        "executedQty": order.executed,
        "avgPrice": order.average,
        "cumQuote": format(quote, "f"),
        "stopPrice": "",
        "profit": "0.0000",
        "commission": format(-quote * Decimal("0.0005"), "f"),
        "status": order.status,
        "time": order.created,
        "updateTime": order.updated,
        "clientOrderId": order.client_id,
        "leverage": "",
        "takeProfit": {"type": "", "quantity": 0, "stopPrice": 0, "price": 0, "workingType": ""},
        "stopLoss": json.loads(order.stop_loss) if order.stop_loss else {"type": "", "stopPrice": 0},
        "workingType": "MARK_PRICE",
        "stopGuaranteed": False,
        "reduceOnly": False,
    }


def to_line(order: Order) -> dict[str, Any]:
    return asdict(order)


def from_line(line: dict[str, Any]) -> Order:
    return Order(**line)
