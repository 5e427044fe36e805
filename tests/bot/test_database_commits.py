"""The real store in the middle of a commit: who was not told what came of it can learn it, and do it once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

import aiopg
import psycopg2
import pytest

from bot.adapters.postgres import Postgres
from bot.adapters.postgres_connections import is_refusal
from bot.domain.order import State
from bot.ports import OutcomeUnknown, SignalRow, TryAgain
from tests.bot.broken_database import Wire, fails, quietly, waits, wired
from tests.bot.fakes import opened
from tests.bot.play import until
from tests.bot.stored import ORDER, execute, prepared, row


@pytest.fixture
async def epoch(postgres: Postgres) -> int:
    return await opened(postgres)


async def test_a_backend_that_is_killed_in_its_commit_leaves_the_outcome_unknown(
    postgres: Postgres, epoch: int, dsn: str
) -> None:
    async with _slow_commits(dsn):
        lost = asyncio.create_task(fails(OutcomeUnknown, postgres.admit(row(), epoch)))
        await waits(dsn, 1)
        await execute(
            dsn, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        )
        await lost
    assert await postgres.find(row().incoming) is None
    assert await postgres.admit(row(), epoch)
    assert await postgres.counts() == {State.INTENT: 1}


async def test_a_commit_that_outlives_our_patience_is_found_afterwards(
    postgres: Postgres, epoch: int, dsn: str
) -> None:
    async with _slow_commits(dsn):
        await fails(OutcomeUnknown, postgres.admit(row(), epoch), "no answer within")
        # The same message waits for the first one's end, and so cannot be there twice.
        await fails(TryAgain, postgres.admit(row(), epoch), "statement timeout")
        # That a read finds nothing proves nothing.
        assert await postgres.find(row().incoming) is None

    async def is_there() -> bool:
        return await postgres.find(row().incoming) is not None

    await until(is_there)
    assert await postgres.admit(row(), epoch) is None
    assert await postgres.counts() == {State.INTENT: 1}


@pytest.mark.parametrize(
    ("code", "refused"),
    [("57014", True), ("23505", True), ("40P01", True), ("57P01", False), ("08006", False), (None, False)],
)
def test_only_what_says_so_is_a_refusal(code: str | None, refused: bool) -> None:
    """A server that is shut down may say so after it has committed."""

    class Told(psycopg2.Error):
        pgcode = code

    assert is_refusal(Told()) is refused


async def test_an_answer_that_never_comes_leaves_a_commit_unknown(dsn: str) -> None:
    async with _through_wire(dsn) as (store, wire, epoch):
        wire.down, wire.silent = 0, True
        await fails(OutcomeUnknown, store.admit(row(), epoch), "no answer within")
        wire.heal()
        assert await store.admit(row(), epoch) is None
        found = await store.find(row().incoming)
        assert found is not None
        assert found.order is not None
        assert await store.counts() == {State.INTENT: 1}


async def test_wherever_the_wire_breaks_a_message_becomes_one_intent(dsn: str) -> None:
    async with _through_wire(dsn) as (store, wire, epoch):
        wire.count()
        assert await store.admit(_numbered("whole"), epoch)
        up, down = wire.passed_up, wire.passed_down
        cuts = [("up", byte) for byte in range(1, up, 40)] + [("down", byte) for byte in range(1, down, 9)]
        seen = set()
        for direction, byte in [*cuts, ("up", up - 1), ("up", up), ("down", down - 1)]:
            message = f"{direction}{byte}"
            setattr(wire, direction, byte)
            told = await quietly(store.admit(_numbered(message), epoch))
            assert told is None or byte >= down - 6, "an answer without its end is no answer"
            wire.heal()
            seen.add((direction, await _is_new(store, _numbered(message), epoch)))
            found = await store.find(_numbered(message).incoming)
            assert found is not None
            assert found.order is not None
            assert found.order.client_id == f"tws{message}"
        orders = await execute(dsn, "SELECT client_id, count(*) FROM orders GROUP BY client_id")
        assert {count for _, count in orders} == {1}
        assert len(orders) == len(cuts) + 4
        # Cut on its way there it was not done, and on its way back it was.
        assert {("up", True), ("down", False)} <= seen
        assert ("down", True) not in seen


async def test_after_a_lost_answer_each_write_may_be_made_again(dsn: str) -> None:
    async with _through_wire(dsn) as (store, wire, epoch):
        await store.admit(row(), epoch)
        now = (await store.latest(1))[0].created_at
        assert now is not None
        placed = replace(ORDER, state=State.PENDING)
        filled = replace(ORDER, client_id="tws9", state=State.FILLED)
        switch = replace(await store.switch(), reason="again")
        calls: list[tuple[Any, ...]] = [
            (lambda: store.save(placed, was=State.INTENT), False),
            (lambda: store.close([ORDER.client_id]), None),
            (lambda: store.adopt(filled, "by hand"), None),
            (lambda: store.take_lease("the test", 60), epoch),
            (lambda: store.expect_balance(Decimal(7), now), None),
            (lambda: store.give_lease_back("the test"), None),
        ]
        for call, second in calls:
            wire.down = 0
            await fails(OutcomeUnknown, call())
            wire.heal()
            assert await call() == second
        wire.down = 0
        await fails(OutcomeUnknown, store.set_switch(switch))
        wire.heal()
        assert (await store.switch()).reason == "again"
        assert [order.state for order in await store.live()] == [State.PENDING, State.FILLED]
        assert await store.expected_balance() == (Decimal(7), now)
        assert await store.take_lease("other", 60) == epoch + 1


async def _is_new(store: Postgres, signal: SignalRow, epoch: int) -> bool:
    """Asked until it is answered: a connection that was cut a moment ago may not know it yet."""
    while True:
        with suppress(OutcomeUnknown):
            return await store.admit(signal, epoch) is not None


def _numbered(message: str) -> SignalRow:
    return row(message=message, order=replace(ORDER, client_id=f"tws{message}"))


@asynccontextmanager
async def _through_wire(dsn: str) -> AsyncIterator[tuple[Postgres, Wire, int]]:
    async with wired(dsn) as wire, prepared(wire.dsn, size=1) as store:
        yield store, wire, await opened(store)


@asynccontextmanager
async def _slow_commits(dsn: str) -> AsyncIterator[None]:
    """Each commit of a signal waits, past its last statement, until the block ends."""
    await execute(
        dsn,
        """CREATE FUNCTION wait_in_commit() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END';
        CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON signals DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION wait_in_commit()""",
    )
    async with aiopg.connect(dsn, enable_hstore=False) as other, other.cursor() as cursor:
        await cursor.execute("SELECT pg_advisory_lock(1)")
        yield
