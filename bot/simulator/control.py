"""The control port under /control: what tests and drills set and ask, without a signature."""

import json
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.simulator import faults as fault
from bot.simulator import switches as switch
from bot.simulator.account import balance_json, position_json
from bot.simulator.answers import NO_DATA, Call
from bot.simulator.endpoints import ENDPOINTS
from bot.simulator.errors import BingXError
from bot.simulator.market import read_prices, read_replay
from bot.simulator.order import order_json

if TYPE_CHECKING:
    from bot.simulator.http import Simulator

MOST_STEPS = 100_000


def add_control(app: web.Application, simulator: "Simulator", honest: str) -> None:
    control = Control(simulator, honest)
    for method, path, handler in (
        ("GET", "health", control.health),
        ("GET", "orders", control.orders),
        ("GET", "account", control.account),
        ("GET", "faults", control.faults),
        ("POST", "faults", control.set_faults),
        ("DELETE", "faults", control.clear_faults),
        ("GET", "switches", control.switches),
        ("POST", "switches", control.set_switches),
        ("POST", "limits", control.set_limits),
        ("POST", "bans", control.set_bans),
        ("DELETE", "bans", control.clear_bans),
        ("GET", "prices", control.prices),
        ("POST", "prices", control.set_prices),
        ("POST", "marks", control.set_marks),
        ("DELETE", "marks", control.clear_marks),
        ("POST", "walk", control.set_walk),
        ("POST", "replay", control.set_replay),
        ("POST", "steps", control.take_steps),
        ("POST", "fill", control.fill),
        ("POST", "funding", control.fund),
        ("POST", "transfer", control.transfer),
        ("POST", "foreign", control.foreign),
        ("POST", "cryptet", simulator.site.set_signal),
    ):
        app.router.add_route(method, f"/control/{path}", _refusing_bad_input(handler))


class Control:
    """Each handler returns the JSON of its answer; what it refuses becomes status 400."""

    def __init__(self, simulator: "Simulator", honest: str) -> None:
        self._simulator = simulator
        self._book, self._market, self._limits = simulator.book, simulator.market, simulator.limits
        self._honest = honest

    async def health(self, request: web.Request) -> Any:
        return {"simulator": True, "what": self._honest, "faults": await self.faults(request)}

    async def orders(self, _: web.Request) -> Any:
        return [order_json(order) for order in self._book.all()]

    async def account(self, _: web.Request) -> Any:
        book = self._book
        return {
            "balance": balance_json(book.account, book.frozen_margin(), book.switches.asset),
            "positions": [position_json(book.account, each) for each in book.positions()],
            "open_orders": [order_json(order) for order in book.open()],
            "income": book.account.income,
            "hedge": book.account.hedge,
        }

    async def faults(self, _: web.Request) -> Any:
        return fault.shown(self._simulator.faults)

    async def set_faults(self, request: web.Request) -> Any:
        read = fault.parse(self._simulator.faults, await _body(request))
        _check_names(*(read.errors or ()), *read.only)
        self._simulator.faults = read
        return fault.shown(read)

    async def clear_faults(self, _: web.Request) -> Any:
        self._simulator.faults = fault.Faults()
        return {}

    async def switches(self, _: web.Request) -> Any:
        return switch.shown(self._book.switches)

    async def set_switches(self, request: web.Request) -> Any:
        self._book.switches = switch.parse(self._book.switches, await _body(request))
        return switch.shown(self._book.switches)

    async def set_limits(self, request: web.Request) -> Any:
        told = await _object(request, {"enforced": True}, bool)
        self._limits.enforced = told["enforced"]
        return told

    async def set_bans(self, request: web.Request) -> Any:
        """Seconds for which endpoints refuse every call."""
        told = await _object(request, {"place_order": 30}, int, float, exact=False)
        _check_names(*told)
        code, now = int(self._book.switches.rate_code), self._simulator.now()
        for name, seconds in told.items():
            self._limits.ban(name, now + round(seconds * 1000), code)
        return {name: until for name, (until, _) in self._limits.bans.items()}

    async def clear_bans(self, _: web.Request) -> Any:
        self._limits.bans.clear()
        return {}

    async def prices(self, _: web.Request) -> Any:
        return _texts(self._market.prices)

    async def set_prices(self, request: web.Request) -> Any:
        for symbol, price in read_prices(await _body(request)).items():
            self._market.set(symbol, price)
        self._simulator.work()
        return await self.prices(request)

    async def set_marks(self, request: web.Request) -> Any:
        """Hold mark prices away from the last prices until they are let go."""
        self._market.marks |= read_prices(await _body(request))
        self._simulator.work()
        return _texts(self._market.marks)

    async def clear_marks(self, _: web.Request) -> Any:
        self._market.marks.clear()
        return {}

    async def set_walk(self, request: web.Request) -> Any:
        told = await _object(request, {"volatility": 0.0002}, int, float)
        if not 0 <= told["volatility"] <= 1:
            raise ValueError("volatility must be from 0 to 1")
        self._market.volatility = float(told["volatility"])
        return told

    async def set_replay(self, request: web.Request) -> Any:
        """Prices to come, a JSON object a line, one line for each step."""
        steps = read_replay((await request.text()).splitlines())
        self._market.replay.extend(steps)
        return {"steps": len(self._market.replay)}

    async def take_steps(self, request: web.Request) -> Any:
        told = await _object(request, {"steps": 10}, int)
        if not 1 <= told["steps"] <= MOST_STEPS:
            raise ValueError(f"steps must be from 1 to {MOST_STEPS}")
        for _ in range(told["steps"]):
            self._market.step()
            self._simulator.work()
        return await self.prices(request)

    async def fill(self, request: web.Request) -> Any:
        told = await _object(request, {"orderId": 1700000000000000000, "quantity": "0.1"}, int, str)
        try:
            id_, quantity = int(told["orderId"]), Decimal(told["quantity"])
        except (ArithmeticError, ValueError):
            raise ValueError("orderId and quantity must be numbers") from None
        return order_json(self._book.fill(id_, quantity))

    async def fund(self, _: web.Request) -> Any:
        """Pay the funding now, and not only at its hour."""
        self._book.account.pay_funding(self._simulator.now())
        self._book.commit()
        return self._book.account.income

    async def transfer(self, request: web.Request) -> Any:
        """Money in or out; one that income does not tell of is gone as if somebody had taken it."""
        told = await _object(request, {"amount": "-40", "told": True}, str, bool)
        try:
            amount = Decimal(told["amount"])
        except ArithmeticError:
            amount = Decimal("NaN")
        if not amount.is_finite() or not isinstance(told["told"], bool):
            raise ValueError("amount must be a number as text, and told true or false")
        if told["told"]:
            self._book.account.earn("", "TRANSFER", amount, self._simulator.now())
        else:
            self._book.account.balance += amount
        self._simulator.work()
        self._book.commit()
        return (await self.account(request))["balance"]

    async def foreign(self, request: web.Request) -> Any:
        """What a person does in BingX's app: without key, client id, limits or faults."""
        told = await _object(request, {"symbol": "BTC-USDT", "type": "MARKET"}, str, exact=False)
        if told.keys() & {"clientOrderId", "clientOrderID"}:
            raise ValueError("an order that a person places has no client id")
        name = told.pop("endpoint", "place_order")
        _check_names(name)
        answer = next(each.answer for each in ENDPOINTS if each.name == name)
        data = answer(Call(book=self._book, parameters=told))
        return {} if data is NO_DATA else data


def _texts(prices: Mapping[str, Decimal]) -> dict[str, str]:
    return {symbol: f"{price:f}" for symbol, price in prices.items()}


def _check_names(*names: str) -> None:
    known = {each.name for each in ENDPOINTS}
    if unknown := set(names) - known:
        raise ValueError(f"unknown endpoint {sorted(unknown)[0]!r}; known are {', '.join(sorted(known))}")


def _refusing_bad_input(
    handler: Callable[[web.Request], Awaitable[Any]],
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def refusing(request: web.Request) -> web.Response:
        try:
            return web.json_response(await handler(request))
        except (BingXError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)

    return refusing


async def _body(request: web.Request) -> Any:
    try:
        return json.loads(await request.text())
    except ValueError:
        raise ValueError("the body is no JSON") from None


async def _object(
    request: web.Request, example: Mapping[str, Any], *types: type, exact: bool = True
) -> dict[str, Any]:
    """A body with values of these types, and when `exact` with the example's keys."""
    told = await _body(request)
    if not isinstance(told, dict) or not all(type(each) in types for each in told.values()):
        raise ValueError(f"send an object like {json.dumps(example)}")
    if exact and told.keys() != example.keys():
        raise ValueError(f"send an object like {json.dumps(example)}")
    return told
