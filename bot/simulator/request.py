"""Reads an order out of the parameters of a call; refuses what needs no price to be refused."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any

from bot.simulator.errors import BingXError
from bot.simulator.market import Contract
from bot.simulator.order import LOSS_STOPS, PROFIT_STOPS, TRIGGERS, ZERO, Order
from bot.simulator.switches import Switches

_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")
_TYPES = ("LIMIT", "MARKET", *LOSS_STOPS, *PROFIT_STOPS, *TRIGGERS)
_HEDGE = "In the Hedge mode, the 'PositionSide' field can only be set to LONG or SHORT."
_ONE_WAY = "In the One-way mode, the 'PositionSide' field can only be set to BOTH."
_NO_REDUCE_ONLY = "In the Hedge mode, the 'ReduceOnly' field can not be filled."


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an order is read under."""

    contract: Contract
    hedge: bool
    switches: Switches


def read_order(parameters: Mapping[str, str], terms: Terms, id_: int, now_ms: int) -> Order:
    kind = _one_of(parameters, "type", _TYPES)
    stop = kind not in ("LIMIT", "MARKET")
    whole = _flag(parameters, "closePosition")
    reduce_only = _flag(parameters, "reduceOnly")
    if reduce_only and terms.hedge:
        raise BingXError(109400, _NO_REDUCE_ONLY)
    if whole and (
        kind not in ("STOP_MARKET", "TAKE_PROFIT_MARKET") or reduce_only or "quantity" in parameters
    ):
        raise _invalid("closePosition goes with STOP_MARKET and TAKE_PROFIT_MARKET alone, without a quantity")
    return Order(
        id=id_,
        client_id=_client_id(parameters, stop, terms.switches),
        symbol=terms.contract.symbol,
        side=_one_of(parameters, "side", ("BUY", "SELL")),
        position_side=_position_side(parameters, terms),
        type=kind,
        quantity=ZERO if whole else _quantity(parameters, terms),
        price=ZERO if kind.endswith("MARKET") else _price(parameters, "price", terms),
        stop_price=_price(parameters, "stopPrice", terms) if stop else ZERO,
        time_in_force=_one_of(parameters, "timeInForce", ("GTC", "IOC", "FOK", "PostOnly"), "GTC"),
        reduce_only=reduce_only,
        close_position=whole,
        working_type=_one_of(parameters, "workingType", ("MARK_PRICE", "CONTRACT_PRICE"), "MARK_PRICE"),
        stop_loss=_attached(parameters, "stopLoss", LOSS_STOPS, stop),
        take_profit=_attached(parameters, "takeProfit", PROFIT_STOPS, stop),
        status="NEW" if stop else "PENDING",
        executed=ZERO,
        average=ZERO,
        created=now_ms,
        updated=now_ms,
    )


def client_id_of(parameters: Mapping[str, str]) -> str:
    return (parameters.get("clientOrderId") or parameters.get("clientOrderID") or "").lower()


def attached_prices(told: str) -> tuple[str, Decimal, Decimal]:
    """Type, stop price and limit price of a stop that came with an order."""
    read = json.loads(told, parse_float=_plain, parse_int=_plain)
    return read["type"], read["stopPrice"], read.get("price", ZERO)


def _invalid(what: str) -> BingXError:
    return BingXError(109400, f"Invalid parameters: {what}")


def _client_id(parameters: Mapping[str, str], stop: bool, switches: Switches) -> str:
    told = client_id_of(parameters)
    if not re.fullmatch(r"[a-z0-9]{0,40}", told):
        raise BingXError(109400, "clientOrderId must be 1 to 40 letters and digits")
    if told and stop and switches.stop_client_id == "refused":
        raise _invalid("clientOrderId goes with LIMIT and MARKET alone")
    return "" if stop else told


def _position_side(parameters: Mapping[str, str], terms: Terms) -> str:
    told = parameters.get("positionSide", "")
    if not terms.hedge:
        if told not in ("", "BOTH"):
            raise BingXError(109400, _ONE_WAY)
        return "BOTH"
    if not told and terms.switches.empty_side == "LONG":
        return "LONG"
    if told not in ("LONG", "SHORT"):
        raise BingXError(109400, _HEDGE)
    return told


def _quantity(parameters: Mapping[str, str], terms: Terms) -> Decimal:
    contract = terms.contract
    quantity = _number(parameters, "quantity", contract.quantity_precision, terms.switches)
    if quantity < contract.min_quantity:
        base = contract.symbol.partition("-")[0]
        raise BingXError(101400, f"The minimum order amount is {contract.min_quantity} {base}.")
    return quantity


def _price(parameters: Mapping[str, str], name: str, terms: Terms) -> Decimal:
    return _number(parameters, name, terms.contract.price_precision, terms.switches)


def _number(parameters: Mapping[str, str], name: str, precision: int, switches: Switches) -> Decimal:
    told = parameters.get(name, "")
    if not _NUMBER.fullmatch(told) or not Decimal(told):
        raise _invalid(f"{name} must be a plain number above zero")
    if len(told.partition(".")[2].rstrip("0")) <= precision:
        return Decimal(told)
    if switches.beyond_precision != "truncate":
        text = f"Invalid parameters: {name} has more than {precision} decimals"
        raise BingXError(int(switches.beyond_precision), text)
    return Decimal(told).quantize(Decimal(1).scaleb(-precision), ROUND_DOWN)


def _attached(parameters: Mapping[str, str], name: str, kinds: tuple[str, ...], stop: bool) -> str:
    told = parameters.get(name, "")
    if not told:
        return ""
    if stop:
        raise _invalid(f"{name} goes with LIMIT and MARKET alone")
    try:
        kind, at, price = attached_prices(told)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise BingXError(109400, f"{name} must be a JSON object with type and stopPrice") from None
    numbers = isinstance(at, Decimal) and isinstance(price, Decimal)
    if kind not in kinds or not numbers or at <= 0 or (price <= 0 and not kind.endswith("MARKET")):
        raise BingXError(109400, f"{name} wants type {' or '.join(kinds)} and a stopPrice above zero")
    return told


def _plain(number: str) -> Decimal:
    if not _NUMBER.fullmatch(number):
        raise ValueError(f"{number} is no plain number")
    return Decimal(number)


def _flag(parameters: Mapping[str, str], name: str) -> bool:
    return _one_of(parameters, name, ("true", "false"), "false") == "true"


def _one_of(parameters: Mapping[str, str], name: str, allowed: tuple[Any, ...], default: str = "") -> str:
    value = parameters.get(name, default)
    if value not in allowed:
        raise _invalid(f"{name} must be one of {', '.join(allowed)}")
    return value
