"""The account's orders: taken once per client id, filled when the price comes to them, journalled."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from bot.simulator.errors import BingXError
from bot.simulator.journal import Journal
from bot.simulator.market import Market
from bot.simulator.order import Order, check_value, from_line, read_order, to_line


class Book:
    def __init__(self, market: Market, journal: Journal, now_ms: Callable[[], int]) -> None:
        self._market = market
        self._journal = journal
        self._now_ms = now_ms
        self._orders: dict[int, Order] = {}
        self._by_client_id: dict[str, int] = {}
        for line in journal.lines():
            self._keep(from_line(line))

    def place(self, parameters: Mapping[str, str]) -> Order:
        contract = self._market.contracts.get(parameters.get("symbol", ""))
        if contract is None:
            raise BingXError(109425, f"{parameters.get('symbol', '')} not exist, please verify it")
        now = self._now_ms()
        order = read_order(parameters, contract, self._next_id(now), now)
        # An id is spent for the account's life, whatever became of its order.
        if order.client_id in self._by_client_id:
            raise BingXError(101481, "clientOrderID cannot be repeated")
        last = self._market.prices[order.symbol]
        check_value(order, contract, Decimal(order.price) if order.type == "LIMIT" else last)
        order = self._filled(order, last) if self._crosses(order, last) else order
        self._write(order)
        return order

    def find(self, parameters: Mapping[str, str], hidden_for_ms: float) -> Order:
        name = (parameters.get("clientOrderId") or parameters.get("clientOrderID") or "").lower()
        number = parameters.get("orderId", "")
        id_ = self._by_client_id.get(name) if name else int(number) if number.isdecimal() else None
        order = self._orders.get(id_) if id_ is not None else None
        if (
            order is None
            or order.symbol != parameters.get("symbol")
            or self._now_ms() - order.created < hidden_for_ms
        ):
            raise BingXError(109421, "order not exist")
        return order

    def open(self, symbol: str | None) -> Sequence[Order]:
        return [order for order in self.all() if order.status == "PENDING" and symbol in (None, order.symbol)]

    def all(self) -> Sequence[Order]:
        return list(self._orders.values())

    def fill_crossed(self) -> None:
        """A resting order trades at its own price once the last price has come to it."""
        for order in self.open(None):
            if self._crosses(order, self._market.prices[order.symbol]):
                self._write(self._filled(order, Decimal(order.price)))

    def _crosses(self, order: Order, last: Decimal) -> bool:
        if order.type == "MARKET":
            return True
        return last <= Decimal(order.price) if order.side == "BUY" else last >= Decimal(order.price)

    def _filled(self, order: Order, at: Decimal) -> Order:
        return replace(
            order,
            status="FILLED",
            executed=order.quantity,
            average=format(at, "f"),
            updated=self._now_ms(),
        )

    def _next_id(self, now_ms: int) -> int:
        """Nineteen digits, as BingX gives them; ever higher, also after a restart."""
        return max(now_ms * 1_000_000, max(self._orders, default=0) + 1)

    def _write(self, order: Order) -> None:
        self._journal.append(to_line(order))
        self._keep(order)

    def _keep(self, order: Order) -> None:
        self._orders[order.id] = order
        if order.client_id:
            self._by_client_id[order.client_id] = order.id
