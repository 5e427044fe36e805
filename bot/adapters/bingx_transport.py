"""One call to BingX: held back by bans and limits, signed, sent to an allowed host, counted, understood."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import aiohttp
from yarl import URL

from bot.adapters import bingx_codes as codes
from bot.adapters import bingx_read as read
from bot.adapters import bingx_wire as wire
from bot.adapters.bingx_bans import EVERYWHERE, Bans, Repeats, told_seconds
from bot.adapters.bingx_endpoints import ENDPOINTS, PLACE, TIME, Endpoint
from bot.adapters.bingx_limits import Limits, Priority
from bot.domain.mode import Mode, allows
from bot.metrics import Metrics
from bot.ports import Halted, OutcomeUnknown, TryAgain

SLOWEST_CLOCK = 2.0  # seconds; of a round trip longer than that nobody knows the middle


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where and as whom to call.

    The exchange drops a request that is older than `window` seconds. Equal errors count for `error_window`.
    Where time is `time_scale` times as fast, its limits are for times that are so much shorter.
    """

    mode: Mode
    base_url: str
    api_key: str
    secret_key: str
    window: float
    error_window: float = 480.0
    time_scale: float = 1.0
    simulator_host: str = ""

    def __repr__(self) -> str:
        return f"Access(mode={self.mode}, base_url={self.base_url!r}, keys hidden)"


class Trace(Protocol):
    def __call__(self, event: str, **fields: object) -> None: ...


def wide_open() -> str:
    return ""


def untold(event: str, **fields: object) -> None:
    """Where nobody follows each call."""


class Transport:
    """Everything goes in a signed query string; a second try only where the first was surely not taken."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        access: Access,
        metrics: Metrics,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        trace: Trace = untold,
    ) -> None:
        _check_host(access)
        self._http = http
        self._access = access
        self._metrics = metrics
        self._wall = wall
        self._clock = clock
        self._trace = trace
        self._limits = Limits(ENDPOINTS, clock, access.time_scale)
        self.bans = Bans(clock)
        self.repeats = Repeats(access.error_window, clock)
        self._offset = 0.0
        metrics.bingx_ban_until_timestamp_seconds.set(0)

    def now(self) -> datetime:
        """By the exchange's clock."""
        return datetime.fromtimestamp(self._wall() + self._offset, UTC)

    async def call(
        self,
        endpoint: Endpoint,
        parameters: Mapping[str, str],
        priority: Priority = Priority.QUERY,
        gate: Callable[[], str] = wide_open,
    ) -> Any:
        """`gate` is asked last, after any waiting: its reason keeps the call from being sent."""
        try:
            try:
                return await self._once(endpoint, parameters, priority, gate)
            except codes.ClockSkew:
                # Refused for its time alone, so certainly not taken: the same may go out once more.
                await self.measure_clock()
                return await self._once(endpoint, parameters, priority, gate)
        except OutcomeUnknown as error:
            if endpoint.method == "GET":
                raise TryAgain(str(error)) from None
            raise

    async def measure_clock(self) -> float:
        """Seconds that the exchange's clock is ahead of ours; every later call is stamped with it."""
        began = 0.0

        def leaving() -> str:
            nonlocal began
            began = self._clock()  # the wait for a turn is no part of the trip
            return ""

        try:
            told = read.server_seconds(await self._once(TIME, {}, Priority.QUERY, leaving))
        except OutcomeUnknown as error:
            raise TryAgain(f"the exchange's clock cannot be read: {error}") from None
        except read.UNREADABLE:
            raise TryAgain("the exchange's clock cannot be read: no number") from None
        trip = self._clock() - began
        if trip > SLOWEST_CLOCK:
            raise TryAgain(f"the exchange's clock cannot be read: the answer took {trip:.1f} s")
        self._offset = told - (self._wall() - trip / 2)
        return self._offset

    async def _once(
        self, endpoint: Endpoint, parameters: Mapping[str, str], priority: Priority, gate: Callable[[], str]
    ) -> Any:
        with self._traced(endpoint, parameters) as sent:
            self._hold_back(endpoint, priority)
            async with self._limits.turn(endpoint, priority) as turn:
                self._hold_back(endpoint, priority)
                # Stamped before the gate is asked: if the machine sleeps in between, it is too old.
                url = self._url(endpoint, parameters)
                if closed := gate():
                    raise Halted(closed)
                turn.sent = True
                sent()
                status, headers, body = await self._answered(endpoint, url)
                self._limits.learn(endpoint, headers)
            return self._understood(endpoint, status, body)

    @contextmanager
    def _traced(self, endpoint: Endpoint, parameters: Mapping[str, str]) -> Iterator[Callable[[], None]]:
        """Of what was asked only what it is about: the rest is signed, and may be secret."""
        asked = began = self._clock()
        is_sent, outcome = False, "ok"

        def sent() -> None:
            nonlocal began, is_sent
            began, is_sent = self._clock(), True

        try:
            yield sent
        except BaseException as error:
            outcome = f"{type(error).__name__}: {error}"
            raise
        finally:
            now = self._clock()
            self._trace(
                "exchange call",
                endpoint=endpoint.name,
                symbol=parameters.get("symbol"),
                order=parameters.get("clientOrderId"),
                exchange_id=parameters.get("orderId"),
                waited_ms=round(((began if is_sent else now) - asked) * 1000, 1),
                milliseconds=round((now - began) * 1000, 1) if is_sent else None,
                outcome=outcome,
            )

    async def _answered(self, endpoint: Endpoint, url: URL) -> tuple[int, Mapping[str, str], bytes]:
        self._metrics.bingx_api_calls_total.labels(endpoint=endpoint.name).inc()
        began = self._clock()
        try:
            status, headers, body = await self._exchange_bytes(endpoint, url)
        except (TryAgain, OutcomeUnknown):
            self._count_error(endpoint, "transport")
            raise
        if endpoint is PLACE and status < 500:
            self._metrics.bingx_order_execution_seconds.observe(self._clock() - began)
        return status, headers, body

    def _hold_back(self, endpoint: Endpoint, priority: Priority) -> None:
        self.bans.check(endpoint.name)
        self.repeats.check(endpoint.name, priority)

    def _understood(self, endpoint: Endpoint, status: int, body: bytes) -> Any:
        try:
            told = wire.envelope(status, body)
        except codes.RateLimited:
            # Not the exchange but what stands before it, and that counts all calls from this address.
            self._ban(EVERYWHERE, None)
            self._count_error(endpoint, "rate_limited")
            raise
        except (TryAgain, OutcomeUnknown):
            self._count_error(endpoint, "http" if status >= 400 else "business")
            raise
        if told.code == 0:
            if self.bans.lift(endpoint.name):
                self._show_ban()
            return told.data
        error = codes.meaning(told.code, told.text)
        absent = isinstance(error, codes.Absent)  # an answer, no failure
        self.repeats.add(endpoint.name, told.code, harmless=absent)
        if isinstance(error, codes.RateLimited):
            self._ban(endpoint.name, told_seconds(told.text, self._wall() + self._offset))
            self._count_error(endpoint, "rate_limited")
        elif not absent:
            self._count_error(endpoint, "http" if status >= 400 else "business")
        raise error

    def _ban(self, scope: str, told: float | None) -> None:
        self.bans.ban(scope, told)
        self._show_ban()

    def _show_ban(self) -> None:
        left = self.bans.left()
        self._metrics.bingx_ban_until_timestamp_seconds.set(self._wall() + left if left else 0)

    def _count_error(self, endpoint: Endpoint, kind: str) -> None:
        self._metrics.bingx_api_errors_total.labels(endpoint=endpoint.name, kind=kind).inc()

    def _url(self, endpoint: Endpoint, parameters: Mapping[str, str]) -> URL:
        query = wire.query(parameters)
        if endpoint.signed:
            stamped = {
                **parameters,
                "timestamp": str(round((self._wall() + self._offset) * 1000)),
                "recvWindow": str(round(self._access.window * 1000)),
            }
            query = wire.signed_query(stamped, self._access.secret_key)
        # encoded=True: the query is signed, so nobody may quote it again.
        return URL(f"{self._access.base_url}{endpoint.path}?{query}".rstrip("?"), encoded=True)

    async def _exchange_bytes(self, endpoint: Endpoint, url: URL) -> tuple[int, Mapping[str, str], bytes]:
        key = self._access.api_key
        headers = {"X-BX-APIKEY": key} if endpoint.signed else {}
        call = self._http.request(
            endpoint.method, url, headers=headers, allow_redirects=False, middlewares=(_not_again,)
        )
        try:
            async with call as response:
                # What the exchange repeats of them must not get into an error's text.
                body = (await response.read()).replace(key.encode(), b"(key)")
                if signature := url.query.get("signature"):
                    body = body.replace(signature.encode(), b"(signature)")
                return response.status, response.headers, body
        # `from None`: the text of aiohttp's errors may hold the URL, and the URL the signature.
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise TryAgain(f"cannot connect to the exchange: {_name(error)}") from None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise OutcomeUnknown(f"no answer from the exchange: {_name(error)}") from None


async def _not_again(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """aiohttp by itself sends a GET or a DELETE again whose connection broke; the exchange counts both."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise OutcomeUnknown(f"no answer from the exchange: {_name(error)}") from None


def _check_host(access: Access) -> None:
    url = URL(access.base_url)
    if not allows(access.mode, url.host or "", access.simulator_host):
        raise ValueError(f"mode {access.mode} does not allow the host {url.host or ''!r}")
    if access.mode is not Mode.SIMULATOR and (url.scheme, url.explicit_port) != ("https", None):
        raise ValueError(f"mode {access.mode} needs https and no port of its own: {url.origin()}")


def _name(error: BaseException) -> str:
    cause = error.os_error.strerror if isinstance(error, aiohttp.ClientConnectorError) else None
    return cause or type(error).__name__
