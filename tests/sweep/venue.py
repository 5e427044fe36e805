"""The simulator in a process of its own, moved over its control port by calls that need no event loop."""

import asyncio
import http.client
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.simulator import switches as switch
from tests.bot.play import running_simulator


def serve(folder: Path, switches: Mapping[str, str], hedge: bool, out: int) -> None:
    """Until it is killed; writes its port to `out`."""

    async def serving() -> None:
        async with running_simulator(folder / "exchange") as running:
            book = running.simulator.book
            book.account.hedge = hedge
            if switches:
                book.switches = switch.parse(book.switches, switches)
            os.write(out, running.url.rpartition(":")[2].encode())
            os.close(out)
            await asyncio.Event().wait()

    asyncio.run(serving())


class Venue:
    """What a test does to the exchange, and what it reads there past the bot."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def price(self, price: str, symbol: str = "BTC-USDT") -> None:
        """Twice, since a stop that comes with an entry is looked at from the next step on."""
        for _ in range(2):
            self._post("prices", {symbol: price})

    def fill(self, client_id: str, quantity: str) -> None:
        """So much of a resting order; nothing if it does not rest."""
        for order in self.open_orders():
            if order["clientOrderId"] == client_id:
                self._post("fill", {"orderId": str(order["orderId"]), "quantity": quantity})

    def cancel(self, client_id: str) -> None:
        """As a person does in the exchange's app."""
        for order in self.open_orders():
            if order["clientOrderId"] == client_id:
                told = {"orderId": str(order["orderId"]), "symbol": order["symbol"]}
                self._post("foreign", {"endpoint": "cancel_order", **told})

    def person(self, **order: str) -> None:
        self._post("foreign", order)

    def fault(self, **faults: object) -> None:
        self._post("faults", faults)

    def skew(self) -> float:
        """Seconds that its clock is ahead of this machine's."""
        return float(self._get("faults").get("clock_skew", 0))

    def orders(self) -> list[dict[str, Any]]:
        """All that was ever sent to it."""
        found: list[dict[str, Any]] = self._get("orders")
        return found

    def open_orders(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.account()["open_orders"]
        return found

    def account(self) -> dict[str, Any]:
        found: dict[str, Any] = self._get("account")
        return found

    def catch_up(self) -> None:
        """Returns when what others sent before has been answered, or at least taken."""
        for _ in range(3):
            self._get("prices")

    def _get(self, path: str) -> Any:
        return self._ask("GET", path, None)

    def _post(self, path: str, body: Mapping[str, object]) -> Any:
        return self._ask("POST", path, json.dumps(body))

    def _ask(self, method: str, path: str, body: str | None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, f"/control/{path}", body)
            response = connection.getresponse()
            told = json.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise ValueError(f"the simulator refuses {path}: {told}")
        return told
