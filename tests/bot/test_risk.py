"""What is held and on its way, and when that, its age or the day's loss refuses one more trade."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.domain.account import Position, PositionSide
from bot.domain.order import Order, State
from bot.domain.plan import Funds, Refusal, Room
from bot.domain.protection import Holding
from bot.domain.risk import (
    Exposure,
    against_age,
    against_trade,
    exposures,
    funds,
    rooms,
)
from bot.domain.signal import Side
from tests.bot import desks
from tests.bot.desks import RICH

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LIMITS = replace(
    desks.LIMITS,
    max_positions=3,
    max_trades_per_direction=1,
    max_total_notional=Decimal(50000),
    symbol_caps={"BTC-USDT": Decimal(20000)},
    source_caps={"telegram": Decimal(15000)},
)
LONG = ("BTC-USDT", True)


def held(symbol: str, notional: int = 1000, *, is_long: bool = True, source: str | None = "test") -> Exposure:
    return Exposure(symbol=symbol, is_long=is_long, source=source, notional=Decimal(notional))


def order(state: State, filled: str = "0", **changes: str) -> Order:
    made = Order(
        client_id="a",
        source="test",
        symbol="BTC-USDT",
        side=Side.BUY,
        quantity=Decimal("0.1"),
        price=Decimal(60000),
        stop=Decimal(59000),
        leverage=10,
        state=state,
        filled_quantity=Decimal(filled),
    )
    return replace(made, **{name: Decimal(value) for name, value in changes.items()})


def holding(quantity: str, trades: Sequence[Order] = (), mark: str | None = "61000") -> Holding:
    position = Position(
        id="1",
        symbol="BTC-USDT",
        position_side=PositionSide.LONG,
        is_long=True,
        quantity=Decimal(quantity),
        entry_price=Decimal(60000),
        mark_price=Decimal(mark) if mark else None,
        liquidation_price=None,
        leverage=10,
        isolated=True,
        margin=Decimal(600),
        unrealised=Decimal(0),
        realised=Decimal(0),
    )
    return Holding(
        position=position,
        trades=tuple(trades),
        guards=(),
        steady=True,
        entering=False,
        hedged=True,
        step=Decimal("0.0001"),
        least=Decimal("0.0001"),
    )


def reason(refusal: Refusal | None) -> str | None:
    return refusal and refusal.reason.value


@pytest.mark.parametrize(
    ("age", "refused"),
    [
        (0, None),
        (120, None),
        (121, "stale"),
        (10**6, "stale"),
        (-5, None),
        (-6, "future"),
        (-(10**6), "future"),
    ],
)
def test_a_message_counts_by_its_own_date(age: int, refused: str | None) -> None:
    assert reason(against_age(NOW - timedelta(seconds=age), NOW, 120)) == refused


def test_a_message_without_a_date_is_of_now() -> None:
    assert against_age(None, NOW, 120) is None


@pytest.mark.parametrize(
    ("others", "refused"),
    [
        ([], None),
        ([held("BTC-USDT")], "duplicate_direction"),
        ([held("BTC-USDT", is_long=False)], None),
        # What is not ours is refused with words of its own, where the account is looked at.
        ([held("BTC-USDT", source=None)], None),
        ([held("ETH-USDT"), held("SOL-USDT")], None),
        ([held("ETH-USDT"), held("SOL-USDT"), held("SOL-USDT", is_long=False)], "max_positions"),
        ([held("ETH-USDT", source=None), held("SOL-USDT"), held("LTC-USDT")], "max_positions"),
        ([held("ETH-USDT"), held("ETH-USDT"), held("ETH-USDT")], None),
        # It adds to one of them, and makes no other.
        ([held("BTC-USDT", source=None), held("SOL-USDT"), held("LTC-USDT")], None),
    ],
)
def test_positions_are_counted_by_symbol_and_side(others: list[Exposure], refused: str | None) -> None:
    assert reason(against_trade(LONG, others, LIMITS, RICH)) == refused


def test_more_than_one_trade_of_a_direction_can_be_allowed() -> None:
    two = replace(LIMITS, max_trades_per_direction=2)
    assert against_trade(LONG, [held("BTC-USDT")], two, RICH) is None
    assert reason(against_trade(LONG, [held("BTC-USDT")] * 2, two, RICH)) == "duplicate_direction"


@pytest.mark.parametrize(("lost", "refused"), [("999.99", None), ("1000", "daily_loss"), ("-5000", None)])
def test_the_loss_of_the_day_ends_entries_at_its_limit(lost: str, refused: str | None) -> None:
    money = replace(RICH, realised_today=Decimal(-100), unrealised=100 - Decimal(lost))
    assert reason(against_trade(LONG, [], LIMITS, money)) == refused


def test_each_cap_leaves_what_is_not_taken_of_it() -> None:
    others = [
        held("BTC-USDT", 4000, source="telegram"),
        held("BTC-USDT", 3000, is_long=False),
        held("ETH-USDT", 2000, source="telegram"),
        held("BTC-USDT", 1000, source=None),
    ]
    assert rooms("BTC-USDT", "telegram", others, LIMITS) == [
        Room(cap="max_total_notional_usdt", left=Decimal(40000)),
        Room(cap="symbol_caps_usdt of BTC-USDT", left=Decimal(12000)),
        Room(cap="source_caps_usdt of telegram", left=Decimal(9000)),
    ]
    assert [each.cap for each in rooms("ETH-USDT", "test", others, LIMITS)] == ["max_total_notional_usdt"]
    assert rooms("BTC-USDT", "test", [held("BTC-USDT", 60000)], LIMITS)[0].left == -10000


@pytest.mark.parametrize(
    ("given", "notional"),
    [
        (order(State.INTENT), 6000),
        (order(State.UNKNOWN), 6000),
        (order(State.PENDING), 6000),
        (order(State.PENDING, "0.04"), 6000),  # the rest may still be filled
        (order(State.FILLED, "0.1"), 6000),
        (order(State.FILLED, "0.1", average_price="59000"), 6000),
        (order(State.FILLED, "0.1", average_price="61000"), 6100),  # a short sold higher than it asked
        (order(State.CANCELLED, "0.04"), 2400),
        (order(State.CANCELLED), None),
        (order(State.REJECTED), None),
        (order(State.NOT_SENT), None),
    ],
)
def test_an_order_counts_for_what_it_holds_or_may_hold(given: Order, notional: int | None) -> None:
    assert [each.notional for each in exposures([given], [])] == ([] if notional is None else [notional])


def test_what_is_held_beyond_our_orders_counts_as_well() -> None:
    ours = order(State.FILLED, "0.1")
    assert exposures([ours], [holding("0.1", [ours])]) == [held("BTC-USDT", 6000)]
    assert exposures([ours], [holding("0.3", [ours])]) == [
        held("BTC-USDT", 6000),
        held("BTC-USDT", 12200, source=None),
    ]
    assert exposures([], [holding("0.3", mark=None)]) == [held("BTC-USDT", 18000, source=None)]


@pytest.mark.parametrize(("age", "known"), [(0, True), (60, True), (60.1, False)])
def test_an_equity_is_good_for_a_minute(age: float, *, known: bool) -> None:
    money = replace(RICH, measured_at=100.0)
    assert (funds(money, 100 + age, []) is not None) is known
    assert funds(None, 100, []) is None


def test_what_is_on_its_way_binds_margin_that_the_exchange_does_not_tell_yet() -> None:
    money = replace(RICH, equity=Decimal(5000), available=Decimal(2000))
    orders = [order(State.INTENT), order(State.UNKNOWN, quantity="0.05"), order(State.FILLED, "0.1")]
    assert funds(money, 0, orders) == Funds(equity=Decimal(5000), free_margin=Decimal(1100))
