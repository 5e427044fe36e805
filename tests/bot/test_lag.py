"""Lists that show late what the exchange did, and looks that take long: nothing is done twice for that."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

import pytest

from bot.domain.account import ExchangeOrder, NewOrder, Position, Purpose
from bot.domain.order import Event, Order, Report, State
from bot.domain.switch import Level, Switch
from bot.keeper import look
from bot.ports import OutcomeUnknown, PastTrigger, Refused, TryAgain
from bot.positions import adopt
from tests.bot.fake_exchange import FakeExchange
from tests.bot.room import BEGAN, Room
from tests.bot.test_protection import position, stop, target, trade

WINDOW = 5  # as in the pace of the room


@dataclass(slots=True, kw_only=True)
class Listing(FakeExchange):
    """Lists what it is told to, whatever it takes; `answers` are for what is submitted."""

    held: list[Position] = field(default_factory=list)
    open: list[ExchangeOrder] = field(default_factory=list)
    submitted: list[tuple[Purpose, Decimal | None]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)  # of what was submitted
    cancelled: list[str] = field(default_factory=list)
    emptied: list[str] = field(default_factory=list)
    answers: list[Exception | None] = field(default_factory=list)
    asked: Callable[[], None] = lambda: None
    cancels: Report | None = None  # what a cancel is answered with
    hangs: asyncio.Event | None = None  # until then no cancel is answered

    async def positions(self) -> Sequence[Position]:
        return self.held

    async def open_orders(self, symbol: str | None = None) -> Sequence[ExchangeOrder]:
        return self.open

    async def find(self, symbol: str, client_id: str) -> Report | None:
        self.asked()
        return await FakeExchange.find(self, symbol, client_id)

    async def submit(self, order: NewOrder, gate: Callable[[], str]) -> Report:
        self.submitted.append((order.purpose, order.quantity))
        self.names.append(order.client_id)
        if self.answers and (error := self.answers.pop(0)):
            raise error
        return Report(client_id=order.client_id, event=Event.ACCEPTED)

    async def cancel(self, symbol: str, *, client_id: str = "", exchange_id: str = "") -> Report | None:
        self.cancelled.append(exchange_id or client_id)
        if self.hangs:
            await self.hangs.wait()
        return self.cancels

    async def cancel_all(self, symbol: str) -> Sequence[str]:
        if symbol == "AAA-USDT":
            raise TryAgain("busy")
        self.emptied.append(symbol)
        return []


@pytest.fixture
def listing(room: Room) -> Listing:
    exchange = Listing()
    room.exchange = room.desk.exchange = room.desk.account = exchange
    return exchange


async def holds(room: Room, *trades: Order) -> None:
    for each in trades:
        await room.store.adopt(each, "a test")


STOP, TARGET, CLOSE = Purpose.STOP, Purpose.TARGET, Purpose.CLOSE
OLD, NEW = trade("1", "90", name="old"), trade("1", "95", name="new")


async def test_a_position_bare_in_one_slow_look_may_only_have_been_listed_before_its_stop(
    room: Room, listing: Listing
) -> None:
    await holds(
        room, OLD, replace(trade("1", "90", name="rests"), state=State.UNKNOWN, filled_quantity=Decimal(0))
    )
    listing.held = [position()]

    def takes_long() -> None:
        room.now += 10

    listing.asked = takes_long
    await look(room.desk)
    assert listing.submitted == []
    await look(room.desk)
    assert listing.submitted == [(STOP, 1)]


async def test_what_was_sent_is_not_sent_again_by_a_look_that_began_before_it_could_show(
    room: Room, listing: Listing
) -> None:
    await holds(
        room, OLD, replace(trade("1", "90", name="rests"), state=State.UNKNOWN, filled_quantity=Decimal(0))
    )
    listing.held = [position()]
    await room.resolve_for(3)
    assert listing.submitted == [(STOP, 1)]

    def takes_long() -> None:
        room.now += WINDOW

    listing.asked = takes_long
    await look(room.desk)
    assert listing.submitted == [(STOP, 1)]


async def test_a_step_that_was_not_taken_lets_none_before_it_be_taken_twice(
    room: Room, listing: Listing
) -> None:
    await holds(room, OLD, NEW)
    listing.held = [position("2")]
    listing.answers = [None, TryAgain("too many calls")]
    await room.resolve_for(4)
    assert listing.submitted == [(STOP, 1), (STOP, 1)]


async def test_a_stop_that_is_refused_keeps_no_other_from_its_turn(room: Room, listing: Listing) -> None:
    await holds(room, OLD, replace(NEW, filled_quantity=Decimal(2)))
    listing.held = [position("3")]
    listing.answers = [Refused("110402: price band")]
    await room.resolve_for(3)
    assert listing.submitted == [(STOP, 2), (STOP, 1)]


async def test_a_target_that_was_reached_is_not_reached_again_while_the_position_is_listed_whole(
    room: Room, listing: Listing
) -> None:
    await holds(room, trade("1", "90", "110", "120"))
    listing.held, listing.open = (
        [position()],
        [stop("90"), target("110", "0.5"), target("120", "0.5", id_="2")],
    )
    await room.resolve_for(2 * WINDOW)
    assert listing.submitted == []
    listing.held, listing.open = [position(mark="111")], [stop("90"), target("120", "0.5", id_="2")]
    await room.resolve_for(WINDOW)
    assert listing.submitted == []
    await room.resolve_for(2)
    assert listing.submitted == [(CLOSE, Decimal("0.5"))]


async def test_a_stop_that_was_reached_does_not_close_what_another_signal_opened(
    room: Room, listing: Listing
) -> None:
    await holds(room, OLD, NEW)
    listing.held, listing.open = [position("2", mark="94")], [stop("90")]
    await room.resolve_for(WINDOW)
    assert listing.submitted == []
    await room.resolve_for(2)
    assert listing.submitted == [(CLOSE, 1)]


async def test_nor_if_the_exchange_refuses_a_stop_because_the_price_is_past_it(
    room: Room, listing: Listing
) -> None:
    await holds(room, OLD, NEW)
    listing.held, listing.open = [position("2")], [stop("90")]
    listing.answers = [PastTrigger("110411"), PastTrigger("110411")]
    await room.resolve_for(WINDOW)
    assert listing.submitted == [(STOP, 1)]
    await room.resolve_for(WINDOW)
    assert listing.submitted == [(STOP, 1), (STOP, 1), (CLOSE, 1)]


async def test_a_price_past_the_only_stop_is_not_waited_on(room: Room, listing: Listing) -> None:
    await holds(room, OLD)
    listing.held = [position(mark="89")]
    await room.resolve_for(3)
    assert listing.submitted == [(CLOSE, 1)]


async def test_the_account_is_as_old_as_the_question_about_it(room: Room, listing: Listing) -> None:
    await holds(
        room, replace(trade("1", "90", name="rests"), state=State.UNKNOWN, filled_quantity=Decimal(0))
    )

    def takes_long() -> None:
        room.now += 31

    listing.asked = takes_long
    with pytest.raises(TryAgain):
        await look(room.desk)
    assert room.desk.closed() == "halted: the account was last read 31 s ago"


async def test_a_clock_that_is_set_back_makes_no_look_young_again(room: Room, listing: Listing) -> None:
    wall = room.desk.wall
    room.desk.wall = lambda: wall() - timedelta(hours=1)
    room.now += 31
    assert room.desk.closed() == "halted: the account was last read 31 s ago"


async def test_whoever_wakes_up_in_the_middle_of_a_look_does_nothing_by_it(
    room: Room, listing: Listing
) -> None:
    await holds(
        room, OLD, replace(trade("1", "90", name="rests"), state=State.UNKNOWN, filled_quantity=Decimal(0))
    )
    listing.held = [position()]
    room.desk.switch = Switch(level=Level.FLATTEN, reason="then", who="somebody")

    def sleeps() -> None:
        room.now += 3600

    listing.asked = sleeps
    with pytest.raises(TryAgain, match="read 3600 s ago"):
        await look(room.desk)
    assert listing.submitted == []


@pytest.mark.parametrize("error", [TryAgain("busy"), OutcomeUnknown("504"), Refused("109400")])
async def test_at_level_3_a_close_that_fails_leaves_no_position_without_its_stop(
    room: Room, listing: Listing, error: Exception
) -> None:
    await holds(room, OLD)
    listing.held = [position()]
    room.desk.switch = Switch(level=Level.FLATTEN, reason="enough", who="somebody")
    listing.answers = [error] * 20
    await room.resolve_for(WINDOW + 1)
    assert {purpose for purpose, _ in listing.submitted} == {CLOSE, STOP}


async def test_flat_long_ago_is_not_flat_for_the_window_now(room: Room, listing: Listing) -> None:
    async def halted(level: Level) -> None:
        room.desk.switch = Switch(level=level, reason="enough", who="somebody")
        await look(room.desk)

    await halted(Level.FLATTEN)
    room.now += 100
    await halted(Level.OPEN)
    listing.open = [stop("90"), replace(stop("90"), symbol="AAA-USDT")]
    await halted(Level.FLATTEN)
    assert listing.emptied == []
    await room.resolve_for(WINDOW + 1)
    assert "BTC-USDT" in listing.emptied  # though the one before it is not emptied


async def test_cancels_that_take_long_keep_no_position_waiting_for_its_stop(
    room: Room, listing: Listing
) -> None:
    resting = replace(trade(name="rests"), state=State.PENDING, filled_quantity=Decimal(0), expires_at=BEGAN)
    listing.orders["rests"] = Report(client_id="rests", event=Event.ACCEPTED)
    await holds(room, OLD, resting)
    listing.held = [position()]
    room.desk.uncovered_since = {("BTC-USDT", True): room.now - 10}
    listing.hangs = asyncio.Event()
    looking = asyncio.create_task(look(room.desk))
    for _ in range(100):
        await asyncio.sleep(0)
    assert (listing.cancelled, listing.submitted) == (["rests"], [(STOP, 1)])
    listing.hangs.set()
    await looking


async def test_what_was_taken_over_just_now_is_not_taken_over_again(room: Room, listing: Listing) -> None:
    listing.held = [position("2")]
    await room.store.adopt(replace(OLD, filled_quantity=Decimal("0.5")), "a test")
    await look(room.desk)
    order = await adopt(room.desk, "BTC-USDT", True, Decimal(90), (), "mine")
    assert order.filled_quantity == Decimal("1.5")
    with pytest.raises(Refused, match="not ours"):
        await adopt(room.desk, "BTC-USDT", True, Decimal(90), (), "pressed twice")


async def test_a_stop_and_targets_given_by_hand_fit_the_tick(room: Room, listing: Listing) -> None:
    listing.held = [position("2")]
    await look(room.desk)
    order = await adopt(room.desk, "BTC-USDT", True, Decimal("90.04"), (Decimal("120.07"),), "mine")
    assert (order.stop, order.targets) == (Decimal("90.1"), (Decimal("120.0"),))
