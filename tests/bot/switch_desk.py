"""A desk with a true control directory, and databases that hang while the switch is closed or opened."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry

from bot.adapters.control import ControlDirectory
from bot.desk import Desk, since_boot
from bot.domain import health
from bot.domain.picture import Picture, draw
from bot.domain.switch import Level, Switch
from bot.switching import keep_switch
from tests.bot.desks import make_desk
from tests.bot.fake_exchange import FakeExchange
from tests.bot.fakes import FakeStore
from tests.bot.test_protection import position


@dataclass(slots=True, kw_only=True)
class Frozen(FakeStore):
    """Does and answers nothing about the switch until it is thawed."""

    thawed: asyncio.Event = field(default_factory=asyncio.Event)

    async def switch(self) -> Switch:
        await self.thawed.wait()
        return await FakeStore.switch(self)

    async def set_switch(self, switch: Switch) -> Switch:
        await self.thawed.wait()
        return await FakeStore.set_switch(self, switch)


@dataclass(slots=True, kw_only=True)
class Slow(FakeStore):
    """The first writing hangs until it is let go, those after it do not."""

    hangs: bool = True
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    async def set_switch(self, switch: Switch) -> Switch:
        if self.hangs:
            self.hangs = False
            self.begun.set()
            await self.let_go.wait()
        return await FakeStore.set_switch(self, switch)


def seen(*positions: str, age: float = 0) -> Picture:
    return draw(
        positions=[position(quantity) for quantity in positions],
        orders=[],
        live=[],
        missing=[],
        before=None,
        contracts={},
        hedged=True,
        asked_at=since_boot() - age,
        read_at=datetime.now(UTC),
        window=0,
    )


def switch_desk(control: Path, store: FakeStore) -> Desk:
    """Nothing speaks against trading, but the switch was not read yet."""
    desk = make_desk(store, FakeExchange(), CollectorRegistry())
    desk.control = ControlDirectory(control)
    desk.checks = {name: health.passed(check, 0.0) for name, check in desk.checks.items()}
    desk.epoch, desk.lease_until = 1, since_boot() + 1000
    desk.picture = seen()
    return desk


async def open_desk(control: Path, store: FakeStore) -> Desk:
    """The same once the switch was read, which must allow it."""
    desk = switch_desk(control, store)
    await keep_switch(desk)
    assert desk.closed() == ""
    return desk


def a_row(level: int, reason: str, age: float = 60) -> Switch:
    return Switch(level=Level(level), reason=reason, who="ann", changed_at=ago(age))


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


def rows(store: FakeStore) -> list[tuple[int, str, str]]:
    """What was written after the first row."""
    return [(int(row.level), row.reason, row.who) for row in store.switches[1:]]


def gauge(desk: Desk) -> float:
    [family] = desk.metrics.bot_switch_level._gauge.collect()
    return float(family.samples[0].value)
