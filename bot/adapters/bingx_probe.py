"""Finds out what the exchange does in one symbol that is empty, and leaves the account as it was found."""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar

import aiohttp
from yarl import URL

from bot.adapters import bingx_codes as codes
from bot.adapters import bingx_endpoints as endpoints
from bot.adapters import bingx_read as read
from bot.adapters import bingx_wire as wire
from bot.adapters.bingx_endpoints import Endpoint
from bot.adapters.bingx_limits import Priority
from bot.adapters.bingx_transport import Access, Transport
from bot.domain import money
from bot.domain.account import ExchangeOrder, MarginType, NewOrder, Position, PositionSide, Purpose
from bot.domain.order import Event
from bot.domain.plan import Contract
from bot.domain.signal import Side
from bot.ports import OutcomeUnknown, Refused, StopTrading, TryAgain

T = TypeVar("T")
VISIBLE = 5.0  # seconds after which what was done should be seen
APART = 1.1  # seconds between two requests about the same id: more often is an error of its own
TRIES = 5
TAKEN = "taken"
_CODE = re.compile(r"(\d+): ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`seen` is empty where nothing could be seen; `switch` is the simulator's, where it has one."""

    what: str
    expected: str
    seen: str
    switch: str = ""

    @property
    def verdict(self) -> str:
        if not self.seen:
            return "not seen"
        return "ok" if self.seen == self.expected else "differs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where it is tried out: a symbol without orders and positions, and prices that are far from trading."""

    contract: Contract
    last: Decimal
    hedged: bool

    @property
    def symbol(self) -> str:
        return self.contract.symbol

    @property
    def side(self) -> PositionSide:
        return PositionSide.LONG if self.hedged else PositionSide.BOTH

    @property
    def far(self) -> Decimal:
        return money.floor_to(self.last * Decimal("0.9"), self.contract.price_tick)

    @property
    def stop(self) -> Decimal:
        return money.floor_to(self.last * Decimal("0.8"), self.contract.price_tick)

    @property
    def half(self) -> Decimal:
        """Half of the position that is opened; each half may be traded by itself, at the far price too."""
        least = self.contract.min_notional * Decimal("1.2") / self.far
        return max(self.contract.min_quantity, money.ceil_to(least, self.contract.quantity_step))

    def entry(self, **more: Any) -> NewOrder:
        told = {"quantity": self.half * 2, "client_id": new_id(), **more}
        return NewOrder(
            purpose=Purpose.ENTRY, symbol=self.symbol, side=Side.BUY, position_side=self.side, **told
        )

    def close(self, quantity: Decimal) -> NewOrder:
        return NewOrder(
            purpose=Purpose.CLOSE,
            symbol=self.symbol,
            side=Side.SELL,
            position_side=self.side,
            quantity=quantity,
            client_id=new_id(),
        )


def new_id() -> str:
    return f"check{secrets.token_hex(10)}"


@dataclass(slots=True, kw_only=True)
class Probe:
    transport: Transport
    http: aiohttp.ClientSession
    access: Access
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    findings: list[Finding] = field(default_factory=list)
    place: Place | None = None
    made: dict[str, str] = field(default_factory=dict)  # client ids, and the symbol of each
    unsure: bool = False  # something was asked for, and nobody knows whether it was done
    leverages: dict[PositionSide, int] = field(default_factory=dict)  # as found, and to be put back
    margin_type: MarginType | None = None

    def found(self, what: str, expected: str, seen: str, switch: str = "") -> None:
        self.findings.append(Finding(what=what, expected=expected, seen=seen, switch=switch))

    async def ask(self, endpoint: Endpoint, **parameters: str) -> Any:
        return await self.transport.call(endpoint, parameters)

    async def do(self, endpoint: Endpoint, parameters: Mapping[str, str]) -> Any:
        try:
            return await self.transport.call(endpoint, parameters, Priority.CANCEL)
        except OutcomeUnknown as error:
            self.unsure = self.unsure or not isinstance(error, codes.TakenEarlier)
            raise

    async def submit(self, order: NewOrder, **more: str) -> Any:
        """The order as the answer tells it. What `more` has empty is left out."""
        if order.client_id:
            self.made[order.client_id] = order.symbol
        told = {name: value for name, value in (wire.order_parameters(order) | more).items() if value}
        return (await self.do(endpoints.PLACE, told))["order"]

    async def refusal(self, order: NewOrder, **more: str) -> str:
        """The code with which it is refused; what is taken all the same is cancelled."""
        code = await code_of(self.submit(order, **more))
        if code == TAKEN:
            await code_of(self.cancel(order.symbol, clientOrderId=order.client_id))
        return code

    async def order(self, order: NewOrder, event: Event | None = None) -> Any:
        """As the exchange tells it, once it has come to that; None before."""
        name = {"symbol": order.symbol, "clientOrderId": order.client_id}
        try:
            told = (await self.ask(endpoints.QUERY, **name))["order"]
        except (TryAgain, Refused) as error:
            if not _code(error):
                raise
            return None
        return told if event in (None, read.report({"order": told}).event) else None

    async def cancel(self, symbol: str, **name: str) -> Any:
        return (await self.do(endpoints.CANCEL, {"symbol": symbol, **name}))["order"]

    async def orders(self, symbol: str) -> list[ExchangeOrder]:
        return read.orders(await self.ask(endpoints.OPEN_ORDERS, symbol=symbol))

    async def position(self, symbol: str) -> Position | None:
        told = read.positions(await self.ask(endpoints.POSITIONS, symbol=symbol))
        return next((each for each in told if each.is_long), None)

    async def until(self, ask: Callable[[], Awaitable[T | None]], seconds: float = VISIBLE) -> T | None:
        """The first answer, or None if there is none in that time."""
        for _ in range(int(seconds * 2)):
            if (told := await ask()) is not None:
                return told
            await self.sleep(0.5)
        return None

    async def signed_by(self, secret: str, *, age: float, window: int) -> tuple[str, str]:
        """HTTP status and code of a request that the client would never make."""
        stamp = self.transport.now() - timedelta(seconds=age)
        parameters = {"timestamp": str(round(stamp.timestamp() * 1000)), "recvWindow": str(window)}
        path = f"{endpoints.BALANCE.path}?{wire.signed_query(parameters, secret)}"
        url = URL(f"{self.access.base_url}{path}", encoded=True)
        headers = {"X-BX-APIKEY": self.access.api_key}
        try:
            async with self.http.get(url, headers=headers, allow_redirects=False) as response:
                told = wire.envelope(response.status, await response.read())
                return str(response.status), str(told.code) if told.code else TAKEN
        except (aiohttp.ClientError, TimeoutError) as error:
            raise TryAgain(f"no answer from the exchange: {type(error).__name__}") from None

    async def tidy(self) -> str:
        """What could not be put back; empty if the account is as it was found."""
        if self.unsure:
            await self.sleep(VISIBLE)  # what nobody knows of may not be listed yet
        left = ""
        for _ in range(TRIES):
            try:
                if not (left := await self._tidied()):
                    return ""
            except (TryAgain, OutcomeUnknown, Refused, StopTrading, *read.UNREADABLE) as error:
                left = str(error)
            await self.sleep(1.0)
        return left

    async def _tidied(self) -> str:
        """The position first: its stops protect it until it is closed."""
        if self.place is None:
            return ""
        symbol, most = self.place.symbol, self.place.half * 2
        if (position := await self.position(symbol)) and position.quantity <= most:
            await self.submit(self.place.close(position.quantity))
        for order in await self._own_orders():
            await code_of(self.cancel(order.symbol, orderId=order.exchange_id))
        left = [f"a {order.type} order in {order.symbol}" for order in await self._own_orders()]
        left += [f"a position in {symbol}"] if await self.position(symbol) else []
        if left:
            return f"left there: {', '.join(left)}"
        await self._put_terms_back(symbol)
        return ""

    async def _own_orders(self) -> list[ExchangeOrder]:
        """Stops have no client id, but a trigger that nobody else would set."""
        assert self.place is not None
        symbols = {self.place.symbol, *self.made.values()}
        listed = [each for symbol in symbols for each in await self.orders(symbol)]
        return [each for each in listed if each.client_id in self.made or each.trigger == self.place.stop]

    async def _put_terms_back(self, symbol: str) -> None:
        for side, leverage in self.leverages.items():
            told = {"symbol": symbol, "side": side.value, "leverage": str(leverage)}
            await self.do(endpoints.SET_LEVERAGE, told)
        if self.margin_type is not None:
            told = {"symbol": symbol, "marginType": self.margin_type.value}
            await self.do(endpoints.SET_MARGIN_TYPE, told)


async def code_of(call: Awaitable[Any]) -> str:
    """The code of the refusal, or that there was none; what has no code is raised."""
    try:
        await call
    except (TryAgain, Refused, OutcomeUnknown) as error:
        if code := _code(error):
            return code
        raise
    return TAKEN


def _code(error: Exception) -> str:
    told = _CODE.match(str(error))
    return told[1] if told else ""
