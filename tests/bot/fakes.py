"""Stateful stand-ins for the bot's ports; test_store.py holds the store's to the real one's contract."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.adapters.postgres_rows import NEVER_SET
from bot.domain.mode import Mode
from bot.domain.order import FAILED, LIVE, Order, State
from bot.domain.reason import Verdict
from bot.domain.switch import Halt, Level, Switch
from bot.ports import Incoming, OrderStore, SignalRow, StopTrading, TryAgain


@dataclass(slots=True, kw_only=True)
class FakeLease:
    holder: str
    epoch: int
    until: datetime


@dataclass(slots=True, kw_only=True)
class FakeStore:
    """`fail` is raised by the next call of that name, before anything is done."""

    rows: dict[tuple[str, str, str], SignalRow] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)  # client ids
    chats: dict[str, int] = field(default_factory=dict)
    switches: list[Switch] = field(default_factory=list)
    lease: FakeLease | None = None
    bound: tuple[Mode, str] | None = None
    expected: tuple[Decimal, datetime] | None = None
    fail: dict[str, Exception] = field(default_factory=dict)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def orders(self) -> list[Order]:
        return [row.order for row in self.rows.values() if row.order]

    async def prepare(self) -> None:
        self._maybe_fail("prepare")

    async def admit(self, row: SignalRow, epoch: int | None) -> SignalRow | None:
        self._maybe_fail("admit")
        if _key(row.incoming) in self.rows:
            return None
        if row.order and (closed := self._closed(epoch)):
            row = replace(row, verdict=Verdict.REFUSED, reason=closed, order=None)
        return self._add(row)

    async def find(self, incoming: Incoming) -> SignalRow | None:
        self._maybe_fail("find")
        return self.rows.get(_key(incoming))

    async def save(self, order: Order, *, was: State) -> bool:
        self._maybe_fail("save")
        for key, row in self.rows.items():
            if row.order and row.order.client_id == order.client_id and row.order.state is was:
                if order.filled_quantity > row.order.filled_quantity:
                    self.closed.discard(order.client_id)
                self.rows[key] = replace(row, order=replace(row.order, **_changes(order)))
                return True
        return False

    async def live(self) -> Sequence[Order]:
        self._maybe_fail("live")
        return [order for order in self.orders() if self._is_live(order)]

    async def close(self, client_ids: Sequence[str]) -> None:
        self._maybe_fail("close")
        self.closed |= {order.client_id for order in self.orders() if order.client_id in client_ids}

    async def adopt(self, order: Order, reason: str) -> None:
        self._maybe_fail("adopt")
        told = Incoming(source=order.source, chat="", message_id=order.client_id, text=reason)
        if _key(told) not in self.rows:
            self._add(SignalRow(incoming=told, verdict=Verdict.ACCEPTED, reason=None, order=order))

    async def read_up_to(self) -> Mapping[str, int]:
        self._maybe_fail("read_up_to")
        return dict(self.chats)

    async def set_read_up_to(self, chat: str, message_id: int) -> None:
        self._maybe_fail("set_read_up_to")
        self.chats[chat] = max(message_id, self.chats.get(chat, message_id))

    async def counts(self) -> Mapping[State, int]:
        self._maybe_fail("counts")
        return Counter(order.state for order in self.orders())

    async def failed_in_a_row(self) -> int:
        self._maybe_fail("failed_in_a_row")
        count = 0
        for order in self.orders():
            if order.state in FAILED:
                count += 1
            elif order.state in (State.PENDING, State.FILLED, State.CANCELLED):
                count = 0
        return count

    async def signals_by_source(self) -> Mapping[str, int]:
        self._maybe_fail("signals_by_source")
        since = self.clock() - timedelta(hours=24)
        young = [row for row in self.rows.values() if row.created_at is None or row.created_at > since]
        return Counter(row.incoming.source for row in young)

    async def latest(self, limit: int) -> Sequence[SignalRow]:
        self._maybe_fail("latest")
        return list(reversed(self.rows.values()))[:limit]

    async def switch(self) -> Switch:
        self._maybe_fail("switch")
        return self.switches[-1] if self.switches else NEVER_SET

    async def set_switch(self, switch: Switch) -> Switch:
        self._maybe_fail("set_switch")
        self.switches.append(replace(switch, changed_at=self.clock()))
        return self.switches[-1]

    async def take_lease(self, holder: str, seconds: float) -> int | None:
        self._maybe_fail("take_lease")
        now = self.clock()
        held = self.lease if self.lease and self.lease.until > now else None
        if held and held.holder != holder:
            return None
        epoch = held.epoch if held else (self.lease.epoch if self.lease else 0) + 1
        self.lease = FakeLease(holder=holder, epoch=epoch, until=now + timedelta(seconds=seconds))
        return epoch

    async def give_lease_back(self, holder: str) -> None:
        self._maybe_fail("give_lease_back")
        if self.lease and self.lease.holder == holder:
            self.lease.until = min(self.lease.until, self.clock())

    async def stamp(self, mode: Mode, uid: str) -> None:
        self._maybe_fail("stamp")
        if self.bound is None:
            self.bound = (mode, uid)
            if not self.switches:
                level = Level.OPEN if mode is Mode.SIMULATOR else Level.NO_ENTRIES
                await self.set_switch(Switch(level=level, reason="a new database", who="bot"))
        if self.bound != (mode, uid):
            raise StopTrading(f"the database belongs to account {self.bound[1]} in mode {self.bound[0]}")

    async def expected_balance(self) -> tuple[Decimal, datetime] | None:
        self._maybe_fail("expected_balance")
        return self.expected

    async def expect_balance(self, amount: Decimal, at: datetime) -> None:
        self._maybe_fail("expect_balance")
        if self.bound is None:
            raise TryAgain("the database is not bound to an account yet")
        self.expected = (amount, at)

    def _add(self, row: SignalRow) -> SignalRow:
        now = self.clock()
        order = replace(row.order, created_at=now) if row.order else None
        self.rows[_key(row.incoming)] = replace(row, created_at=now, order=order)
        return self.rows[_key(row.incoming)]

    def _closed(self, epoch: int | None) -> str:
        switch = self.switches[-1] if self.switches else NEVER_SET
        if switch.level > 0:
            return f"halted: {switch.reason}"
        held = self.lease and self.lease.epoch == epoch and self.lease.until > self.clock()
        return "" if held else "halted: the lease is not held"

    def _is_live(self, order: Order) -> bool:
        may_be_open = order.state is State.FILLED or order.filled_quantity > 0
        return order.state in LIVE or (may_be_open and order.client_id not in self.closed)

    def _maybe_fail(self, name: str) -> None:
        if name in self.fail:
            raise self.fail.pop(name)


async def opened(store: OrderStore) -> int:
    """Bind it to the simulator, so that its switch is open, and take the lease: the epoch to admit with."""
    await store.stamp(Mode.SIMULATOR, "the account")
    epoch = await store.take_lease("the test", 3600)
    assert epoch is not None
    return epoch


def _changes(order: Order) -> dict[str, Any]:
    kept = ("state", "reason", "exchange_id", "filled_quantity", "average_price", "leverage")
    return {name: getattr(order, name) for name in kept}


def _key(incoming: Incoming) -> tuple[str, str, str]:
    return incoming.source, incoming.chat, incoming.message_id


@dataclass(slots=True, kw_only=True)
class FakeControl:
    """A control directory that stands open until somebody halts."""

    halted: Halt | None = None

    def read(self) -> Halt | None:
        return self.halted

    def halt(self, halt: Halt) -> None:
        self.halted = halt
