"""BingX on the wire, without any I/O: the signed query, an order's parameters, an answer's envelope."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from bot.adapters.bingx_codes import RateLimited
from bot.domain import money
from bot.domain.account import NewOrder
from bot.ports import OutcomeUnknown, TryAgain

_PARAMETER = re.compile(r"[^&=?#\r\n]*")


def signed_query(parameters: Mapping[str, str], secret: str) -> str:
    """The query string of a signed call: the signature covers raw values, the wire carries quoted ones."""
    for name, value in parameters.items():
        if not _PARAMETER.fullmatch(value):
            raise ValueError(f"parameter {name} may not contain any of & = ? # or a line break")
    pairs = sorted(parameters.items())
    signature = sign(secret, "&".join(f"{name}={value}" for name, value in pairs))
    return f"{query(dict(pairs))}&signature={signature}"


def query(parameters: Mapping[str, str]) -> str:
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())


def sign(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def order_parameters(order: NewOrder) -> dict[str, str]:
    told = {
        "symbol": order.symbol,
        "side": order.side.value,
        "positionSide": order.position_side.value,
        "type": order.type.value,
    }
    if order.quantity is not None:
        told["quantity"] = money.plain(order.quantity)
    else:
        told["closePosition"] = "true"
    if order.price is not None:
        told |= {"price": money.plain(order.price), "timeInForce": "GTC"}
    if order.trigger is not None:
        told |= {"stopPrice": money.plain(order.trigger), "workingType": "MARK_PRICE"}
    # The exchange takes a whole position or reduceOnly, not both.
    if order.reduces_only and order.quantity is not None:
        told["reduceOnly"] = "true"
    if order.client_id:
        told["clientOrderId"] = order.client_id
    if order.stop is not None:
        told["stopLoss"] = _attached("STOP_MARKET", order.stop)
    if order.target is not None:
        told["takeProfit"] = _attached("TAKE_PROFIT_MARKET", order.target)
    return told


def _attached(kind: str, trigger: Decimal) -> str:
    # Numbers inside the JSON are numbers, and json.dumps would write small ones with an exponent.
    return f'{{"type":"{kind}","stopPrice":{money.plain(trigger)},"workingType":"MARK_PRICE"}}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What every answer in JSON has; the code is 0 for success."""

    code: int
    text: str
    data: Any


def envelope(status: int, body: bytes) -> Envelope:
    """Below 500 the JSON decides, if there is any; raises what an answer without it means."""
    if status >= 500:
        raise OutcomeUnknown(f"HTTP {status}")
    try:
        told = json.loads(body, parse_float=Decimal, parse_constant=_refuse)
        return Envelope(code=int(told["code"]), text=str(told.get("msg", "")), data=told.get("data"))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise _no_json(status) from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _no_json(status: int) -> Exception:
    if status in (403, 418, 429):
        return RateLimited(f"HTTP {status} without JSON: banned, or about to be")
    if status in (400, 401, 404):
        return TryAgain(f"HTTP {status} without JSON: stopped before it reached the exchange")
    return OutcomeUnknown(f"HTTP {status} without JSON")
