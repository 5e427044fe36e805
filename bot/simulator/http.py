"""The simulator over HTTP: BingX's paths under /openApi, and what tests and drills need under /control."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from bot.simulator import faults as fault
from bot.simulator.book import Book
from bot.simulator.errors import BingXError
from bot.simulator.faults import Faults
from bot.simulator.market import Market, contract_json, read_price
from bot.simulator.order import order_json, placed_json
from bot.simulator.signature import Credentials, checked_parameters

HONEST = "a simulator of BingX: no real exchange, no real money"


class Simulator:
    def __init__(
        self, market: Market, book: Book, credentials: Credentials, now_ms: Callable[[], int]
    ) -> None:
        self.market = market
        self.book = book
        self.faults = Faults()
        self._credentials = credentials
        self._now_ms = now_ms

    async def server_time(self, request: web.Request) -> Any:
        return {"serverTime": self._now_ms()}

    async def contracts(self, request: web.Request) -> Any:
        chosen = self._chosen(request)
        return [contract_json(self.market.contracts[symbol]) for symbol in chosen]

    async def price(self, request: web.Request) -> Any:
        now = self._now_ms()
        told = [
            {"symbol": symbol, "price": format(self.market.prices[symbol], "f"), "time": now}
            for symbol in self._chosen(request)
        ]
        return told[0] if "symbol" in request.query else told

    async def place(self, request: web.Request) -> Any:
        parameters = await self._signed(request)
        if self.faults.drop_before:
            self.faults = self.faults.spent("drop_before")
            raise NoAnswerError
        if self.faults.reject_orders:
            raise BingXError(*self.faults.reject_orders)
        order = self.book.place(parameters)
        if self.faults.drop_after:
            self.faults = self.faults.spent("drop_after")
            raise NoAnswerError
        return {"order": placed_json(order)}

    async def query(self, request: web.Request) -> Any:
        order = self.book.find(await self._signed(request), self.faults.hide_orders * 1000)
        return {"order": order_json(order)}

    async def open_orders(self, request: web.Request) -> Any:
        parameters = await self._signed(request)
        return {"orders": [order_json(order) for order in self.book.open(parameters.get("symbol"))]}

    async def _signed(self, request: web.Request) -> Mapping[str, str]:
        # The path as it came: aiohttp's parsed query would already be decoded.
        query = request.raw_path.partition("?")[2]
        key = request.headers.get("X-BX-APIKEY")
        return checked_parameters(self._credentials, key, query, await request.read(), self._now_ms())

    def _chosen(self, request: web.Request) -> list[str]:
        symbol = request.query.get("symbol")
        if symbol is None:
            return list(self.market.contracts)
        if symbol not in self.market.contracts:
            raise BingXError(109425, f"{symbol} not exist, please verify it")
        return [symbol]


class NoAnswerError(Exception):
    """The connection is to be closed without an answer."""


Answer = Callable[[web.Request], Awaitable[Any]]


def make_app(simulator: Simulator) -> web.Application:
    app = web.Application()
    for method, path, answer in (
        ("GET", "/openApi/swap/v2/server/time", simulator.server_time),
        ("GET", "/openApi/swap/v2/quote/contracts", simulator.contracts),
        ("GET", "/openApi/swap/v1/ticker/price", simulator.price),
        ("POST", "/openApi/swap/v2/trade/order", simulator.place),
        ("GET", "/openApi/swap/v2/trade/order", simulator.query),
        ("GET", "/openApi/swap/v2/trade/openOrders", simulator.open_orders),
    ):
        app.router.add_route(method, path, _enveloped(simulator, answer))
    add_control(app, simulator)
    return app


def _enveloped(simulator: Simulator, answer: Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(request: web.Request) -> web.Response:
        if status := simulator.faults.http_status:
            await asyncio.sleep(simulator.faults.delay)
            return web.Response(status=status, text=f"<html>{status}</html>", content_type="text/html")
        try:
            told = {"code": 0, "msg": "", "data": await answer(request)}
        except BingXError as error:
            told = {"code": error.code, "msg": error.text, "data": {}}
        except NoAnswerError:
            await asyncio.sleep(simulator.faults.delay)
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        await asyncio.sleep(simulator.faults.delay)
        return web.json_response(told)

    return handler


def add_control(app: web.Application, simulator: Simulator) -> None:
    async def health(_: web.Request) -> web.Response:
        return web.json_response({"simulator": True, "what": HONEST, "faults": fault.shown(simulator.faults)})

    async def show_orders(_: web.Request) -> web.Response:
        return web.json_response([order_json(order) for order in simulator.book.all()])

    async def show_faults(_: web.Request) -> web.Response:
        return web.json_response(fault.shown(simulator.faults))

    async def set_faults(request: web.Request) -> web.Response:
        simulator.faults = fault.parse(simulator.faults, await _body(request))
        return web.json_response(fault.shown(simulator.faults))

    async def clear_faults(_: web.Request) -> web.Response:
        simulator.faults = Faults()
        return web.json_response({})

    async def set_prices(request: web.Request) -> web.Response:
        told = await _body(request)
        if not isinstance(told, dict):
            raise ValueError('send an object like {"BTC-USDT": "60000"}')
        for symbol, price in [read_price(f"{symbol}={price}") for symbol, price in told.items()]:
            simulator.market.set(symbol, price)
        simulator.book.fill_crossed()
        return web.json_response(
            {each: format(price, "f") for each, price in simulator.market.prices.items()}
        )

    for method, path, handler in (
        ("GET", "/control/health", health),
        ("GET", "/control/orders", show_orders),
        ("GET", "/control/faults", show_faults),
        ("POST", "/control/faults", set_faults),
        ("DELETE", "/control/faults", clear_faults),
        ("POST", "/control/prices", set_prices),
    ):
        app.router.add_route(method, path, _refusing_bad_input(handler))


def _refusing_bad_input(
    handler: Callable[[web.Request], Awaitable[web.Response]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def refusing(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)

    return refusing


async def _body(request: web.Request) -> Any:
    try:
        return json.loads(await request.text())
    except ValueError:
        raise ValueError("the body is no JSON") from None
