"""A desk with fakes around it, open for trading, whose clock stands still until it is moved."""

import contextlib
from dataclasses import dataclass
from datetime import timedelta

from prometheus_client import CollectorRegistry

from bot.desk import Desk
from bot.domain.order import State
from bot.domain.reason import Verdict
from bot.intake import on_signal
from bot.keeper import look
from bot.ports import Incoming, OutcomeUnknown, Refused, SignalRow, TryAgain
from tests.bot.desks import BEGAN, NEVER, RICH, make_desk
from tests.bot.fake_exchange import FakeExchange
from tests.bot.fakes import FakeStore, opened


@dataclass(slots=True, kw_only=True)
class Room:
    desk: Desk
    store: FakeStore
    exchange: FakeExchange
    registry: CollectorRegistry
    now: float = 100.0

    async def send(self, text: str = "BUY BTCUSDT 0.1", id_: str = "1") -> tuple[Verdict, SignalRow]:
        return await on_signal(self.desk, Incoming(source="test", chat="c", message_id=id_, text=text))

    async def resolve_for(self, seconds: float, step: float = 1.0) -> None:
        for _ in range(int(seconds / step)):
            with contextlib.suppress(TryAgain, OutcomeUnknown, Refused):
                await look(self.desk)
            self.now += step

    def state(self) -> State:
        (order,) = self.store.orders()
        return order.state

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, {"source": "test", **labels}) or 0

    def placed_and_failed(self) -> tuple[float, dict[str, float]]:
        reasons = ("rejected", "unreachable", "not_sent")
        failed = {each: self.count("orders_failed_total", reason=each) for each in reasons}
        return self.count("orders_total"), {reason: count for reason, count in failed.items() if count}


async def make_room() -> Room:
    store, exchange, registry = FakeStore(), FakeExchange(), CollectorRegistry()
    desk = make_desk(store, exchange, registry)
    made = Room(desk=desk, store=store, exchange=exchange, registry=registry)
    desk.clock = lambda: made.now
    desk.wall = store.clock = lambda: BEGAN + timedelta(seconds=made.now)
    desk.epoch, desk.switch = await opened(store), await store.switch()
    desk.lease_until, desk.money = NEVER, RICH
    desk.was_ready.set()
    await look(desk)
    return made


async def renewed(room: Room, store: FakeStore) -> FakeStore:
    store.clock = room.store.clock
    room.desk.store = store
    room.desk.epoch = await opened(store)
    return store
