"""Contracts and their prices, which take a seeded random walk or follow a file."""

import json
import random
import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bot.simulator.errors import unknown_symbol

STEP = 0.0002  # one standard deviation of a price's move in a second
EIGHT_HOURS = 8 * 3600 * 1000  # milliseconds between two fundings


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    symbol: str
    price: Decimal
    price_precision: int
    quantity_precision: int
    min_quantity: Decimal
    min_usdt: Decimal = Decimal(2)
    max_leverage: int = 125

    @property
    def tick(self) -> Decimal:
        return Decimal(1).scaleb(-self.price_precision)

    @property
    def step(self) -> Decimal:
        return Decimal(1).scaleb(-self.quantity_precision)


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
        ("LTC-USDT", "83.53", 2, 1, "0.1"),
        ("SHIB-USDT", "0.00000810", 8, 0, "1000"),
    )
)


class Market:
    """`volatility` 0 keeps every price where it is put."""

    def __init__(self, *, seed: int = 1, volatility: float = STEP) -> None:
        self.contracts = {contract.symbol: contract for contract in CONTRACTS}
        self.prices = {contract.symbol: contract.price for contract in CONTRACTS}
        self.marks: dict[str, Decimal] = {}  # where the mark price is held away from the last price
        self.funding_rate = Decimal("0.00010000")
        self.replay: deque[Mapping[str, Decimal]] = deque()
        self.volatility = volatility
        self._random = random.Random(seed)

    def contract(self, symbol: str) -> Contract:
        if symbol not in self.contracts:
            raise unknown_symbol(symbol)
        return self.contracts[symbol]

    def mark(self, symbol: str) -> Decimal:
        return self.marks.get(symbol, self.prices[symbol])

    def set(self, symbol: str, price: Decimal) -> None:
        contract = self.contracts[symbol]
        self.prices[symbol] = max(price.quantize(contract.tick), contract.tick)

    def step(self) -> None:
        if self.replay:
            for symbol, price in self.replay.popleft().items():
                self.set(symbol, price)
            return
        if not self.volatility:
            return
        for symbol, price in self.prices.items():
            move = Decimal(str(round(self._random.gauss(0, self.volatility), 8)))
            self.set(symbol, price * (1 + move))


def plain(told: str) -> Decimal:
    """A number as the exchange takes it: neither sign nor exponent."""
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,12})?", told):
        raise ValueError(f"{told!r} is no plain number")
    return Decimal(told)


def read_price(text: str) -> tuple[str, Decimal]:
    """`BTC-USDT=60000`, as the command line and the control port give it."""
    symbol, _, number = text.partition("=")
    if symbol not in {contract.symbol for contract in CONTRACTS}:
        raise ValueError(f"{symbol!r} is no symbol of the simulator")
    if not (price := plain(number)):
        raise ValueError("a price must be above zero")
    return symbol, price


def read_prices(told: object) -> dict[str, Decimal]:
    if not isinstance(told, Mapping) or not told:
        raise ValueError('send an object like {"BTC-USDT": "60000"}')
    return dict(read_price(f"{symbol}={price}") for symbol, price in told.items())


def read_replay(lines: Iterable[str]) -> list[Mapping[str, Decimal]]:
    """A JSON object of prices for each step; blank lines do not count."""
    steps: list[Mapping[str, Decimal]] = []
    for number, line in enumerate(lines, 1):
        try:
            if line.strip():
                steps.append(read_prices(json.loads(line)))
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
    return steps


def next_funding(now_ms: int) -> int:
    return (now_ms // EIGHT_HOURS + 1) * EIGHT_HOURS


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
        "tradeMinUSDT": int(contract.min_usdt),
        "maxLongLeverage": contract.max_leverage,
        "maxShortLeverage": contract.max_leverage,
        "currency": "USDT",
        "asset": contract.symbol.partition("-")[0],
        "status": 1,
        "apiStateOpen": "true",
        "apiStateClose": "true",
        "ensureTrigger": True,
        "triggerFeeRate": "0.00020000",
        "brokerState": "true",
        "launchTime": 1586275200000,
        "maintainTime": 0,
        "offTime": 0,
        "displayName": contract.symbol,
    }
