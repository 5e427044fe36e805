"""The account's orders: taken once per client id, triggered and filled as the price comes, journalled."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal
from typing import Any

from bot.simulator import rules
from bot.simulator.account import PLAY_MONEY, Account, Position
from bot.simulator.errors import BingXError
from bot.simulator.journal import Journal, as_line
from bot.simulator.market import Market, next_funding
from bot.simulator.order import OPEN, ZERO, Order, attached_stop, from_line, read_attached
from bot.simulator.request import Request, client_id_of
from bot.simulator.switches import Switches

ONE = Decimal(1)
A_SECOND = 1000
TWO_HOURS = 2 * 3600 * 1000
PRICES_KEPT_EVERY = 10 * A_SECOND
_TOO_SOON = "The same order number is only allowed to be submitted once within 1 second."


class Book:
    def __init__(
        self,
        market: Market,
        journal: Journal,
        now_ms: Callable[[], int],
        balance: Decimal = PLAY_MONEY,  # of an account that has no journal yet
    ) -> None:
        self.market = market
        self.account = Account(market, balance)
        self.switches = Switches()
        self._journal = journal
        self.now_ms = now_ms  # may step back
        self._orders: dict[int, Order] = {}  # all of them, in the sequence in which they came
        self._open: dict[int, Order] = {}
        self._by_client_id: dict[str, int] = {}
        self._attached: dict[tuple[int, str], int] = {}  # by entry and type
        self._changed: dict[int, Order] = {}  # since the last commit
        self._cancelled: dict[int, int] = {}  # when somebody last tried to cancel it
        self._next_funding = next_funding(now_ms())
        for line in journal.lines():
            self._restore(line)
        self._last_id = max(self._orders, default=0)
        self._kept_income = 0  # how much of it is in the journal
        journal.rewrite(self._line(self._orders))

    # What is asked.

    def find(self, parameters: Mapping[str, str], hidden_for_ms: float = 0) -> Order:
        name, number = client_id_of(parameters), parameters.get("orderId", "")
        id_ = self._by_client_id.get(name) if name else int(number) if number.isdecimal() else None
        order = self._orders.get(id_) if id_ is not None else None
        age = self.now_ms() - order.created if order else 0
        if order is None or order.symbol != parameters.get("symbol"):
            raise BingXError(109421, "order not exist")
        if hidden_for_ms and age < hidden_for_ms:
            code = int(self.switches.hidden)
            raise BingXError(code, "order not exist" if code == 109421 else "order is being processed")
        if name and self.switches.client_id_window == "2h" and age > TWO_HOURS:
            raise BingXError(109421, "order not exist")
        return order

    def open(self, symbol: str | None = None, hidden_for_ms: float = 0) -> list[Order]:
        shown = self._shown(self._open.values(), hidden_for_ms)
        return [each for each in shown if symbol in (None, each.symbol)]

    def all(self) -> Sequence[Order]:
        """What was sent to the exchange, without the stops and closes that it made of that."""
        return [each for each in self._orders.values() if not each.parent]

    def history(self, hidden_for_ms: float = 0) -> Sequence[Order]:
        """Every order in the sequence in which they were taken, with stops and closes."""
        return self._shown(self._orders.values(), hidden_for_ms)

    def positions(self, hidden_for_ms: float = 0) -> list[Position]:
        """The positions; with a number, as they were so long ago."""
        if hidden_for_ms:
            return self.account.positions_at(self.now_ms() - hidden_for_ms)
        return list(self.account.positions.values())

    def frozen_margin(self) -> Decimal:
        return rules.frozen_margin(self.account, self._open.values())

    def _shown(self, orders: Iterable[Order], hidden_for_ms: float) -> list[Order]:
        latest = self.now_ms() - hidden_for_ms
        return [each for each in orders if not hidden_for_ms or each.created <= latest]

    # What is told to do.

    def place(self, parameters: Mapping[str, str], share: Decimal = ONE) -> Order:
        """Take an order or raise its refusal; `share` of it may trade at each step of the price."""
        now, contract = self.now_ms(), self.market.contract(parameters.get("symbol", ""))
        request = Request(
            parameters=parameters, contract=contract, hedge=self.account.hedge, switches=self.switches
        )
        order = request.order(self._next_id(now), now)
        self._check_client_id(order, now)
        order = replace(order, leverage=self.account.leverage(order.symbol, order.direction))
        rules.check(order, self.account, self.open(), self.switches)
        self._keep(order)
        if not order.is_stop:
            self._match(order, share, taker=True)
        self.commit()
        return self._orders[order.id]

    def cancel(self, parameters: Mapping[str, str], hidden_for_ms: float = 0) -> Order:
        try:
            order = self.find(parameters, hidden_for_ms)
        except BingXError as error:
            code = int(self.switches.cancel_absent) if error.code == 109421 else error.code
            raise BingXError(code, error.text) from None
        now = self.now_ms()
        before = self._cancelled.get(order.id, now - A_SECOND)
        self._cancelled[order.id] = now
        if abs(now - before) < A_SECOND:
            raise BingXError(109201, _TOO_SOON)
        if order.status not in OPEN:
            code = int(self.switches.cancel_closed)
            gone = code in (109400, 109421)
            raise BingXError(code, "order not exist" if gone else "order already filled")
        self._cancel(order)
        self.commit()
        return self._orders[order.id]

    def cancel_all(self, symbol: str | None, kind: str | None) -> list[Order]:
        chosen = [each for each in self.open(symbol) if kind in (None, each.type)]
        for order in chosen:
            self._cancel(order)
        self.commit()
        return [self._orders[each.id] for each in chosen]

    def close(self, position: Position) -> Order:
        """Close a whole position at the last price."""
        order = self._close(position)
        self.commit()
        return order

    def fill(self, id_: int, quantity: Decimal) -> Order:
        """Fill so much of a resting order at its own price, wherever the market is."""
        order = self._open.get(id_)
        if order is None or order.status == "NEW":
            raise ValueError(f"{id_} is no order that rests")
        if not quantity.is_finite() or not 0 < quantity <= order.remaining:
            raise ValueError(f"quantity must be above zero and at most {order.remaining:f}")
        self._fill(order, quantity, order.price or self.market.prices[order.symbol], maker=True)
        self.commit()
        return self._orders[id_]

    def fill_crossed(self, share: Decimal = ONE) -> None:
        """Let the prices work: triggers, resting orders at their own price, liquidations, funding."""
        for id_ in list(self._open):
            order = self._open.get(id_)
            if order is None:
                continue  # another order's end was its end
            if order.status != "NEW":
                self._match(order, share, taker=order.type != "LIMIT")
            elif rules.is_reached(order, self.account):
                self._trigger(order, share)
        self._liquidate()
        now = self.now_ms()
        if funded := now >= self._next_funding:
            self._next_funding = next_funding(now)
            self.account.pay_funding(now)
        if self._changed or funded or now - self._prices_kept >= PRICES_KEPT_EVERY:
            self.commit()

    def commit(self) -> None:
        """One line for all that one request or one step of the prices has changed."""
        self._journal.append(self._line(self._changed))
        self._changed = {}

    # What becomes of an order.

    def _check_client_id(self, order: Order, now: int) -> None:
        """An id is spent for the account's life, whatever became of its order."""
        if order.client_id not in self._by_client_id:
            return
        if abs(now - self._orders[self._by_client_id[order.client_id]].created) < A_SECOND:
            raise BingXError(109201, _TOO_SOON)
        raise BingXError(int(self.switches.duplicate), "clientOrderID cannot be repeated")

    def _match(self, order: Order, share: Decimal, *, taker: bool) -> None:
        last = self.market.prices[order.symbol]
        if not rules.is_crossed(order, last):
            return
        quantity = order.remaining
        if share < 1:
            step = self.market.contracts[order.symbol].step
            quantity = min(quantity, max((order.quantity * share).quantize(step, ROUND_DOWN), step))
        if order.is_closing:
            position = self.account.against(order)
            quantity = min(quantity, position.quantity if position else ZERO)
        if quantity:
            self._fill(order, quantity, last if taker else order.price, maker=not taker)
        else:
            self._cancel(order)

    def _fill(self, order: Order, quantity: Decimal, price: Decimal, *, maker: bool) -> None:
        now = self.now_ms()
        profit, commission = self.account.trade(order, quantity, price, maker, now)
        executed = order.executed + quantity
        average = (order.average * order.executed + price * quantity) / executed
        order = replace(
            order,
            status="FILLED" if executed == order.quantity else "PARTIALLY_FILLED",
            executed=executed,
            average=average.quantize(self.market.contracts[order.symbol].tick),
            profit=order.profit + profit,
            commission=order.commission + commission,
            updated=now,
        )
        self._keep(order)
        if self.switches.partial_stop == "grows":
            self._attach(order, quantity)
        elif order.status == "FILLED":
            self._attach(order, order.executed)
        is_over = order.is_closing and not self.account.against(order)
        if is_over and self.switches.leftover_stops == "go":
            self._cancel_closing(order.symbol, order.position_side)

    def _attach(self, entry: Order, quantity: Decimal) -> None:
        """The stops that came with an entry protect what has been filled of it."""
        for told in (entry.stop_loss, entry.take_profit):
            if not told or entry.is_closing:
                continue
            stop, now = read_attached(told), self.now_ms()
            there = self._open.get(self._attached.get((entry.id, stop.type), 0))
            if there and there.status == "NEW":
                self._keep(replace(there, quantity=there.quantity + quantity, updated=now))
            else:
                self._keep(attached_stop(entry, stop, quantity, self._next_id(now), now))

    def _trigger(self, order: Order, share: Decimal) -> None:
        order = replace(order, status="PENDING", updated=self.now_ms())
        if order.is_closing:
            position = self.account.against(order)
            whole = position.quantity if position else ZERO
            if not whole or (order.quantity > whole and self.switches.oversized_stop == "fails"):
                self._keep(replace(order, status="FAILED"))
                return
            order = replace(order, quantity=whole if order.close_position else min(order.quantity, whole))
        else:
            try:
                rules.check_margin(order, self.account, self.open(), self.switches)
            except BingXError:
                self._keep(replace(order, status="FAILED"))
                return
        self._keep(order)
        self._match(order, share, taker=True)

    def _liquidate(self) -> None:
        for position in self.positions():
            price = self.account.liquidation_price(position)
            mark = self.market.mark(position.symbol)
            if price and (mark - price) * position.sign <= 0:
                order = self._close(position)
                self._cancel_closing(order.symbol, order.position_side)

    def _close(self, position: Position) -> Order:
        now, hedge = self.now_ms(), self.account.hedge
        order = Order(
            id=self._next_id(now),
            symbol=position.symbol,
            side="SELL" if position.side == "LONG" else "BUY",
            position_side=position.side if hedge else "BOTH",
            type="MARKET",
            quantity=position.quantity,
            reduce_only=not hedge,
            parent=position.id,
            leverage=self.account.leverage(position.symbol, position.side),
            created=now,
            updated=now,
        )
        self._match(order, ONE, taker=True)
        return self._orders[order.id]

    def _cancel(self, order: Order) -> None:
        self._keep(replace(order, status=self.switches.cancelled, updated=self.now_ms()))
        if order.executed and self.switches.partial_stop == "when_done":
            self._attach(order, order.executed)

    def _cancel_closing(self, symbol: str, position_side: str) -> None:
        for order in self.open(symbol):
            if order.position_side == position_side and order.is_closing:
                self._cancel(order)

    # What is kept.

    def _next_id(self, now_ms: int) -> int:
        """Nineteen digits, as BingX gives them; ever higher, also after a restart."""
        self._last_id = max(now_ms * 1_000_000, self._last_id + 1)
        return self._last_id

    def _keep(self, order: Order) -> None:
        self._changed[order.id] = order
        self._index(order)

    def _index(self, order: Order) -> None:
        self._orders[order.id] = order
        if order.status in OPEN:
            self._open[order.id] = order
        else:
            self._open.pop(order.id, None)
        if order.client_id:
            self._by_client_id[order.client_id] = order.id
        if order.parent:
            self._attached[order.parent, order.type] = order.id

    def _restore(self, line: Mapping[str, Any]) -> None:
        # The first version of the journal had a bare order on each line.
        for told in line.get("orders", (line,)):
            self._index(from_line(told))
        for symbol, price in line.get("prices", {}).items():
            if symbol in self.market.contracts:
                self.market.prices[symbol] = Decimal(price)
        self.account.income.extend(line.get("income", ()))
        if "account" in line:
            self.account.restore(line["account"], line.get("positions", ()))

    def _line(self, orders: Mapping[int, Order]) -> dict[str, Any]:
        """Of the journal: orders that changed, income that came, and the rest of the state as it is."""
        income = self.account.income[self._kept_income :]
        self._kept_income += len(income)
        self._prices_kept = self.now_ms()
        return {
            "orders": [as_line(order) for order in orders.values()],
            "prices": self.market.prices,
            "income": income,
            "account": self.account.kept(),
        }
