"""The simulator over HTTP: BingX's paths under /openApi, what goes wrong on the way, and /control."""

import asyncio
import random
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import hdrs, web

from bot.simulator.answers import NO_DATA, Call
from bot.simulator.book import Book
from bot.simulator.control import add_control
from bot.simulator.cryptet import Site
from bot.simulator.endpoints import ENDPOINTS, Endpoint
from bot.simulator.errors import GATEWAY, BingXError, renumbered
from bot.simulator.faults import PLACE, Faults
from bot.simulator.limits import Limits
from bot.simulator.market import Market
from bot.simulator.signature import Credentials, checked_parameters

HONEST = "a simulator of BingX: no real exchange, no real money"


class Simulator:
    def __init__(
        self, market: Market, book: Book, credentials: Credentials, now_ms: Callable[[], int]
    ) -> None:
        self.market = market
        self.book = book
        self._faults = Faults()
        self._faults_changed = asyncio.Event()
        self.limits = Limits()
        self.site = Site(market)
        self._credentials = credentials
        self._now_ms = now_ms
        book.now_ms = self.now  # so that a skew is seen everywhere
        self._random = random.Random(0)

    @property
    def faults(self) -> Faults:
        return self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        """Wakes the calls that a freeze holds."""
        self._faults = faults
        self._faults_changed.set()
        self._faults_changed = asyncio.Event()

    def now(self) -> int:
        return self._now_ms() + round(self.faults.clock_skew * 1000)

    def work(self) -> None:
        """Let the prices as they are now trigger and fill what they reach."""
        self.book.fill_crossed(self.faults.share)

    async def answer(self, endpoint: Endpoint, request: web.Request) -> web.Response:
        while self.faults.frozen and self.faults.hits(endpoint.name):
            await self._faults_changed.wait()
        if self.faults.hits(endpoint.name):
            await asyncio.sleep(self.faults.delay_before + self.faults.jitter * self._random.random())
            if self.faults.http_status:
                await asyncio.sleep(self.faults.delay)
                return _page(self.faults.http_status)
        status, headers = 200, dict[str, str]()
        try:
            told = await self._done(endpoint, request, headers)
        except BingXError as error:
            status, told = self._refusal(endpoint, error)
        except NoAnswerError:
            return await self._cut(request)
        if self.faults.hits(endpoint.name):
            await asyncio.sleep(self.faults.delay)
            if self.faults.http_status_after or self.faults.no_json:
                return _page(self.faults.http_status_after or 200)
        return web.json_response(told, status=status, headers=headers)

    async def _done(
        self, endpoint: Endpoint, request: web.Request, headers: dict[str, str]
    ) -> Mapping[str, Any]:
        headers |= self.limits.take(endpoint, self.now(), int(self.book.switches.rate_code))
        parameters = await self._signed(request) if endpoint.signed else dict(request.query)
        self._drop("drop_before", endpoint)
        self._refuse(endpoint)
        data = endpoint.answer(Call(book=self.book, parameters=parameters, faults=self.faults))
        self._drop("drop_after", endpoint)
        return {"code": 0, "msg": ""} | ({} if data is NO_DATA else {"data": data})

    async def _signed(self, request: web.Request) -> Mapping[str, str]:
        # The path as it came: aiohttp's parsed query would already be decoded.
        query = request.raw_path.partition("?")[2]
        key = request.headers.get("X-BX-APIKEY")
        window = int(self.book.switches.longest_window)
        body = await request.read()
        return checked_parameters(self._credentials, key, query, body, self.now(), window)

    def _drop(self, fault: str, endpoint: Endpoint) -> None:
        if self.faults.drops(fault, endpoint.name):
            self.faults = self.faults.dropped(fault)
            raise NoAnswerError

    def _refuse(self, endpoint: Endpoint) -> None:
        told = self.faults.reject_orders if endpoint.name == PLACE else None
        if told is None and (told := (self.faults.errors or {}).get(endpoint.name)):
            self.faults = self.faults.refused(endpoint.name)
        if told:
            raise BingXError(told["code"], told["msg"])

    def _refusal(self, endpoint: Endpoint, error: BingXError) -> tuple[int, Mapping[str, Any]]:
        self.limits.failed(endpoint, error.code, self.now())
        if self.book.switches.codes == "old":
            error = renumbered(error)
        told = {"code": error.code, "msg": error.text}
        if error.code in GATEWAY:
            return int(self.book.switches.gateway_status), told | {"timestamp": self.now()}
        return 200, told | {"data": {}}

    async def _cut(self, request: web.Request) -> web.Response:
        await asyncio.sleep(self.faults.delay)
        if request.transport is not None:
            if self.faults.reset:
                # A socket that may not linger ends with a reset.
                there: socket.socket = request.transport.get_extra_info("socket")
                there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            request.transport.abort()
        return web.Response()


class NoAnswerError(Exception):
    """The connection is to be closed without an answer."""


def make_app(simulator: Simulator) -> web.Application:
    app = web.Application()
    for endpoint in ENDPOINTS:
        app.router.add_route(endpoint.method, endpoint.path, _handler(simulator, endpoint))
    app.router.add_route("*", "/openApi/{path:.*}", _no_such_path)
    app.router.add_get("/cryptet/{path:.*}", simulator.site.page)
    add_control(app, simulator, HONEST)
    return app


def _handler(
    simulator: Simulator, endpoint: Endpoint
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handler(request: web.Request) -> web.Response:
        response = await simulator.answer(endpoint, request)
        if response.body and "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
            response.enable_compression(web.ContentCoding.gzip)
        return response

    return handler


async def _no_such_path(request: web.Request) -> web.Response:
    return web.json_response({"code": 100400, "msg": "this api is not exist, please refer to the API docs"})


def _page(status: int) -> web.Response:
    """What stands in front of the exchange answers with, in place of JSON."""
    text = f"<html><head><title>{status}</title></head><body><center>cloudflare</center></body></html>"
    return web.Response(status=status, text=text, content_type="text/html")
