"""The use cases with fakes: every way an order can go wrong, and that it goes out at most once."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from bot.domain.order import Event, Order, Report, State
from bot.domain.reason import Verdict
from bot.keeper import look
from bot.ports import OutcomeUnknown, Refused, SignalRow, StopTrading, TryAgain
from tests.bot.fake_exchange import FakeExchange
from tests.bot.fakes import FakeStore
from tests.bot.room import Room, renewed


async def test_a_good_signal_is_stored_sent_and_counted_once(room: Room) -> None:
    verdict, row = await room.send()
    assert (verdict, room.state()) == (Verdict.ACCEPTED, State.FILLED)
    assert row.order is not None
    assert room.exchange.sent == [row.order.client_id]
    assert room.placed_and_failed() == (1, {})
    assert room.count("signals_received_total") == 1
    assert room.count("signal_verdicts_total", verdict="accepted", reason="none") == 1
    assert room.registry.get_sample_value("order_processing_seconds_count") == 1


async def test_the_same_message_again_gives_the_first_result_and_sends_nothing(room: Room) -> None:
    _, first = await room.send()
    verdict, again = await room.send()
    assert verdict is Verdict.DUPLICATE
    assert again.order is not None
    assert first.order is not None
    assert (again.order.client_id, again.order.state) == (first.order.client_id, State.FILLED)
    assert len(room.exchange.sent) == 1
    assert room.count("signal_verdicts_total", verdict="duplicate", reason="none") == 1


async def test_the_same_message_many_times_at_once_is_one_order(room: Room) -> None:
    results = await asyncio.gather(*(room.send() for _ in range(20)))
    assert [verdict for verdict, _ in results].count(Verdict.ACCEPTED) == 1
    assert len(room.exchange.sent) == 1


@pytest.mark.parametrize(
    ("text", "verdict", "reason"),
    [
        ("hello", Verdict.IGNORED, "no known format"),
        ("BUY DOGEUSDT 1", Verdict.REFUSED, "symbol_not_allowed"),
        ("BUY BTCUSDT 0.00001", Verdict.REFUSED, "below_minimum"),
    ],
)
async def test_what_is_not_ordered_is_stored_with_its_reason(
    room: Room, text: str, verdict: Verdict, reason: str
) -> None:
    told, row = await room.send(text)
    assert told is verdict
    assert reason in (row.reason or "")
    assert next(iter(room.store.rows.values())).verdict is verdict
    assert room.exchange.sent == []
    assert room.placed_and_failed() == (0, {})


async def test_a_halted_bot_stores_the_refusal_and_queues_nothing(room: Room) -> None:
    room.desk.trading_enabled = False
    verdict, row = await room.send()
    assert (verdict, row.order) == (Verdict.REFUSED, None)
    assert row.reason == "halted: TRADING_ENABLED is not true"
    room.desk.trading_enabled = True
    await room.resolve_for(10)
    assert room.exchange.sent == []


async def test_the_switch_is_asked_again_after_the_commit(room: Room) -> None:
    class ClosesTheSwitch(FakeStore):
        async def admit(self, row: SignalRow, epoch: int | None) -> SignalRow | None:
            room.desk.trading_enabled = False
            return await FakeStore.admit(self, row, epoch)

    room.store = await renewed(room, ClosesTheSwitch())
    await room.send()
    assert (room.exchange.sent, room.state()) == ([], State.NOT_SENT)
    assert room.placed_and_failed() == (1, {"not_sent": 1})


async def test_a_stale_price_refuses(room: Room) -> None:
    room.now += 6
    _, row = await room.send()
    assert "no_price" in (row.reason or "")


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (Refused("101204: Insufficient margin"), State.REJECTED, "rejected"),
        (TryAgain("connection refused"), State.NOT_SENT, "unreachable"),
        (StopTrading("100001: signature"), State.REJECTED, "rejected"),
    ],
)
async def test_an_order_that_was_surely_not_taken_has_failed(
    room: Room, error: Exception, state: State, reason: str
) -> None:
    room.exchange.fail = error
    await room.send()
    assert room.state() is state
    assert room.placed_and_failed() == (1, {reason: 1})
    await room.resolve_for(10)
    assert len(room.exchange.sent) == 1


async def test_a_bad_key_closes_the_bot_until_a_restart(room: Room) -> None:
    room.exchange.fail = StopTrading("100413: Incorrect apiKey")
    await room.send()
    room.exchange.fail = None
    _, row = await room.send(id_="2")
    assert row.reason == "stopped: 100413: Incorrect apiKey"
    assert len(room.exchange.sent) == 1


async def test_a_lost_answer_is_unknown_and_then_what_the_exchange_says(room: Room) -> None:
    room.exchange.lose = OutcomeUnknown("timeout")
    room.desk.look_now.clear()
    await room.send()
    assert room.state() is State.UNKNOWN
    assert room.desk.look_now.is_set()
    assert room.placed_and_failed() == (0, {})
    await look(room.desk)
    assert room.state() is State.FILLED
    assert room.placed_and_failed() == (1, {})
    assert len(room.exchange.sent) == 1


async def test_one_not_found_is_no_proof_of_absence(room: Room) -> None:
    room.exchange.fail = OutcomeUnknown("timeout")
    await room.send()
    await room.resolve_for(5)
    assert room.state() is State.UNKNOWN
    await room.resolve_for(1)
    assert room.state() is State.NOT_SENT
    assert room.placed_and_failed() == (1, {"not_sent": 1})
    assert len(room.exchange.sent) == 1


async def test_several_answers_are_needed_even_if_the_window_is_over(room: Room) -> None:
    room.exchange.fail = OutcomeUnknown("timeout")
    await room.send()
    await room.resolve_for(20, step=10)
    assert room.state() is State.UNKNOWN
    await room.resolve_for(10, step=10)
    assert room.state() is State.NOT_SENT


@pytest.mark.parametrize("error", [TryAgain("refused"), OutcomeUnknown("timeout"), Refused("109400: bad")])
async def test_a_failed_question_is_never_not_found(room: Room, error: Exception) -> None:
    room.exchange.fail, room.exchange.mute = OutcomeUnknown("timeout"), error
    await room.send()
    await room.resolve_for(60)
    assert room.state() is State.UNKNOWN


async def test_an_order_that_shows_late_is_adopted(room: Room) -> None:
    room.exchange.fail = OutcomeUnknown("timeout")
    _, row = await room.send()
    await room.resolve_for(4)
    assert row.order is not None
    name = row.order.client_id
    room.exchange.orders[name] = Report(client_id=name, event=Event.ACCEPTED, exchange_id="9")
    await room.resolve_for(1)
    assert room.state() is State.PENDING
    room.exchange.orders[name] = Report(client_id=name, event=Event.FILLED, exchange_id="9")
    await room.resolve_for(1)
    assert room.state() is State.FILLED
    assert room.placed_and_failed() == (1, {})


async def test_a_state_that_could_not_be_stored_is_asked_for_again(room: Room) -> None:
    room.store.fail["save"] = OutcomeUnknown("connection lost")
    _, row = await room.send()
    assert row.order is not None
    assert (row.order.state, room.state()) == (State.FILLED, State.INTENT)
    await look(room.desk)
    assert room.state() is State.FILLED
    assert room.placed_and_failed() == (1, {})
    assert len(room.exchange.sent) == 1


async def test_nothing_is_sent_when_the_intent_could_not_be_committed(room: Room) -> None:
    for error in (TryAgain("down"), OutcomeUnknown("lost")):
        room.store.fail["admit"] = error
        with pytest.raises(type(error)):
            await room.send()
    assert room.exchange.sent == []
    assert (room.count("signals_received_total"), room.count("signal_processing_errors_total")) == (1, 1)


async def test_an_intent_whose_commit_was_not_confirmed_is_closed_and_never_sent(room: Room) -> None:
    class CommitsAndFails(FakeStore):
        async def admit(self, row: SignalRow, epoch: int | None) -> SignalRow | None:
            await FakeStore.admit(self, row, epoch)
            raise OutcomeUnknown("connection lost")

    room.store = await renewed(room, CommitsAndFails())
    with pytest.raises(OutcomeUnknown):
        await room.send()
    await room.resolve_for(8)
    assert (room.state(), room.exchange.sent) == (State.NOT_SENT, [])


async def test_whoever_asked_may_go_away_while_the_order_is_sent(room: Room) -> None:
    gate, reached = asyncio.Event(), asyncio.Event()
    hold_place(room, gate, reached)
    asking = asyncio.create_task(room.send())
    await reached.wait()
    asking.cancel()
    await asyncio.wait({asking})
    sending = list(room.desk.sends.values())
    gate.set()
    await asyncio.wait(sending)
    assert (room.state(), room.placed_and_failed()) == (State.FILLED, (1, {}))


async def test_an_order_on_its_way_is_left_alone_by_the_resolver(room: Room) -> None:
    gate, reached = asyncio.Event(), asyncio.Event()
    hold_place(room, gate, reached)
    asking = asyncio.create_task(room.send())
    await reached.wait()
    await room.resolve_for(20)
    assert room.state() is State.INTENT
    gate.set()
    await asking
    assert room.state() is State.FILLED


async def test_a_bot_that_was_told_to_stop_takes_no_signal(room: Room) -> None:
    room.desk.leaving = True
    with pytest.raises(TryAgain, match="stopping"):
        await room.send()
    assert room.store.rows == {}


async def test_a_repeat_waits_for_the_order_on_its_way_and_gives_its_result(room: Room) -> None:
    gate, reached = asyncio.Event(), asyncio.Event()
    hold_place(room, gate, reached)
    asking = [asyncio.create_task(room.send()) for _ in range(3)]
    await reached.wait()
    await room.resolve_for(20)
    gate.set()
    results = await asyncio.gather(*asking)
    assert [row.order.state for _, row in results if row.order] == [State.FILLED] * 3
    assert len(room.exchange.sent) == 1


async def test_all_unsettled_orders_have_their_turn(room: Room) -> None:
    room.exchange.takes = Event.ACCEPTED
    for number in range(12):
        await room.send(id_=str(number))
    for name, report in room.exchange.orders.items():
        room.exchange.orders[name] = replace(report, event=Event.FILLED)
    await room.resolve_for(5)
    assert {order.state for order in room.store.orders()} == {State.FILLED}


def hold_place(room: Room, gate: asyncio.Event, reached: asyncio.Event) -> None:
    class Holding(FakeExchange):
        async def place(self, order: Order, gate_of_entries: Callable[[], str]) -> Report:
            reached.set()
            await gate.wait()
            return await FakeExchange.place(self, order, gate_of_entries)

    room.exchange = Holding()
    room.desk.exchange = room.desk.account = room.exchange
