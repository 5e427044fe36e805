"""The exchange port over BingX's REST interface: everything in a signed query string, one try per order."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

import aiohttp
from yarl import URL

from bot.adapters import bingx_wire as wire
from bot.domain.mode import Mode, allows
from bot.domain.order import Order, Report
from bot.domain.plan import Contract
from bot.metrics import Metrics
from bot.ports import OutcomeUnknown, TryAgain

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    name: str
    method: str
    path: str
    signed: bool


TIME = Endpoint(name="server_time", method="GET", path="/openApi/swap/v2/server/time", signed=False)
CONTRACTS = Endpoint(name="contracts", method="GET", path="/openApi/swap/v2/quote/contracts", signed=False)
PRICE = Endpoint(name="price", method="GET", path="/openApi/swap/v1/ticker/price", signed=False)
PLACE = Endpoint(name="place_order", method="POST", path="/openApi/swap/v2/trade/order", signed=True)
QUERY = Endpoint(name="query_order", method="GET", path="/openApi/swap/v2/trade/order", signed=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where and as whom to call. The exchange drops a request that is older than `window` seconds."""

    mode: Mode
    base_url: str
    api_key: str
    secret_key: str
    window: float
    simulator_host: str = ""

    def __repr__(self) -> str:
        return f"Access(mode={self.mode}, base_url={self.base_url!r}, keys hidden)"


class BingX:
    """Implements bot.ports.Exchange."""

    def __init__(self, http: aiohttp.ClientSession, access: Access, metrics: Metrics) -> None:
        host = URL(access.base_url).host or ""
        if not allows(access.mode, host, access.simulator_host):
            raise ValueError(f"mode {access.mode} does not allow the host {host!r}")
        self._http = http
        self._access = access
        self._metrics = metrics
        self._offset = 0.0

    async def contracts(self) -> Mapping[str, Contract]:
        return _told(wire.contracts, await self._call(CONTRACTS, {}))

    async def prices(self) -> Mapping[str, Decimal]:
        return _told(wire.prices, await self._call(PRICE, {}))

    async def clock_offset(self) -> float:
        began = time.time()
        data = await self._call(TIME, {})
        middle = (began + time.time()) / 2
        self._offset = _told(lambda told: int(told["serverTime"]), data) / 1000 - middle
        return self._offset

    async def place(self, order: Order) -> Report:
        parameters = wire.order_parameters(order)
        try:
            data = await self._call(PLACE, parameters)
        except wire.ClockSkew:
            # Refused for its time alone, so certainly not taken: the same id may go out once more.
            await self._measure_or_give_up()
            data = await self._call(PLACE, parameters)
        try:
            return wire.report(data, order.client_id)
        except (ArithmeticError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise OutcomeUnknown(f"the answer to the order is not readable: {error!r}") from error

    async def find(self, symbol: str, client_id: str) -> Report | None:
        try:
            data = await self._call(QUERY, {"symbol": symbol, "clientOrderId": client_id})
        except wire.Absent:
            return None
        except wire.ClockSkew:
            await self._measure_or_give_up()
            raise
        return _told(lambda told: wire.report(told, client_id), data)

    async def _measure_or_give_up(self) -> None:
        try:
            await self.clock_offset()
        except OutcomeUnknown as error:
            raise TryAgain(f"the exchange's clock cannot be read: {error}") from error

    async def _call(self, endpoint: Endpoint, parameters: Mapping[str, str]) -> Any:
        self._metrics.bingx_api_calls_total.labels(endpoint=endpoint.name).inc()
        try:
            status, body = await self._exchange_bytes(endpoint, self._query(endpoint, parameters))
        except (TryAgain, OutcomeUnknown):
            self._count_error(endpoint, "transport")
            raise
        try:
            return wire.answer(status, body)
        except wire.Absent:
            raise  # an answer, no failure
        except wire.RateLimited:
            self._count_error(endpoint, "rate_limited")
            raise
        except Exception:
            self._count_error(endpoint, "http" if status >= 400 else "business")
            raise

    def _count_error(self, endpoint: Endpoint, kind: str) -> None:
        self._metrics.bingx_api_errors_total.labels(endpoint=endpoint.name, kind=kind).inc()

    def _query(self, endpoint: Endpoint, parameters: Mapping[str, str]) -> str:
        if not endpoint.signed:
            return ""
        stamped = {
            **parameters,
            "timestamp": str(round((time.time() + self._offset) * 1000)),
            "recvWindow": str(round(self._access.window * 1000)),
        }
        return "?" + wire.signed_query(stamped, self._access.secret_key)

    async def _exchange_bytes(self, endpoint: Endpoint, query: str) -> tuple[int, bytes]:
        # encoded=True: the query is signed, so nobody may quote it again.
        url = URL(f"{self._access.base_url}{endpoint.path}{query}", encoded=True)
        headers = {"X-BX-APIKEY": self._access.api_key} if endpoint.signed else {}
        call = self._http.request(endpoint.method, url, headers=headers, allow_redirects=False)
        try:
            async with call as response:
                return response.status, await response.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise TryAgain(f"cannot connect to the exchange: {_name(error)}") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise OutcomeUnknown(f"no answer from the exchange: {_name(error)}") from error


def _told(read: Callable[[Any], T], data: Any) -> T:
    """For questions alone: an answer that cannot be read changes nothing and may be asked for again."""
    try:
        return read(data)
    except (ArithmeticError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise TryAgain(f"the exchange's answer is not readable: {error!r}") from error


def _name(error: BaseException) -> str:
    # The text of aiohttp's errors may hold the URL, and the URL the signature.
    cause = error.os_error.strerror if isinstance(error, aiohttp.ClientConnectorError) else None
    return cause or type(error).__name__
