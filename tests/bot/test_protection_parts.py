"""What protection is made of: shares of targets, what guards a position, what proves that it was closed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.account import PositionSide
from bot.domain.protection import is_closed, is_guard, split
from bot.domain.signal import Side
from tests.bot.test_protection import NOW, D, stop, trade


@pytest.mark.parametrize(
    ("filled", "targets", "expected"),
    [
        ("1", ["110", "120", "130"], [("110", "0.3"), ("120", "0.3"), ("130", "0.4")]),
        ("0.2", ["110", "120", "130"], [("110", "0.1"), ("120", "0.1")]),
        ("0.1", ["110", "120"], [("110", "0.1")]),
        ("0.05", ["110"], [("110", "0.05")]),
        ("1", [], []),
    ],
)
def test_targets_share_what_was_filled_and_none_is_too_small(
    filled: str, targets: list[str], expected: list[tuple[str, str]]
) -> None:
    parts = split(trade(filled, "90", *targets), D("0.1"), D("0.1"))
    assert parts == [(D(trigger), D(quantity)) for trigger, quantity in expected]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"symbol": "ETH-USDT"}, False),
        ({"type": "LIMIT"}, False),
        ({"trigger": None}, False),
        ({"side": Side.BUY}, False),
        ({"position_side": PositionSide.SHORT}, False),
        ({"position_side": PositionSide.BOTH}, True),
    ],
)
def test_a_guard_ends_that_side_of_that_symbol(change: dict[str, object], expected: bool) -> None:
    order = replace(stop("90"), **change)  # type: ignore[arg-type]
    assert is_guard(order, "BTC-USDT", True) is expected


@pytest.mark.parametrize(
    ("closed", "expected"),
    [
        ({"stop": "1"}, True),
        ({"target": "0.4", "by hand": "0.6"}, True),
        ({"target": "0.4"}, False),
        ({"by another clock": "1"}, True),
        ({"before": "1"}, False),
        ({"other side": "1"}, False),
        ({}, False),
    ],
)
def test_a_trade_is_closed_once_orders_closed_all_of_it(closed: dict[str, str], expected: bool) -> None:
    entry = replace(stop("90"), client_id="a", side=Side.BUY, created_at=NOW, filled_quantity=D("1"))
    changes: dict[str, dict[str, object]] = {
        "by hand": {"type": "MARKET"},
        "before": {"updated_at": NOW - timedelta(seconds=6)},
        "by another clock": {"updated_at": NOW - timedelta(seconds=5)},
        "other side": {"position_side": PositionSide.SHORT},
    }
    history = [
        replace(stop("90"), filled_quantity=D(quantity), **{"updated_at": NOW} | changes.get(kind, {}))  # type: ignore[arg-type]
        for kind, quantity in closed.items()
    ]
    assert (
        is_closed([trade()], [entry, *history], NOW - timedelta(minutes=1), timedelta(seconds=5)) is expected
    )
