"""Many messages from several chats at once, and a database that goes away meanwhile: none lost, none doubled.

VOLUME_COUNT sets how many messages, FUZZ_SEED which.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from prometheus_client import CollectorRegistry

from bot.desk import Desk
from bot.intake import accept
from bot.ports import Incoming, OutcomeUnknown, TryAgain
from tests.bot.broken_database import Wire, wired
from tests.bot.fake_exchange import FakeExchange
from tests.bot.flood import AT_ONCE, key, mixed, settled, trading_desk
from tests.bot.play import until
from tests.bot.stored import execute, prepared

COUNT, SEED = int(os.environ.get("VOLUME_COUNT", "2000")), int(os.environ.get("FUZZ_SEED", "1"))
FAILURES = 5
LONG = 60.0 + COUNT / 20  # seconds; the machine may be busy


def test_how_many_messages_there_are(record_property: Callable[[str, object], None]) -> None:
    record_property("sampled", f"{COUNT} messages; VOLUME_COUNT sets how many")
    assert COUNT >= 500


@pytest.fixture
async def wire(dsn: str) -> AsyncIterator[Wire]:
    async with wired(dsn) as made:
        yield made


class Delivery:
    """As a source does: the same message again until its verdict is known."""

    def __init__(self, desk: Desk, messages: Iterator[Incoming]) -> None:
        self.desk, self.messages = desk, messages
        self.verdicts = Counter[str]()
        self.failures = 0

    async def lane(self) -> None:
        for message in self.messages:
            await until(lambda: self.take(message), LONG)  # noqa: B023 - called before the next one

    async def take(self, message: Incoming) -> bool:
        try:
            verdict, _ = await accept(self.desk, message)
        except (TryAgain, OutcomeUnknown):
            self.failures += 1
            return False
        self.verdicts[verdict.value] += 1
        return True

    async def break_off(self, wire: Wire) -> None:
        """In the middle of what the database is being told; healed after several failures."""
        await until(lambda: self.verdicts.total() >= COUNT // 2, LONG)
        wire.up = 700
        await until(lambda: self.failures >= FAILURES, LONG)
        wire.heal()


async def test_every_message_has_one_row_with_a_final_verdict(dsn: str, wire: Wire) -> None:
    messages, exchange = mixed(COUNT, SEED), FakeExchange()
    distinct = Counter({key(each): 1 for each in messages})
    async with prepared(wire.dsn) as store:
        desk = await trading_desk(store, exchange, CollectorRegistry())
        delivery = Delivery(desk, iter(messages))
        async with asyncio.TaskGroup() as group:
            group.create_task(delivery.break_off(wire))
            for _ in range(AT_ONCE):
                group.create_task(delivery.lane())
        await settled(desk)
    rows = await execute(dsn, "SELECT source, chat, message_id, verdict FROM signals")
    told = Counter(row[3] for row in rows)
    assert Counter(tuple(row[:3]) for row in rows) == distinct
    assert set(told) <= {"accepted", "refused", "ignored", "unreadable"}
    assert min(told[verdict] for verdict in ("accepted", "refused", "ignored")) > 0
    assert delivery.verdicts.total() == len(messages)
    assert delivery.verdicts["duplicate"] >= len(messages) - len(distinct) > 0
    orders = {row[0] for row in await execute(dsn, "SELECT client_id FROM orders")}
    assert len(orders) == told["accepted"]
    assert (len(exchange.sent), set(exchange.sent) - orders) == (len(set(exchange.sent)), set())
