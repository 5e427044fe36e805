"""The exchange ports over BingX's REST interface: what to ask of which endpoint, and what the answers are."""

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import aiohttp

from bot.adapters import bingx_codes as codes
from bot.adapters import bingx_endpoints as endpoints
from bot.adapters import bingx_read as read
from bot.adapters import bingx_wire as wire
from bot.adapters.bingx_bans import Exhausted
from bot.adapters.bingx_endpoints import Endpoint
from bot.adapters.bingx_limits import Priority
from bot.adapters.bingx_transport import Access, Trace, Transport, untold, wide_open
from bot.domain.account import (
    Balance,
    ExchangeOrder,
    Income,
    Leverage,
    MarginType,
    NewOrder,
    Position,
    PositionSide,
    Purpose,
)
from bot.domain.order import Order, Report
from bot.domain.plan import Contract
from bot.domain.signal import Side
from bot.metrics import Metrics
from bot.ports import Account, Exchange, NothingLeft, OutcomeUnknown, Refused, TryAgain

__all__ = ["Access", "BingX"]

T = TypeVar("T")
PAGE = 1000  # rows at most in one answer
LONGEST_SPAN = timedelta(days=7) // timedelta(milliseconds=1)
LISTED = timedelta(days=6)  # with what clocks differ by, one answer holds it


class BingX(Exchange, Account):
    def __init__(
        self,
        http: aiohttp.ClientSession,
        access: Access,
        metrics: Metrics,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        trace: Trace = untold,
    ) -> None:
        self._transport = Transport(http, access, metrics, wall, clock, trace)
        self._hedged = True  # as accounts are made; is_hedged() reads it

    async def contracts(self) -> Mapping[str, Contract]:
        return await self._told(endpoints.CONTRACTS, {}, read.contracts)

    async def prices(self) -> Mapping[str, Decimal]:
        return await self._told(endpoints.PRICE, {}, read.prices)

    async def clock_offset(self) -> float:
        return await self._transport.measure_clock()

    async def place(self, order: Order, gate: Callable[[], str] = wide_open) -> Report:
        own_side = PositionSide.LONG if order.side is Side.BUY else PositionSide.SHORT
        entry = NewOrder(
            purpose=Purpose.ENTRY,
            symbol=order.symbol,
            side=order.side,
            position_side=own_side if self._hedged else PositionSide.BOTH,
            quantity=order.quantity,
            price=order.price,
            client_id=order.client_id,
            stop=order.stop,
            # The exchange attaches one; of several each gets its own order, after the fill.
            target=order.targets[0] if len(order.targets) == 1 else None,
        )
        return await self.submit(entry, gate)

    async def submit(self, order: NewOrder, gate: Callable[[], str]) -> Report:
        asked = gate if order.purpose is Purpose.ENTRY else wide_open
        priority = Priority[order.purpose.name]
        data = await self._transport.call(endpoints.PLACE, wire.order_parameters(order), priority, asked)
        try:
            return read.report(data, order.client_id)
        except read.UNREADABLE as error:
            raise OutcomeUnknown(f"the answer to the order is not readable: {error!r}") from None

    async def find(self, symbol: str, client_id: str) -> Report | None:
        parameters = {"symbol": symbol, "clientOrderId": client_id}
        try:
            return await self._told(endpoints.QUERY, parameters, lambda told: read.report(told, client_id))
        except codes.Absent:
            return None
        except Exhausted:
            return await self._find_listed(symbol, client_id)

    async def _find_listed(self, symbol: str, client_id: str) -> Report | None:
        """Lists answer without an error that an order is not in them, and errors lead to bans."""
        now = self._transport.now()
        past = await self.history(symbol, now - LISTED, now + timedelta(minutes=1))
        for order in (*await self.open_orders(symbol), *past):
            if order.client_id != client_id:
                continue
            if (report := order.report()) is None:
                raise TryAgain(f"the exchange tells an unknown status of the order: {order.status}")
            return report
        return None

    async def cancel(self, symbol: str, *, client_id: str = "", exchange_id: str = "") -> Report | None:
        if bool(client_id) == bool(exchange_id):
            raise ValueError("cancel by the client's id or by the exchange's, one of them")
        name = {"clientOrderId": client_id} if client_id else {"orderId": exchange_id}
        try:
            data = await self._transport.call(endpoints.CANCEL, {"symbol": symbol, **name}, Priority.CANCEL)
        except (codes.Absent, NothingLeft):
            return None
        try:
            return read.report(data, client_id)
        except read.UNREADABLE as error:
            raise OutcomeUnknown(f"the answer to the cancel is not readable: {error!r}") from None

    async def cancel_all(self, symbol: str) -> Sequence[str]:
        data = await self._transport.call(endpoints.CANCEL_ALL, {"symbol": symbol}, Priority.CANCEL)
        try:
            return read.not_cancelled(data)
        except read.UNREADABLE as error:
            raise OutcomeUnknown(f"the answer to the cancels is not readable: {error!r}") from None

    async def balances(self) -> Sequence[Balance]:
        return await self._told(endpoints.BALANCE, {}, read.balances)

    async def positions(self) -> Sequence[Position]:
        return await self._told(endpoints.POSITIONS, {}, read.positions)

    async def open_orders(self, symbol: str | None = None) -> Sequence[ExchangeOrder]:
        return await self._told(endpoints.OPEN_ORDERS, {"symbol": symbol} if symbol else {}, read.orders)

    async def history(self, symbol: str, since: datetime, until: datetime) -> Sequence[ExchangeOrder]:
        found = await self._pages(
            endpoints.HISTORY, {"symbol": symbol}, (since, until), read.orders, lambda row: row.exchange_id
        )
        return sorted(found, key=lambda row: row.created_at)

    async def income(self, since: datetime, until: datetime) -> Sequence[Income]:
        found = await self._pages(endpoints.INCOME, {}, (since, until), read.incomes, lambda row: row)
        return sorted(found, key=lambda row: row.at)

    async def is_hedged(self) -> bool:
        self._hedged = await self._told(endpoints.POSITION_MODE, {}, read.is_hedged)
        return self._hedged

    async def leverage(self, symbol: str) -> Leverage:
        return await self._told(endpoints.LEVERAGE, {"symbol": symbol}, read.leverage)

    async def set_leverage(self, symbol: str, side: PositionSide, leverage: int) -> None:
        parameters = {"symbol": symbol, "side": side.value, "leverage": str(leverage)}
        await self._transport.call(endpoints.SET_LEVERAGE, parameters, Priority.ENTRY)

    async def margin_type(self, symbol: str) -> MarginType:
        return await self._told(endpoints.MARGIN_TYPE, {"symbol": symbol}, read.margin_type)

    async def set_margin_type(self, symbol: str, margin_type: MarginType) -> None:
        parameters = {"symbol": symbol, "marginType": margin_type.value}
        await self._transport.call(endpoints.SET_MARGIN_TYPE, parameters, Priority.ENTRY)

    def entries_halted(self) -> str:
        return self._transport.repeats.entries_halted()

    def banned_for(self) -> float:
        return self._transport.bans.left()

    async def _told(self, endpoint: Endpoint, parameters: Mapping[str, str], read_: Callable[[Any], T]) -> T:
        """For questions alone: an answer that cannot be read changes nothing and may be asked for again."""
        try:
            return read_(await self._transport.call(endpoint, parameters))
        except Refused as error:
            if endpoint is endpoints.QUERY:
                raise
            raise TryAgain(f"the exchange refuses to tell {endpoint.name}: {error}") from None
        except read.UNREADABLE as error:
            raise TryAgain(
                f"the exchange's answer about {endpoint.name} is not readable: {error!r}"
            ) from None

    async def _pages(
        self,
        endpoint: Endpoint,
        parameters: Mapping[str, str],
        span: tuple[datetime, datetime],
        rows: Callable[[Any], Sequence[T]],
        key: Callable[[T], Hashable],
    ) -> list[T]:
        """Halves the time until no answer is full: which rows a full one leaves out nobody says.

        Nor does anybody say whether the end belongs to the span, so spans overlap and rows count once.
        """
        found: dict[Hashable, T] = {}
        spans = [(_milliseconds(span[0]), _milliseconds(span[1]))]
        while spans:
            start, end = spans.pop()
            asked = {**parameters, "startTime": str(start), "endTime": str(end + 1), "limit": str(PAGE)}
            told = await self._told(endpoint, asked, rows) if end + 1 - start <= LONGEST_SPAN else None
            if told is not None and len(told) < PAGE:
                found |= {key(row): row for row in told}
            elif start == end:
                raise TryAgain(f"{PAGE} rows or more of {endpoint.name} in a millisecond")
            else:
                middle = (start + end) // 2
                spans += [(start, middle), (middle + 1, end)]
        return list(found.values())


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
