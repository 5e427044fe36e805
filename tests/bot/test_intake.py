"""From a message to a committed decision: what is refused before any plan, and who waits for what."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.domain.reason import Reason, Verdict, code_of
from bot.domain.signal import Remark, Side, Signal, Unreadable
from bot.domain.switch import Halt, Level
from bot.intake import accept, decide, on_signal
from bot.ports import Incoming, OutcomeUnknown
from tests.bot.fakes import FakeStore
from tests.bot.room import Room, renewed

ORDER = Incoming(source="test", chat="c", message_id="1", text="BUY BTCUSDT 0.1")


async def test_a_message_is_accepted_before_its_order_is_answered(room: Room) -> None:
    room.exchange.answers = asyncio.Event()
    verdict, row = await accept(room.desk, ORDER)
    assert (verdict, row.order and row.order.state.value) == (Verdict.ACCEPTED, "intent")
    (sending,) = room.desk.sends.values()
    assert not sending.done()
    room.exchange.answers.set()
    assert (await sending).state.value == "filled"
    assert room.desk.sends == {}


async def test_who_repeats_a_message_under_way_hears_what_became_of_it(room: Room) -> None:
    room.exchange.answers = asyncio.Event()
    first = asyncio.create_task(on_signal(room.desk, ORDER))
    again = asyncio.create_task(on_signal(room.desk, ORDER))
    await asyncio.sleep(0)
    room.exchange.answers.set()
    (one, row), (two, same) = await asyncio.gather(first, again)
    assert {one, two} == {Verdict.ACCEPTED, Verdict.DUPLICATE}
    assert row.order
    assert same.order
    assert row.order.state is same.order.state
    assert len(room.exchange.sent) == 1


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (replace(ORDER, edited=True), Reason.EDITED),
        (replace(ORDER, reply=True), Reason.REPLY),
        (replace(ORDER, reading=Unreadable(reason=Reason.PAGE, text="did not come")), Reason.PAGE),
        (replace(ORDER, reading=Remark(reason=Reason.CLOSE, text="asks to close")), Reason.CLOSE),
    ],
    ids=lambda each: each.value if isinstance(each, Reason) else "",
)
async def test_what_else_is_known_of_a_message_can_refuse_it(
    room: Room, changed: Incoming, reason: Reason
) -> None:
    verdict, row = await on_signal(room.desk, changed)
    assert (verdict, code_of(row.reason), row.order) == (reason.verdict, reason, None)
    assert room.count("signal_verdicts_total", verdict=verdict, reason=reason) == 1
    assert room.exchange.sent == []


async def test_what_a_source_has_read_is_not_read_again(room: Room) -> None:
    reading = Signal(side=Side.SELL, symbol="BTC-USDT")
    assert decide(room.desk, replace(ORDER, reading=reading)).reading is reading


def _unlock(room: Room) -> None:
    room.desk.lease_until = 0.0


CLOSERS: dict[str, Callable[[Room], None]] = {
    "stopped": lambda room: setattr(room.desk, "stopped", "100413: wrong key"),
    "not enabled": lambda room: setattr(room.desk, "trading_enabled", False),
    "HALT file": lambda room: room.desk.control.halt(Halt(level=Level.NO_ENTRIES, reason="lunch")),
    "switch unread": lambda room: setattr(room.desk, "switch", None),
    "no lease": _unlock,
    "account not seen": lambda room: setattr(room.desk, "picture", None),
    "exchange errors": lambda room: setattr(room.exchange, "halts", "101204 to place_order 5 times"),
    "closing": lambda room: room.desk.closing.add(("BTC-USDT", True)),
}


@pytest.mark.parametrize("name", CLOSERS)
async def test_whatever_closes_has_a_reason_that_the_metric_knows(room: Room, name: str) -> None:
    CLOSERS[name](room)
    verdict, row = await on_signal(room.desk, ORDER)
    assert verdict is Verdict.REFUSED
    assert Reason(code_of(row.reason)).verdict is Verdict.REFUSED


async def test_a_refusal_whose_commit_was_not_heard_of_is_counted_as_itself_and_told(room: Room) -> None:
    class Forgetful(FakeStore):
        async def admit(self, row, epoch):  # type: ignore[no-untyped-def]
            kept = await FakeStore.admit(self, row, epoch)
            if kept is not None:
                raise OutcomeUnknown("the connection broke after the commit")
            return kept

    room.store = await renewed(room, Forgetful())
    refused = replace(ORDER, text="BUY DOGEUSDT 1")
    with pytest.raises(OutcomeUnknown):
        await on_signal(room.desk, refused)
    verdicts = [await on_signal(room.desk, refused) for _ in range(2)]
    assert [verdict for verdict, _ in verdicts] == [Verdict.DUPLICATE, Verdict.DUPLICATE]
    reason = Reason.SYMBOL_NOT_ALLOWED
    assert room.count("signal_verdicts_total", verdict="refused", reason=reason) == 1
    assert room.count("signal_verdicts_total", verdict="duplicate", reason="none") == 1
