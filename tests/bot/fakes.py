"""Stateful stand-ins for the bot's ports; test_store.py holds the store's to the real one's contract."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

from bot.domain.order import FAILED, Event, Order, Report, State
from bot.domain.plan import Contract
from bot.ports import Incoming, SignalRow

BTC = Contract(
    symbol="BTC-USDT",
    quantity_step=Decimal("0.0001"),
    price_tick=Decimal("0.1"),
    min_quantity=Decimal("0.0001"),
    min_notional=Decimal(2),
    online=True,
)


@dataclass(slots=True, kw_only=True)
class FakeStore:
    """`fail` is raised by the next call of that name, before anything is done."""

    rows: dict[tuple[str, str, str], SignalRow] = field(default_factory=dict)
    fail: dict[str, Exception] = field(default_factory=dict)

    def orders(self) -> list[Order]:
        return [row.order for row in self.rows.values() if row.order]

    async def admit(self, row: SignalRow) -> bool:
        self._maybe_fail("admit")
        if _key(row.incoming) in self.rows:
            return False
        now = datetime.now(UTC)
        order = replace(row.order, created_at=now) if row.order else None
        self.rows[_key(row.incoming)] = replace(row, created_at=now, order=order)
        return True

    async def find(self, incoming: Incoming) -> SignalRow | None:
        return self.rows.get(_key(incoming))

    async def save(self, order: Order, *, was: State) -> bool:
        self._maybe_fail("save")
        for key, row in self.rows.items():
            if row.order and row.order.client_id == order.client_id and row.order.state is was:
                self.rows[key] = replace(row, order=replace(order, created_at=row.order.created_at))
                return True
        return False

    async def unsettled(self) -> Sequence[Order]:
        open_states = (State.INTENT, State.UNKNOWN, State.PENDING)
        return [order for order in self.orders() if order.state in open_states]

    async def counts(self) -> Mapping[State, int]:
        states = [order.state for order in self.orders()]
        return {state: states.count(state) for state in states}

    async def failed_in_a_row(self) -> int:
        count = 0
        for order in self.orders():
            if order.state in FAILED:
                count += 1
            elif order.state in (State.PENDING, State.FILLED, State.CANCELLED):
                count = 0
        return count

    async def latest(self, limit: int) -> Sequence[SignalRow]:
        return list(reversed(self.rows.values()))[:limit]

    def _maybe_fail(self, name: str) -> None:
        if name in self.fail:
            raise self.fail.pop(name)


def _key(incoming: Incoming) -> tuple[str, str, str]:
    return incoming.source, incoming.chat, incoming.message_id


@dataclass(slots=True, kw_only=True)
class FakeExchange:
    """Takes every order; `lose` then forgets to answer, `fail` refuses before taking it."""

    orders: dict[str, Report] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    fail: Exception | None = None
    lose: Exception | None = None
    mute: Exception | None = None
    takes: Event = Event.FILLED

    async def contracts(self) -> Mapping[str, Contract]:
        return {"BTC-USDT": BTC}

    async def prices(self) -> Mapping[str, Decimal]:
        return {"BTC-USDT": Decimal(60000)}

    async def clock_offset(self) -> float:
        return 0.0

    async def place(self, order: Order) -> Report:
        self.sent.append(order.client_id)
        if self.fail:
            raise self.fail
        report = Report(
            client_id=order.client_id, event=self.takes, exchange_id="1", filled_quantity=Decimal(0)
        )
        self.orders[order.client_id] = report
        if self.lose:
            raise self.lose
        return report

    async def find(self, symbol: str, client_id: str) -> Report | None:
        if self.mute:
            raise self.mute
        return self.orders.get(client_id)
