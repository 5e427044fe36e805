"""Two ways to call the simulator in its tests: signed over HTTP, or at once and with a clock of its own."""

import hashlib
import hmac
import time
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from bot.simulator.answers import Call
from bot.simulator.book import Book
from bot.simulator.endpoints import ENDPOINTS
from bot.simulator.errors import BingXError
from bot.simulator.faults import Faults
from bot.simulator.journal import Journal
from bot.simulator.market import Market
from bot.simulator.switches import parse
from tests.bot.play import KEYS, Exchange

STOP = '{"type":"STOP_MARKET","stopPrice":59000,"workingType":"MARK_PRICE"}'
PROFIT = '{"type":"TAKE_PROFIT_MARKET","stopPrice":61000,"workingType":"MARK_PRICE"}'
STOP_ORDER = {"side": "SELL", "type": "STOP_MARKET", "stopPrice": "59000"}
PROFIT_ORDER = {"side": "SELL", "type": "TAKE_PROFIT_MARKET", "stopPrice": "61000"}
SHORT = {"side": "SELL", "positionSide": "SHORT"}
PATHS = {each.name: (each.method, each.path) for each in ENDPOINTS}


async def request(exchange: Exchange, name: str, **parameters: str) -> tuple[int, dict[str, str], Any]:
    """Status, headers and body of a signed call of the endpoint."""
    method, path = PATHS[name]
    stamped = {"timestamp": str(time.time_ns() // 1_000_000), **parameters}
    text = "&".join(f"{name}={value}" for name, value in stamped.items())
    signature = hmac.new(KEYS.secret_key.encode(), text.encode(), hashlib.sha256).hexdigest()
    wire = "&".join(f"{name}={quote(value, safe='')}" for name, value in stamped.items())
    url = URL(f"{exchange.url}{path}?{wire}&signature={signature}", encoded=True)
    headers = {"X-BX-APIKEY": KEYS.api_key}
    async with aiohttp.ClientSession() as session, session.request(method, url, headers=headers) as response:
        is_json = response.content_type == "application/json"
        body = await response.json() if is_json else await response.text()
        return response.status, dict(response.headers), body


async def call(exchange: Exchange, name: str, **parameters: str) -> Any:
    return (await request(exchange, name, **parameters))[2]


class Desk:
    """The exchange without HTTP. Its time stands still until a test moves it."""

    def __init__(self, folder: Path, balance: str = "10000", **switches: str) -> None:
        self.now = 1_700_000_000_000
        self.late = 0.0  # seconds for which what has changed is not shown
        self.journal = Journal(folder / "journal.jsonl")
        self.market = Market(volatility=0)
        self.book = Book(self.market, self.journal, lambda: self.now, Decimal(balance))
        if switches:
            self.book.switches = parse(self.book.switches, switches)

    def call(self, name: str, share: float = 1, **parameters: str) -> Any:
        answer = next(each.answer for each in ENDPOINTS if each.name == name)
        told = {"symbol": "BTC-USDT", **parameters}
        told = {key: value for key, value in told.items() if value}
        call = Call(
            book=self.book,
            parameters=told,
            faults=Faults(partial_fill=share, hide_orders=self.late, hide_positions=self.late),
        )
        return answer(call)

    def place(self, **parameters: str) -> Any:
        """A market buy of 0.1 BTC that opens a long, unless told otherwise."""
        plain = {"side": "BUY", "positionSide": "LONG", "type": "MARKET", "quantity": "0.1"}
        return self.call("place_order", **(plain | parameters))["order"]

    def price(self, price: str, symbol: str = "BTC-USDT", share: float = 1) -> None:
        self.market.set(symbol, Decimal(price))
        self.book.fill_crossed(Decimal(str(share)))

    def positions(self) -> dict[str, str]:
        return {each["positionSide"]: each["positionAmt"] for each in self.call("positions")}

    def open(self) -> list[tuple[str, str, str, str]]:
        """Type, side, quantity and status of each open order."""
        told = self.call("open_orders")["orders"]
        return [(each["type"], each["side"], each["origQty"], each["status"]) for each in told]

    def status(self, order: Any) -> str:
        return str(self.call("query_order", orderId=str(order["orderId"]))["order"]["status"])

    def restarted(self, folder: Path) -> "Desk":
        """A second one over the same files; this one is as good as killed."""
        after = Desk(folder)
        after.now = self.now
        return after


def refused(desk: Desk, name: str = "place_order", **parameters: str) -> tuple[int, str]:
    """Code and text of the refusal, which has to leave everything as it was."""
    before = (desk.open(), desk.positions())
    with pytest.raises(BingXError) as caught:
        desk.place(**parameters) if name == "place_order" else desk.call(name, **parameters)
    assert (desk.open(), desk.positions()) == before
    return caught.value.code, caught.value.text
