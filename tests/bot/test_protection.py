"""What a position needs: stops for all of it, its targets, or its end; and nothing once it has that."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bot.domain.account import ExchangeOrder, Position, PositionSide
from bot.domain.order import Event, Order, State
from bot.domain.protection import Cancel, Holding, Send, Step, protect
from bot.domain.signal import Side

NOW = datetime(2026, 1, 1, tzinfo=UTC)
D = Decimal


def position(quantity: str = "1", mark: str | None = "100", *, is_long: bool = True) -> Position:
    return Position(
        id="7",
        symbol="BTC-USDT",
        position_side=PositionSide.LONG if is_long else PositionSide.SHORT,
        is_long=is_long,
        quantity=D(quantity),
        entry_price=D(100),
        mark_price=D(mark) if mark else None,
        liquidation_price=None,
        leverage=10,
        isolated=True,
        margin=D(10),
        unrealised=D(0),
        realised=D(0),
    )


def trade(
    filled: str = "1", stop: str = "90", *targets: str, name: str = "a", side: Side = Side.BUY
) -> Order:
    return Order(
        client_id=name,
        source="test",
        symbol="BTC-USDT",
        side=side,
        quantity=D(filled),
        price=D(100),
        stop=D(stop),
        targets=tuple(map(D, targets)),
        state=State.FILLED,
        filled_quantity=D(filled),
    )


def guard(
    kind: str, trigger: str, quantity: str = "1", *, whole: bool = False, id_: str = "1"
) -> ExchangeOrder:
    return ExchangeOrder(
        exchange_id=id_,
        client_id="",
        symbol="BTC-USDT",
        side=Side.SELL,
        position_side=PositionSide.LONG,
        type=kind,
        status="NEW",
        event=Event.ACCEPTED,
        quantity=D(0) if whole else D(quantity),
        filled_quantity=D(0),
        price=None,
        average_price=None,
        trigger=D(trigger),
        stop=None,
        target=None,
        closes_position=whole,
        reduces_only=False,
        profit=D(0),
        commission=D(0),
        created_at=NOW,
        updated_at=NOW,
    )


def stop(trigger: str, quantity: str = "1", **more: str) -> ExchangeOrder:
    return guard("STOP_MARKET", trigger, quantity, id_=more.get("id_", "1"))


def target(trigger: str, quantity: str = "1", *, id_: str = "1") -> ExchangeOrder:
    return guard("TAKE_PROFIT_MARKET", trigger, quantity, id_=id_)


def holding(
    held: Position,
    trades: Sequence[Order] = (),
    guards: Sequence[ExchangeOrder] = (),
    *,
    entering: bool = False,
) -> Holding:
    return Holding(
        position=held,
        trades=tuple(trades),
        guards=tuple(guards),
        entering=entering,
        steady=True,
        hedged=True,
        step=D("0.1"),
        least=D("0.1"),
    )


def told(steps: Sequence[Step]) -> list[str]:
    found = []
    for step in steps:
        if isinstance(step, Cancel):
            found.append(f"cancel {step.exchange_id}")
            continue
        order = step.order
        quantity = "all" if order.quantity is None else f"{order.quantity.normalize():f}"
        found.append(f"{order.purpose} {quantity}" + (f" at {order.trigger}" if order.trigger else ""))
    return found


LONG = position()


@pytest.mark.parametrize(
    ("held", "trades", "guards", "expected"),
    [
        pytest.param(LONG, [trade()], [stop("90")], [], id="covered"),
        pytest.param(LONG, [trade()], [], ["stop 1 at 90"], id="no stop"),
        pytest.param(LONG, [trade()], [stop("90", "0.4")], ["stop 0.6 at 90"], id="covered in part"),
        pytest.param(LONG, [trade()], [target("120")], ["stop 1 at 90"], id="a target is no stop"),
        pytest.param(position(mark="90"), [trade()], [], ["close 1"], id="price at the stop"),
        pytest.param(position(mark=None), [trade()], [], ["stop 1 at 90"], id="price not known"),
        pytest.param(LONG, [], [], [], id="foreign: left alone"),
        pytest.param(LONG, [trade("0.4")], [], ["stop 0.4 at 90"], id="foreign in part: ours is covered"),
        pytest.param(LONG, [trade("0.4")], [stop("90", "0.4")], [], id="foreign in part, ours covered"),
        pytest.param(
            LONG,
            [trade("0.4"), trade("0.6", "95", name="b")],
            [stop("90", "0.4")],
            ["stop 0.6 at 95"],
            id="the trade whose stop is missing",
        ),
        pytest.param(
            LONG,
            [trade("1", name="old"), trade("1", "95", name="new")],
            [],
            ["stop 1 at 95"],
            id="one of two was closed: the younger is there still",
        ),
        pytest.param(
            position("0.5"),
            [trade()],
            [stop("90")],
            ["stop all at 90"],
            id="half was closed: a stop for the rest",
        ),
        pytest.param(
            position("0.8"),
            [trade("0.5", name="old"), trade("0.5", "95", name="new")],
            [stop("90", "0.5"), stop("95", "0.5", id_="2")],
            ["stop all at 95"],
            id="stops for too much at two prices: the nearest for all",
        ),
        pytest.param(
            position("0.5"),
            [trade()],
            [stop("90", id_="7"), guard("STOP_MARKET", "90", whole=True)],
            ["cancel 7"],
            id="and then the old one goes",
        ),
        pytest.param(
            position("0.5"), [trade()], [guard("STOP_MARKET", "90", whole=True)], [], id="and all is well"
        ),
        pytest.param(
            LONG,
            [trade("0.5", name="old"), trade("0.5", "95", name="new")],
            [guard("STOP_MARKET", "90", whole=True), stop("95", "0.5", id_="7")],
            [],
            id="a stop that is nearer than that of the whole position stays",
        ),
        pytest.param(
            LONG,
            [trade("0.5", name="old"), trade("0.5", "85", name="new")],
            [guard("STOP_MARKET", "90", whole=True), stop("85", "0.5", id_="7")],
            ["cancel 7"],
            id="one that is further away goes",
        ),
        pytest.param(
            position("0.4"),
            [trade("0.5", name="old"), trade("0.5", "95", name="new")],
            [guard("STOP_MARKET", "90", whole=True), stop("95", "0.5", id_="7")],
            ["cancel 1"],
            id="nearer, but for more than there is: one for the whole will stand there",
        ),
        pytest.param(
            position("0.6"),
            [trade()],
            [replace(stop("90"), filled_quantity=D("0.4"))],
            [],
            id="a stop that was filled in part is for the rest",
        ),
        pytest.param(
            LONG,
            [trade("1", "90", "110", "120")],
            [stop("90")],
            ["target 0.5 at 120", "target 0.5 at 110"],
            id="targets",
        ),
        pytest.param(
            LONG,
            [trade("1", "90", "110", "120")],
            [stop("90"), target("110", "0.5")],
            ["target 0.5 at 120"],
            id="one target is missing",
        ),
        pytest.param(
            position("0.5"),
            [trade("1", "90", "110", "120")],
            [guard("STOP_MARKET", "90", whole=True), target("120", "0.5")],
            [],
            id="the nearest was reached and is not placed again",
        ),
        pytest.param(
            position("0.5"),
            [trade("1", "90", "110", "120")],
            [guard("STOP_MARKET", "90", whole=True)],
            ["target 0.5 at 120"],
            id="the nearest was reached, the furthest is missing",
        ),
        pytest.param(
            position(mark="111"),
            [trade("1", "90", "110", "120")],
            [stop("90"), target("120", "0.5")],
            ["close 0.5"],
            id="price past a target that is missing",
        ),
        pytest.param(
            LONG,
            [trade("1", name="old"), trade("1", "95", "130", name="new")],
            [stop("95")],
            ["target 1 at 130"],
            id="targets of the trade that is open",
        ),
        pytest.param(
            LONG,
            [trade("1", "90", "130", name="old"), trade("0.5", "95", "110", "120", name="new")],
            [
                stop("90"),
                target("130"),
                target("110", "0.25"),
                replace(target("120", "0.25"), exchange_id="9"),
            ],
            ["cancel 1", "cancel 9"],
            id="the younger was stopped: its targets go",
        ),
        pytest.param(
            LONG,
            [trade("1", "90", "130", name="old"), trade("0.5", "95", "130", name="new")],
            [stop("90"), target("130"), target("130", "0.5")],
            [],
            id="a target that the open trade has as well stays",
        ),
        pytest.param(
            LONG,
            [trade("1", "90", "110")],
            [stop("90"), guard("TAKE_PROFIT_MARKET", "110", whole=True)],
            [],
            id="a target for the whole",
        ),
    ],
)
def test_what_is_missing_is_ordered_and_nothing_else(
    held: Position, trades: list[Order], guards: list[ExchangeOrder], expected: list[str]
) -> None:
    assert told(protect(holding(held, trades, guards))) == expected


def test_a_short_is_the_mirror_of_a_long() -> None:
    short = holding(position(is_long=False), [trade("1", "110", "90", "80", side=Side.SELL)])
    (step,) = protect(short)
    assert isinstance(step, Send)
    assert (step.order.side, step.order.position_side, step.order.trigger) == (
        Side.BUY,
        PositionSide.SHORT,
        D(110),
    )
    past = replace(short, position=position(is_long=False, mark="110"))
    assert told(protect(past)) == ["close 1"]
    stopped = replace(guard("STOP_MARKET", "110"), side=Side.BUY, position_side=PositionSide.SHORT)
    assert told(protect(replace(short, guards=(stopped,)))) == ["target 0.5 at 80", "target 0.5 at 90"]


def test_in_one_way_mode_orders_say_both_and_only_reduce() -> None:
    (step,) = protect(replace(holding(LONG, [trade()]), hedged=False))
    assert isinstance(step, Send)
    assert (step.order.position_side, step.order.reduces_only) == (PositionSide.BOTH, True)


def test_while_an_entry_may_still_be_filled_only_missing_stops_are_seen_to() -> None:
    entering = [replace(trade("0.5", "90", "110", "120"), state=State.PENDING)]
    assert told(protect(holding(position("0.5"), entering, [stop("90")], entering=True))) == []
    assert told(protect(holding(position("0.5"), entering, [], entering=True))) == ["stop 0.5 at 90"]


def test_targets_of_a_filled_trade_do_not_wait_for_another_entry_that_rests() -> None:
    filled = trade("1", "90", "110", "120")
    resting = replace(trade("0.5", "85", "130", "140"), state=State.PENDING)
    whole, part = position("1"), position("1.5")
    targets = ["target 0.5 at 120", "target 0.5 at 110"]
    assert told(protect(holding(whole, [filled], [stop("90")], entering=True))) == targets
    both = [stop("90"), stop("85", "0.5")]
    assert told(protect(holding(part, [filled, resting], both, entering=True))) == targets
    stopped = [stop("85", "0.5")]
    assert told(protect(holding(position("0.5"), [filled, resting], stopped, entering=True))) == []


def test_what_changed_since_the_look_before_may_have_changed_between_two_questions() -> None:
    changed = replace(holding(position("0.5"), [trade("1", "90", "110", "120")], [stop("90")]), steady=False)
    assert told(protect(changed)) == []
    assert told(protect(replace(changed, guards=()))) == ["stop 0.5 at 90"]
