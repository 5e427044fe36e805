"""Reads an order out of the parameters of a call; refuses what needs no price to be refused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from bot.simulator.errors import BingXError, invalid
from bot.simulator.market import Contract, plain
from bot.simulator.order import LOSS_STOP, PRICES, PROFIT_STOP, STOPS, ZERO, Order, read_attached
from bot.simulator.switches import Switches

_HEDGE = "In the Hedge mode, the 'PositionSide' field can only be set to LONG or SHORT."
_ONE_WAY = "In the One-way mode, the 'PositionSide' field can only be set to BOTH."
_NO_REDUCE_ONLY = "In the Hedge mode, the 'ReduceOnly' field can not be filled."


def one_of(parameters: Mapping[str, str], name: str, allowed: tuple[str, ...], default: str = "") -> str:
    told = parameters.get(name, default)
    if told not in allowed:
        raise invalid(f"{name} must be one of {', '.join(allowed)}")
    return told


def client_id_of(parameters: Mapping[str, str]) -> str:
    return (parameters.get("clientOrderId") or parameters.get("clientOrderID") or "").lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    parameters: Mapping[str, str]
    contract: Contract
    hedge: bool
    switches: Switches

    def order(self, id_: int, now: int) -> Order:
        kind = one_of(self.parameters, "type", ("LIMIT", "MARKET", *STOPS))
        stop, whole = kind in STOPS, self._flag("closePosition")
        reduce_only = self._flag("reduceOnly")
        if reduce_only and self.hedge:
            raise BingXError(109400, _NO_REDUCE_ONLY)
        if whole and (not stop or reduce_only or "quantity" in self.parameters):
            raise invalid("closePosition goes with a stop, without quantity and reduceOnly")
        one_of(self.parameters, "timeInForce", ("GTC",), "GTC")
        return Order(
            id=id_,
            client_id=self._client_id(stop),
            symbol=self.contract.symbol,
            side=one_of(self.parameters, "side", ("BUY", "SELL")),
            position_side=self._position_side(),
            type=kind,
            quantity=ZERO if whole else self._quantity(),
            price=self._price("price") if kind == "LIMIT" else ZERO,
            stop_price=self._price("stopPrice") if stop else ZERO,
            reduce_only=reduce_only,
            close_position=whole,
            working_type=one_of(self.parameters, "workingType", PRICES, PRICES[0]),
            stop_loss=self._attached("stopLoss", LOSS_STOP, stop),
            take_profit=self._attached("takeProfit", PROFIT_STOP, stop),
            status="NEW" if stop else "PENDING",
            created=now,
            updated=now,
        )

    def _client_id(self, stop: bool) -> str:
        told = client_id_of(self.parameters)
        if not re.fullmatch(r"[a-z0-9]{0,40}", told):
            raise BingXError(109400, "clientOrderId must be 1 to 40 letters and digits")
        if told and stop and self.switches.stop_client_id == "refused":
            raise invalid("clientOrderId goes with LIMIT and MARKET alone")
        return "" if stop else told

    def _position_side(self) -> str:
        told = self.parameters.get("positionSide", "")
        if not self.hedge:
            if told not in ("", "BOTH"):
                raise BingXError(109400, _ONE_WAY)
            return "BOTH"
        if not told and self.switches.empty_side == "LONG":
            return "LONG"
        if told not in ("LONG", "SHORT"):
            raise BingXError(109400, _HEDGE)
        return told

    def _quantity(self) -> Decimal:
        quantity = self._number("quantity", self.contract.quantity_precision)
        if quantity < self.contract.min_quantity:
            base = self.contract.symbol.partition("-")[0]
            raise BingXError(101400, f"The minimum order amount is {self.contract.min_quantity} {base}.")
        return quantity

    def _price(self, name: str) -> Decimal:
        return self._number(name, self.contract.price_precision)

    def _number(self, name: str, precision: int) -> Decimal:
        told = self.parameters.get(name, "")
        try:
            number = plain(told)
        except ValueError:
            number = ZERO
        if not number:
            raise invalid(f"{name} must be a plain number above zero")
        if len(told.partition(".")[2].rstrip("0")) <= precision:
            return number
        if self.switches.beyond_precision == "truncate":
            return number.quantize(Decimal(1).scaleb(-precision), ROUND_DOWN)
        code = int(self.switches.beyond_precision)
        raise BingXError(code, f"Invalid parameters: {name} has more than {precision} decimals")

    def _attached(self, name: str, kind: str, stop: bool) -> str:
        told = self.parameters.get(name, "")
        if told and stop:
            raise invalid(f"{name} goes with LIMIT and MARKET alone")
        try:
            read = read_attached(told) if told else None
        except (ValueError, TypeError, KeyError, AttributeError):
            raise BingXError(109400, f"{name} must be a JSON object with type and stopPrice") from None
        if read and (read.type != kind or not read.stop_price or read.working_type not in PRICES):
            raise BingXError(109400, f"{name} wants type {kind} and a stopPrice above zero")
        return told

    def _flag(self, name: str) -> bool:
        return one_of(self.parameters, name, ("true", "false"), "false") == "true"
