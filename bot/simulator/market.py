"""Contracts and their prices, which take a seeded random walk."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

STEP = 0.0002  # one standard deviation of a price's move in a second


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    symbol: str
    price: Decimal
    price_precision: int
    quantity_precision: int
    min_quantity: Decimal
    min_usdt: Decimal = Decimal(2)

    @property
    def tick(self) -> Decimal:
        return Decimal(1).scaleb(-self.price_precision)


CONTRACTS = tuple(
    Contract(
        symbol=symbol,
        price=Decimal(price),
        price_precision=price_precision,
        quantity_precision=quantity_precision,
        min_quantity=Decimal(least),
    )
    for symbol, price, price_precision, quantity_precision, least in (
        ("BTC-USDT", "60000.0", 1, 4, "0.0001"),
        ("ETH-USDT", "3000.00", 2, 2, "0.01"),
        ("SOL-USDT", "150.000", 3, 2, "0.01"),
        ("1000PEPE-USDT", "0.0080000", 7, 0, "100"),
    )
)


class Market:
    """`volatility` 0 keeps every price where it is put."""

    def __init__(self, *, seed: int = 1, volatility: float = STEP) -> None:
        self.contracts = {contract.symbol: contract for contract in CONTRACTS}
        self.prices = {contract.symbol: contract.price for contract in CONTRACTS}
        self._random = random.Random(seed)
        self._volatility = volatility

    def set(self, symbol: str, price: Decimal) -> None:
        contract = self.contracts[symbol]
        self.prices[symbol] = max(price.quantize(contract.tick), contract.tick)

    def step(self) -> None:
        for symbol, price in self.prices.items():
            move = Decimal(str(round(self._random.gauss(0, self._volatility), 8)))
            self.set(symbol, price * (1 + move))


def read_price(text: str) -> tuple[str, Decimal]:
    """`BTC-USDT=60000`, as the command line and the control port give it."""
    symbol, _, number = text.partition("=")
    if symbol not in {contract.symbol for contract in CONTRACTS}:
        raise ValueError(f"{symbol!r} is no symbol of the simulator")
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", number) or not Decimal(number):
        raise ValueError(f"{number!r} is no price")
    return symbol, Decimal(number)


def contract_json(contract: Contract) -> Mapping[str, Any]:
    return {
        "contractId": "100",
        "symbol": contract.symbol,
        "size": "0",
        "quantityPrecision": contract.quantity_precision,
        "pricePrecision": contract.price_precision,
        "feeRate": 0.0005,
        "makerFeeRate": 0.0002,
        "takerFeeRate": 0.0005,
        "tradeMinLimit": 0,
        "tradeMinQuantity": float(contract.min_quantity),
        "tradeMinUSDT": float(contract.min_usdt),
        "maxLongLeverage": 125,
        "maxShortLeverage": 125,
        "currency": "USDT",
        "asset": contract.symbol.partition("-")[0],
        "status": 1,
        "apiStateOpen": "true",
        "apiStateClose": "true",
        "ensureTrigger": True,
        "triggerFeeRate": "0.00020000",
        "brokerState": True,
        "launchTime": 1586275200000,
        "maintainTime": 0,
        "offTime": 0,
        "displayName": contract.symbol,
    }
