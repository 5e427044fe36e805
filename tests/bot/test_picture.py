"""What one look makes of the account beside our orders."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from bot.domain.account import ExchangeOrder, Position
from bot.domain.order import Order
from bot.domain.picture import Picture, draw
from tests.bot.fake_exchange import BTC
from tests.bot.test_protection import D, position, stop, trade

WINDOW = 5.0


def drawn(
    positions: Sequence[Position] = (),
    orders: Sequence[ExchangeOrder] = (),
    live: Sequence[Order] = (),
    *,
    before: Picture | None = None,
    at: float = 0.0,
    min_notional: str = "2",
) -> Picture:
    return draw(
        positions=positions,
        orders=orders,
        live=live,
        missing=[],
        before=before,
        contracts={"BTC-USDT": replace(BTC, min_notional=D(min_notional))},
        hedged=True,
        asked_at=at,
        read_at=datetime(2026, 1, 1, tzinfo=UTC),
        window=WINDOW,
    )


@pytest.mark.parametrize(
    ("min_notional", "mark", "least"),
    [("2", "100", "0.02"), ("0.001", "100", "0.0001"), ("2", None, "0.0001"), ("2", "30000", "0.0001")],
)
def test_the_least_of_an_order_is_what_its_worth_and_its_quantity_demand(
    min_notional: str, mark: str | None, least: str
) -> None:
    (held,) = drawn([position(mark=mark)], min_notional=min_notional).holdings
    assert held.least == Decimal(least)


def test_what_a_person_added_misses_no_stop_of_ours() -> None:
    ours, theirs = trade("0.6"), position("1")
    assert drawn([theirs], [stop("90", "0.6")], [ours]).differences["stop_missing"] == 0
    assert drawn([theirs], [stop("90", "0.5")], [ours]).differences["stop_missing"] == 1
    assert drawn([theirs], [], []).differences["stop_missing"] == 0


def test_steady_is_what_was_the_same_for_the_whole_window() -> None:
    shown = [position()], [stop("90")], [trade()]
    first = drawn(*shown)
    later = drawn(*shown, before=first, at=WINDOW - 1)
    assert not first.holdings[0].steady
    assert not later.holdings[0].steady
    assert drawn(*shown, before=later, at=WINDOW).holdings[0].steady


@pytest.mark.parametrize("change", ["quantity", "guard"])
def test_what_changed_is_steady_a_window_after_that(change: str) -> None:
    was = drawn([position()], [stop("90")], [trade()])
    quantity, orders = ("0.5", [stop("90")]) if change == "quantity" else ("1", [stop("90", "0.5")])
    now = drawn([position(quantity)], orders, [trade()], before=was, at=WINDOW)
    assert not now.holdings[0].steady
