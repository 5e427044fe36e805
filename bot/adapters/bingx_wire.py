"""BingX on the wire, without any I/O: signing, the meaning of error codes, JSON to domain values and back."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from bot.domain import money
from bot.domain.order import Event, Order, Report
from bot.domain.plan import Contract
from bot.domain.signal import Side
from bot.ports import OutcomeUnknown, Refused, StopTrading, TryAgain


class ClockSkew(TryAgain):
    """The exchange did not like our timestamp, and so did not take the request."""


class RateLimited(TryAgain):
    """Too many requests; this one was not executed."""


class Absent(Refused):
    """The exchange said that it has no such order."""


# What the caller does next, by code; both the numbers before and after the change of 2025-10-16.
# What is not listed is no answer that we understand, and so an unknown outcome.
_STOP = {100001, 100004, 100412, 100413, 100414, 100419}
_RATE = {100409, 100410, 109429}
_ABSENT = {80016, 109421}
_TAKEN_EARLIER = {101481, 109201}
_UNCLEAR = {80012, 80019, 100500, 100503, 101500, 109423, 109500, 109701, 110500}
_CLOCK = 100421
_REFUSED = (
    {80001, 80013, 80014, 80017, 80018, 80020, 100400, 100404, 100490, 109400, 109403, 109414, 109417}
    | {101201, 101202, 101204, 101205, 101206, 101209, 101211, 101212, 101214, 101215, 101219, 101222}
    | {101253, 101290, 101400, 101412, 101413, 101414, 101415, 101419, 101424, 101429, 101460, 101461}
    | {101485, 101514, 101515, 104103, 104424, 109401, 109418, 109420, 109422, 109425, 110203, 110206}
    | {110280, 110284, 110287, 110402, 110406, 110407, 110411, 110412, 110413, 110414, 110422, 110424}
    | {110425, 112414}
)
_PARAMETER = re.compile(r"[^&=?#\r\n]*")


def signed_query(parameters: Mapping[str, str], secret: str) -> str:
    """The query string of a signed call: the signature covers raw values, the wire carries quoted ones."""
    for name, value in parameters.items():
        if not _PARAMETER.fullmatch(value):
            raise ValueError(f"parameter {name} may not contain any of & = ? # or a line break")
    pairs = sorted(parameters.items())
    signature = sign(secret, "&".join(f"{name}={value}" for name, value in pairs))
    wire = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs)
    return f"{wire}&signature={signature}"


def sign(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def order_parameters(order: Order) -> dict[str, str]:
    """In hedge mode, the default of BingX accounts, the entry opens its own side."""
    # Numbers inside the JSON are numbers, and json.dumps would write small ones with an exponent.
    stop = f'{{"type":"STOP_MARKET","stopPrice":{money.plain(order.stop)},"workingType":"MARK_PRICE"}}'
    return {
        "symbol": order.symbol,
        "side": order.side.value,
        "positionSide": "LONG" if order.side is Side.BUY else "SHORT",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": money.plain(order.quantity),
        "price": money.plain(order.price),
        "clientOrderId": order.client_id,
        "stopLoss": stop,
    }


def answer(status: int, body: bytes) -> Any:
    """The data of a good answer; raises what any other means. Below 500 the JSON decides, if there is any."""
    if status >= 500:
        raise OutcomeUnknown(f"HTTP {status}")
    try:
        told = json.loads(body, parse_float=Decimal)
        code, text = int(told["code"]), str(told.get("msg", ""))
    except (ValueError, TypeError, KeyError):
        raise _no_json(status) from None
    if code:
        raise _meaning(code, text)
    return told.get("data")


def _no_json(status: int) -> Exception:
    if status in (418, 429):
        return RateLimited(f"HTTP {status}: too many requests")
    if status in (400, 401, 403, 404):
        return TryAgain(f"HTTP {status} without JSON: stopped before it reached the exchange")
    return OutcomeUnknown(f"HTTP {status} without JSON")


def _meaning(code: int, text: str) -> Exception:
    told = f"{code}: {text[:200]}"
    plain = text.lower()
    if code in _STOP:
        return StopTrading(told)
    if code == _CLOCK:
        return ClockSkew(told)
    if code in _RATE:
        return RateLimited(told)
    if code in _ABSENT or (code in (109400, 109414) and "order not exist" in plain):
        return Absent(told)
    if code in _TAKEN_EARLIER or (code == 101400 and "clientorderid" in plain):
        return OutcomeUnknown(f"{told} (an earlier request with this id was taken)")
    if code in _REFUSED or (code == 80012 and "101253" in text):
        return Refused(told)
    return OutcomeUnknown(told if code in _UNCLEAR else f"{told} (a code that this version does not know)")


def number(value: object) -> Decimal:
    result = Decimal(str(value))
    if not result.is_finite():
        raise ValueError(f"{value!r} is no finite number")
    return result


def contracts(data: Iterable[Mapping[str, Any]]) -> dict[str, Contract]:
    return {each["symbol"]: _contract(each) for each in data}


def _contract(told: Mapping[str, Any]) -> Contract:
    return Contract(
        symbol=told["symbol"],
        quantity_step=Decimal(1).scaleb(-int(told["quantityPrecision"])),
        price_tick=Decimal(1).scaleb(-int(told["pricePrecision"])),
        min_quantity=number(told["tradeMinQuantity"]),
        min_notional=number(told["tradeMinUSDT"]),
        online=told["status"] == 1 and str(told.get("apiStateOpen", "true")).lower() == "true",
    )


def prices(data: Iterable[Mapping[str, Any]]) -> dict[str, Decimal]:
    return {each["symbol"]: number(each["price"]) for each in data}


_EVENTS = {
    "NEW": Event.ACCEPTED,
    "PENDING": Event.ACCEPTED,
    "PARTIALLY_FILLED": Event.ACCEPTED,
    "RUNNING": Event.ACCEPTED,
    "FILLED": Event.FILLED,
    "CANCELED": Event.CANCELLED,
    "CANCELLED": Event.CANCELLED,
    "EXPIRED": Event.CANCELLED,
    "FAILED": Event.REJECTED,
}


def report(data: Mapping[str, Any], client_id: str) -> Report:
    """An order as the exchange tells it; the answer to a placement may lack the status and fills."""
    told = data["order"]
    given = str(told.get("clientOrderId") or told.get("clientOrderID") or "").lower()
    if given and given != client_id:
        raise ValueError(f"asked about {client_id}, got {given!r}")
    average = number(told.get("avgPrice") or 0)
    status = str(told.get("status") or "NEW").upper()
    return Report(
        client_id=client_id,
        event=_EVENTS[status],
        reason="the exchange says FAILED" if status == "FAILED" else None,
        exchange_id=str(told.get("orderID") or told["orderId"]),
        filled_quantity=number(told.get("executedQty") or 0),
        average_price=average if average > 0 else None,
    )
