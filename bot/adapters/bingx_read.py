"""BingX's JSON becomes domain values; what cannot be read raises one of UNREADABLE."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from bot.domain.account import (
    Balance,
    ExchangeOrder,
    Income,
    Leverage,
    MarginType,
    Position,
    PositionSide,
)
from bot.domain.order import Event, Report
from bot.domain.plan import Contract
from bot.domain.signal import Side

T = TypeVar("T")
Told = Mapping[str, Any]
UNREADABLE = (ArithmeticError, AttributeError, KeyError, OverflowError, TypeError, ValueError)
_LARGEST_EXPONENT = 30


def number(value: object) -> Decimal:
    result = Decimal(str(value))
    if not result.is_finite() or abs(result.adjusted()) > _LARGEST_EXPONENT:
        raise ValueError(f"{value!r} is no number that an exchange would tell")
    return result


def amount(value: object) -> Decimal:
    """Missing, None and the empty text are 0."""
    return number(value or 0)


def above_zero(value: object) -> Decimal | None:
    """The exchange writes 0 for prices that there are not."""
    result = amount(value)
    return result if result > 0 else None


def _moment(milliseconds: object) -> datetime:
    return datetime.fromtimestamp(int(str(milliseconds)) / 1000, UTC)


def _flag(value: object) -> bool:
    return str(value).lower() == "true"


def server_seconds(data: Told) -> float:
    return int(data["serverTime"]) / 1000


def contracts(data: Iterable[Told]) -> dict[str, Contract]:
    return _by_symbol(data, _contract)


def prices(data: Iterable[Told]) -> dict[str, Decimal]:
    return _by_symbol(data, lambda told: number(told["price"]))


def _by_symbol(data: Iterable[Told], read: Callable[[Told], T]) -> dict[str, T]:
    """One symbol of hundreds that cannot be read, before its launch perhaps, is as good as not there."""
    found, failed = {}, None
    for told in data:
        try:
            found[str(told["symbol"])] = read(told)
        except UNREADABLE as error:
            failed = error
    if failed and not found:
        raise failed
    return found


def _contract(told: Told) -> Contract:
    return Contract(
        symbol=told["symbol"],
        quantity_step=Decimal(1).scaleb(-int(told["quantityPrecision"])),
        price_tick=Decimal(1).scaleb(-int(told["pricePrecision"])),
        min_quantity=number(told["tradeMinQuantity"]),
        min_notional=number(told["tradeMinUSDT"]),
        max_leverage=min(int(told.get("maxLongLeverage") or 1), int(told.get("maxShortLeverage") or 1)),
        online=told["status"] == 1 and _flag(told.get("apiStateOpen", "true")),
    )


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


def report(data: Told, client_id: str = "") -> Report:
    """An order as the exchange tells it; the answer to a placement may lack the status and fills."""
    told = data["order"]
    given = _client_id(told)
    if given and client_id and given != client_id:
        raise ValueError(f"asked about {client_id}, got {given!r}")
    status = str(told.get("status") or "NEW").upper()
    return Report(
        client_id=client_id or given,
        event=_EVENTS[status],
        reason=f"the exchange says {status}" if _EVENTS[status] is Event.REJECTED else None,
        exchange_id=_exchange_id(told),
        filled_quantity=amount(told.get("executedQty")),
        average_price=above_zero(told.get("avgPrice")),
    )


def _client_id(told: Told) -> str:
    return str(told.get("clientOrderId") or told.get("clientOrderID") or "").lower()


def _exchange_id(told: Told) -> str:
    return str(told.get("orderID") or told["orderId"])


def orders(data: Told) -> list[ExchangeOrder]:
    return [_order(told) for told in data["orders"] or ()]


def _order(told: Told) -> ExchangeOrder:
    status = str(told["status"]).upper()
    return ExchangeOrder(
        exchange_id=_exchange_id(told),
        client_id=_client_id(told),
        symbol=told["symbol"],
        side=Side(told["side"]),
        position_side=PositionSide(told.get("positionSide") or "BOTH"),
        type=told["type"],
        status=status,
        event=_EVENTS.get(status),
        quantity=amount(told["origQty"]),
        filled_quantity=amount(told["executedQty"]),
        price=above_zero(told.get("price")),
        average_price=above_zero(told.get("avgPrice")),
        trigger=above_zero(told.get("stopPrice")),
        stop=_attached(told.get("stopLoss")),
        target=_attached(told.get("takeProfit")),
        closes_position=_flag(told.get("closePosition")),
        reduces_only=_flag(told.get("reduceOnly")),
        profit=amount(told.get("profit")),
        commission=amount(told.get("commission")),
        created_at=_moment(told["time"]),
        updated_at=_moment(told["updateTime"]),
    )


def _attached(told: Any) -> Decimal | None:
    """An object in lists, and a text that holds one in the answer to a placement."""
    if isinstance(told, str):
        told = json.loads(told, parse_float=Decimal) if told else {}
    return above_zero((told or {}).get("stopPrice"))


def not_cancelled(data: Told) -> list[str]:
    return [str(told["orderId"]) for told in data["failed"] or ()]


def balances(data: Iterable[Told]) -> list[Balance]:
    return [
        Balance(
            uid=str(told.get("userId") or ""),
            asset=told["asset"],
            balance=number(told["balance"]),
            equity=number(told["equity"]),
            unrealised=number(told["unrealizedProfit"]),
            available=number(told["availableMargin"]),
            used=number(told["usedMargin"]),
        )
        for told in data
    ]


def positions(data: Iterable[Told] | None) -> list[Position]:
    return [_position(told) for told in data or () if number(told["positionAmt"])]


def _position(told: Told) -> Position:
    return Position(
        id=str(told["positionId"]),
        symbol=told["symbol"],
        position_side=PositionSide(told["positionSide"]),
        is_long=_is_long(told),
        quantity=abs(number(told["positionAmt"])),
        entry_price=number(told["avgPrice"]),
        mark_price=above_zero(told.get("markPrice")),
        liquidation_price=above_zero(told.get("liquidationPrice")),
        leverage=int(told["leverage"]),
        isolated=_flag(told["isolated"]),
        margin=amount(told.get("margin")),
        unrealised=amount(told.get("unrealizedProfit")),
        realised=amount(told.get("realisedProfit")),
    )


def _is_long(told: Told) -> bool:
    """In one-way mode the side may be BOTH, the amount without a sign: then liquidation and profit tell."""
    side = PositionSide(told["positionSide"])
    if side is not PositionSide.BOTH:
        return side is PositionSide.LONG
    if number(told["positionAmt"]) < 0:
        return False
    entry, liquidation = number(told["avgPrice"]), above_zero(told.get("liquidationPrice"))
    if liquidation is not None:
        return liquidation < entry
    won = amount(told.get("unrealizedProfit")) * (amount(told.get("markPrice")) - entry)
    # Without a trace of either the amount counts as signed. Were that wrong, reduceOnly stops what follows.
    return won >= 0


def incomes(data: Iterable[Told] | None) -> list[Income]:
    return [
        Income(
            kind=told["incomeType"],
            amount=number(told["income"]),
            asset=told["asset"],
            symbol=str(told.get("symbol") or ""),
            at=_moment(told["time"]),
            id=str(told.get("tranId") or ""),
            trade_id=str(told.get("tradeId") or ""),
        )
        for told in data or ()
    ]


def leverage(data: Told) -> Leverage:
    return Leverage(
        long=int(data["longLeverage"]),
        short=int(data["shortLeverage"]),
        max_long=int(data["maxLongLeverage"]),
        max_short=int(data["maxShortLeverage"]),
    )


def margin_type(data: Told) -> MarginType:
    return MarginType(data["marginType"])


def is_hedged(data: Told) -> bool:
    """Told as a text, and as a truth value by newer documents."""
    return {"true": True, "false": False}[str(data["dualSidePosition"]).lower()]
