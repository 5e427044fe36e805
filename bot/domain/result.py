"""What a closed position brought: the income while it was open, checked against its orders; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bot.domain.account import ExchangeOrder, Income
from bot.domain.order import Order
from bot.domain.protection import is_against

ZERO = Decimal(0)
ROUNDED = Decimal("0.01")  # orders tell fewer digits than the income


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """In USDT; what was paid is negative."""

    realised: Decimal
    fees: Decimal
    funding: Decimal
    average: Decimal | None  # price at which it was closed
    doubt: str = ""  # why it may not be all

    @property
    def total(self) -> Decimal:
        return self.realised + self.fees + self.funding


def result_of(
    trades: Sequence[Order], history: Sequence[ExchangeOrder], income: Iterable[Income], ended: datetime
) -> Result:
    """Income knows no side: where both were traded, profit and fees are those that the orders tell."""
    symbol, is_long = trades[0].key
    names = {trade.client_id for trade in trades}
    entries = [order for order in history if order.client_id in names]
    # By the exchange's own clock, if it tells.
    began = min((order.created_at for order in entries), default=_created(trades, ended))
    filled = [order for order in history if order.filled_quantity and began <= order.updated_at <= ended]
    closing = [order for order in filled if is_against(order, symbol, is_long)]
    mine = {order.exchange_id: order for order in (*entries, *closing)}
    profit = sum((order.profit for order in mine.values()), ZERO)
    fees = sum((order.commission for order in mine.values()), ZERO)
    average = _average(closing)
    rows = [row for row in income if row.symbol == symbol and began <= row.at <= ended and row.is_result]
    paid = _sum(row for row in rows if row.kind == "TRADING_FEE")
    funding = _sum(row for row in rows if row.kind == "FUNDING_FEE")
    if any(order.exchange_id not in mine for order in filled):
        doubt = f"others traded {symbol}, too: profit and fees are its orders', the funding is all of it"
        return Result(realised=profit, fees=fees, funding=funding, average=average, doubt=doubt)
    realised = _sum(rows) - paid - funding
    apart = abs(realised - profit) > ROUNDED or abs(paid - fees) > ROUNDED
    doubt = "the exchange's income and its orders do not agree" if apart else ""
    return Result(realised=realised, fees=paid, funding=funding, average=average, doubt=doubt)


def _created(trades: Sequence[Order], otherwise: datetime) -> datetime:
    return min((trade.created_at for trade in trades if trade.created_at), default=otherwise)


def _average(orders: Sequence[ExchangeOrder]) -> Decimal | None:
    priced = [(each.average_price, each.filled_quantity) for each in orders if each.average_price]
    quantity = sum((quantity for _, quantity in priced), ZERO)
    return sum((price * each for price, each in priced), ZERO) / quantity if quantity else None


def _sum(rows: Iterable[Income]) -> Decimal:
    return sum((row.amount for row in rows), ZERO)
