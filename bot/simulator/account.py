"""The account: its money, its positions in hedge or one-way mode, and a record of all that it earned."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from bot.simulator.journal import as_line
from bot.simulator.market import Market
from bot.simulator.order import ZERO, Order

TAKER, MAKER = Decimal("0.0005"), Decimal("0.0002")
MAINTENANCE = Decimal("0.004")  # share of a position's value below which its margin may not fall
PLAY_MONEY = Decimal(10_000_000)
LEVERAGE = 20  # until it is set
REMEMBERED = 300_000  # milliseconds for which it is known what a position was before
_NOTES = {"FUNDING_FEE": "Funding Fee", "REALIZED_PNL": "Realized PNL", "TRADING_FEE": "Position Fee"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    id: int
    symbol: str
    side: str  # LONG or SHORT, in one-way mode too
    quantity: Decimal = ZERO
    entry: Decimal = ZERO
    realised: Decimal = ZERO
    updated: int

    @property
    def sign(self) -> int:
        return 1 if self.side == "LONG" else -1

    def profit_at(self, price: Decimal) -> Decimal:
        return (price - self.entry) * self.quantity * self.sign


class Account:
    def __init__(self, market: Market, balance: Decimal = PLAY_MONEY) -> None:
        self.market = market
        self.balance = balance
        self.hedge = True
        self.leverages: dict[str, int] = {}  # by symbol and side, like BTC-USDT LONG
        self.isolated: dict[str, bool] = {}
        self.positions: dict[str, Position] = {}
        self._past: dict[str, deque[Position]] = {}  # what each position was, and at last is
        self.income: list[dict[str, Any]] = []

    def position(self, symbol: str, side: str) -> Position | None:
        return self.positions.get(f"{symbol} {side}")

    def positions_at(self, moment: float) -> list[Position]:
        """The positions as they were then, for an exchange that shows changes late."""
        past = ([each for each in states if each.updated <= moment] for states in self._past.values())
        return [states[-1] for states in past if states and states[-1].quantity]

    def leverage(self, symbol: str, side: str) -> int:
        return self.leverages.get(f"{symbol} {side}", LEVERAGE)

    def against(self, order: Order) -> Position | None:
        """The position that the order makes smaller, if there is one."""
        side = "SHORT" if order.direction == "LONG" else "LONG"
        return self.position(order.symbol, side) if order.position_side in ("BOTH", side) else None

    def trade(
        self, order: Order, quantity: Decimal, price: Decimal, maker: bool, now: int
    ) -> tuple[Decimal, Decimal]:
        """Book a fill; returns its profit and its commission, which is negative."""
        number = f"{now}{len(self.income)}"
        commission = -(quantity * price * (MAKER if maker else TAKER))
        against, profit, fee = self.against(order), ZERO, commission
        if against:
            closing = min(quantity, against.quantity)
            profit, fee = (price - against.entry) * closing * against.sign, ZERO
            realised = against.realised + profit + commission
            left = against.quantity - closing
            self._keep(replace(against, quantity=left, realised=realised, updated=now))
            self.earn(order.symbol, "REALIZED_PNL", profit, now, number)
            quantity -= closing
        if quantity:
            self._enlarge(order, quantity, price, now, fee)
        self.earn(order.symbol, "TRADING_FEE", commission, now, number)
        return profit, commission

    def earn(self, symbol: str, kind: str, amount: Decimal, now: int, number: str = "") -> None:
        self.balance += amount
        number = number or f"{now}{len(self.income)}"
        line = {
            "symbol": symbol,
            "incomeType": kind,
            "income": f"{amount:.8f}",
            "asset": "USDT",
            "info": _NOTES.get(kind, kind),
            "time": now,
            "tranId": f"{number}{len(self.income)}",
            "tradeId": number,
        }
        self.income.append(line)

    def pay_funding(self, now: int) -> None:
        """Longs pay shorts while the rate is above zero."""
        for position in list(self.positions.values()):
            value = position.quantity * self.market.mark(position.symbol)
            fee = -value * self.market.funding_rate * position.sign
            self._keep(replace(position, realised=position.realised + fee))
            self.earn(position.symbol, "FUNDING_FEE", fee, now)

    def margin(self, position: Position) -> Decimal:
        return position.entry * position.quantity / self.leverage(position.symbol, position.side)

    def used_margin(self) -> Decimal:
        return sum(map(self.margin, self.positions.values()), ZERO)

    def unrealised(self) -> Decimal:
        return sum((each.profit_at(self.market.mark(each.symbol)) for each in self.positions.values()), ZERO)

    def liquidation_price(self, position: Position) -> Decimal:
        """Where the position's margin has shrunk to the maintenance margin; zero when no price gets there."""
        margin = self.margin(position)
        if not self.isolated.get(position.symbol, False):
            margin += self.balance - self.used_margin()
        worth = position.entry * position.quantity - margin * position.sign
        price = worth / (position.quantity * (1 - MAINTENANCE * position.sign))
        return max(price, ZERO).quantize(self.market.contracts[position.symbol].tick)

    def kept(self) -> dict[str, Any]:
        """What the journal needs, beside the income, to bring the account back to where it is."""
        return {
            "balance": self.balance,
            "hedge": self.hedge,
            "leverages": self.leverages,
            "isolated": self.isolated,
            "positions": [as_line(position) for position in self.positions.values()],
        }

    def restore(self, kept: Mapping[str, Any], changed: Iterable[Mapping[str, Any]] = ()) -> None:
        """`changed` are the positions of a journal that named those alone that were not as before."""
        self.balance, self.hedge = Decimal(kept["balance"]), kept["hedge"]
        self.leverages, self.isolated = kept["leverages"], kept["isolated"]
        self._past.clear()
        if "positions" in kept:
            self.positions.clear()
        for told in kept.get("positions", changed):
            numbers = {name: Decimal(told[name]) for name in ("quantity", "entry", "realised")}
            self._keep(Position(**told | numbers))

    def _enlarge(self, order: Order, quantity: Decimal, price: Decimal, now: int, fee: Decimal) -> None:
        side = order.direction
        new = Position(id=order.id, symbol=order.symbol, side=side, updated=now)
        before = self.position(order.symbol, side) or new
        total = before.quantity + quantity
        entry = (before.entry * before.quantity + price * quantity) / total
        realised = before.realised + fee
        self._keep(replace(before, quantity=total, entry=entry, realised=realised, updated=now))

    def _keep(self, position: Position) -> None:
        key = f"{position.symbol} {position.side}"
        if position.quantity:
            self.positions[key] = position
        else:
            self.positions.pop(key, None)
        past = self._past.setdefault(key, deque())
        past.append(position)
        while len(past) > 1 and past[1].updated <= position.updated - REMEMBERED:
            past.popleft()


def position_json(account: Account, position: Position, signed: bool = False) -> dict[str, Any]:
    """`signed` is the reading of one-way mode in which the side is BOTH and a short has a minus."""
    mark = account.market.mark(position.symbol)
    profit, initial = position.profit_at(mark), account.margin(position)
    value, equity = mark * position.quantity, account.balance + account.unrealised()
    amount = f"{position.quantity * (position.sign if signed else 1):f}"
    liquidation = account.liquidation_price(position)
    tick = account.market.contracts[position.symbol].tick
    return {
        "positionId": str(position.id),
        "symbol": position.symbol,
        "currency": "USDT",
        "positionAmt": amount,
        "availableAmt": amount,
        "positionSide": "BOTH" if signed else position.side,
        "isolated": account.isolated.get(position.symbol, False),
        "avgPrice": f"{position.entry.quantize(tick):f}",
        "initialMargin": f"{initial:.4f}",
        "margin": f"{initial + profit:.4f}",
        "leverage": account.leverage(position.symbol, position.side),
        "unrealizedProfit": f"{profit:.4f}",
        "realisedProfit": f"{position.realised:.4f}",
        "liquidationPrice": float(liquidation) if liquidation else 0,
        "pnlRatio": f"{profit / initial:.4f}",
        "maxMarginReduction": "0.0000",
        "riskRate": f"{value * MAINTENANCE / max(equity, value * MAINTENANCE):.4f}",
        "markPrice": f"{mark.quantize(tick):f}",
        "positionValue": f"{value:.4f}",
        "onlyOnePosition": not account.hedge,
        "updateTime": position.updated,
    }


def balance_json(account: Account, frozen: Decimal, asset: str) -> dict[str, Any]:
    unrealised, used = account.unrealised(), account.used_margin()
    available = max(account.balance + unrealised - used - frozen, ZERO)
    realised = sum((each.realised for each in account.positions.values()), ZERO)
    return {
        "asset": asset,
        "balance": f"{account.balance:.4f}",
        "equity": f"{account.balance + unrealised:.4f}",
        "unrealizedProfit": f"{unrealised:.4f}",
        "realisedProfit": f"{realised:.4f}" if realised else "0",
        "availableMargin": f"{available:.4f}",
        "usedMargin": f"{used:.4f}",
        "freezedMargin": f"{frozen:.4f}",
    }
