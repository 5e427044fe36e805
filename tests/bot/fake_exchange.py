"""An exchange that takes orders and holds no positions; the simulator plays the rest."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from bot.domain.account import (
    Balance,
    ExchangeOrder,
    Income,
    Leverage,
    MarginType,
    NewOrder,
    Position,
    PositionSide,
)
from bot.domain.order import Event, Order, Report
from bot.domain.plan import Contract
from bot.domain.signal import Side
from bot.ports import Halted

BTC = Contract(
    symbol="BTC-USDT",
    quantity_step=Decimal("0.0001"),
    price_tick=Decimal("0.1"),
    min_quantity=Decimal("0.0001"),
    min_notional=Decimal(2),
    online=True,
)


NO_POSITIONS = "this exchange holds no positions: let the simulator play what protects or ends one"


@dataclass(slots=True, kw_only=True)
class FakeExchange:
    """Takes every order; `lose` then forgets to answer, `fail` refuses before taking it. Holds no positions.

    Whatever has to do with positions and stops is played by the simulator instead.
    """

    orders: dict[str, Report] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    fail: Exception | None = None
    lose: Exception | None = None
    mute: Exception | None = None
    terms: Exception | None = None
    takes: Event = Event.FILLED
    answers: asyncio.Event | None = None  # until it is set no order is answered
    halts: str = ""  # why no entry should be made
    leverages: dict[str, int] = field(default_factory=dict)

    async def contracts(self) -> Mapping[str, Contract]:
        return {"BTC-USDT": BTC}

    async def prices(self) -> Mapping[str, Decimal]:
        return {"BTC-USDT": Decimal(60000)}

    async def clock_offset(self) -> float:
        return 0.0

    async def place(self, order: Order, gate: Callable[[], str]) -> Report:
        if closed := gate():
            raise Halted(closed)
        self.sent.append(order.client_id)
        if self.answers:
            await self.answers.wait()
        if self.fail:
            raise self.fail
        report = Report(
            client_id=order.client_id, event=self.takes, exchange_id="1", filled_quantity=Decimal(0)
        )
        self.orders[order.client_id] = report
        if self.lose:
            raise self.lose
        return report

    async def find(self, symbol: str, client_id: str) -> Report | None:
        if self.mute:
            raise self.mute
        return self.orders.get(client_id)

    async def balances(self) -> Sequence[Balance]:
        return []

    async def positions(self) -> Sequence[Position]:
        return []

    async def open_orders(self, symbol: str | None = None) -> Sequence[ExchangeOrder]:
        return []

    async def history(self, symbol: str, since: datetime, until: datetime) -> Sequence[ExchangeOrder]:
        if self.mute:
            raise self.mute
        return [_listed(symbol, report, since) for report in self.orders.values()]

    async def income(self, since: datetime, until: datetime) -> Sequence[Income]:
        return []

    async def submit(self, order: NewOrder, gate: Callable[[], str]) -> Report:
        raise AssertionError(NO_POSITIONS)

    async def cancel(self, symbol: str, *, client_id: str = "", exchange_id: str = "") -> Report | None:
        raise AssertionError(NO_POSITIONS)

    async def cancel_all(self, symbol: str) -> Sequence[str]:
        raise AssertionError(NO_POSITIONS)

    async def is_hedged(self) -> bool:
        return True

    async def leverage(self, symbol: str) -> Leverage:
        if self.terms:
            raise self.terms
        now = self.leverages.get(symbol, 20)
        return Leverage(long=now, short=now, max_long=125, max_short=125)

    async def set_leverage(self, symbol: str, side: PositionSide, leverage: int) -> None:
        self.leverages[symbol] = leverage

    async def margin_type(self, symbol: str) -> MarginType:
        return MarginType.ISOLATED

    async def set_margin_type(self, symbol: str, margin_type: MarginType) -> None:
        raise AssertionError("the margin is isolated already")

    def entries_halted(self) -> str:
        return self.halts

    def banned_for(self) -> float:
        return 0.0


def _listed(symbol: str, report: Report, at: datetime) -> ExchangeOrder:
    return ExchangeOrder(
        exchange_id=report.exchange_id or "",
        client_id=report.client_id,
        symbol=symbol,
        side=Side.BUY,
        position_side=PositionSide.LONG,
        type="LIMIT",
        status=report.event.name,
        event=report.event,
        quantity=Decimal("0.1"),
        filled_quantity=report.filled_quantity,
        price=None,
        average_price=report.average_price,
        trigger=None,
        stop=None,
        target=None,
        closes_position=False,
        reduces_only=False,
        profit=Decimal(0),
        commission=Decimal(0),
        created_at=at,
        updated_at=at,
    )
