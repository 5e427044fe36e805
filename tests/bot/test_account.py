"""An order that contradicts itself cannot be made."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bot.domain.account import NewOrder, OrderType, PositionSide, Purpose
from bot.domain.signal import Side

ENTRY = NewOrder(
    purpose=Purpose.ENTRY,
    symbol="BTC-USDT",
    side=Side.BUY,
    position_side=PositionSide.LONG,
    quantity=Decimal("0.1"),
    price=Decimal(60000),
    client_id="tws1",
    stop=Decimal(59000),
    target=Decimal(62000),
)
STOP = NewOrder(
    purpose=Purpose.STOP,
    symbol="BTC-USDT",
    side=Side.SELL,
    position_side=PositionSide.LONG,
    trigger=Decimal(59000),
)


@pytest.mark.parametrize(
    ("order", "changes", "text"),
    [
        (ENTRY, {"quantity": Decimal(0)}, "numbers must be above zero"),
        (ENTRY, {"stop": Decimal(-1)}, "numbers must be above zero"),
        (ENTRY, {"price": Decimal("NaN")}, "numbers must be above zero"),
        (ENTRY, {"target": Decimal("Infinity")}, "numbers must be above zero"),
        (ENTRY, {"quantity": None}, "the quantity is missing"),
        (ENTRY, {"trigger": Decimal(1)}, "the trigger is for stops and targets"),
        (ENTRY, {"side": Side.SELL}, "the side does not go with the position's"),
        (ENTRY, {"client_id": "TWS1"}, "the client id must be"),
        (ENTRY, {"client_id": "a" * 41}, "the client id must be"),
        (ENTRY, {"purpose": Purpose.CLOSE, "side": Side.SELL}, "only an entry has a stop"),
        (STOP, {"trigger": None}, "the trigger is for stops and targets, and they need it"),
        (STOP, {"price": Decimal(1)}, "stops and targets go at the market"),
        (STOP, {"client_id": "s1"}, "stops and targets take no client id"),
        (STOP, {"side": Side.BUY}, "the side does not go with the position's"),
        (STOP, {"position_side": PositionSide.SHORT}, "the side does not go with the position's"),
    ],
)
def test_a_contradiction_is_told(order: NewOrder, changes: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        replace(order, **changes)


def test_one_way_mode_takes_either_side_and_only_reduces_what_is_no_entry() -> None:
    for side in Side:
        assert not replace(ENTRY, side=side, position_side=PositionSide.BOTH).reduces_only
        assert replace(STOP, side=side, position_side=PositionSide.BOTH).reduces_only
    assert not STOP.reduces_only


def test_the_type_follows_from_the_purpose_and_the_price() -> None:
    assert ENTRY.type is OrderType.LIMIT
    assert replace(ENTRY, price=None).type is OrderType.MARKET
    assert STOP.type is OrderType.STOP_MARKET
    assert replace(STOP, purpose=Purpose.TARGET).type is OrderType.TAKE_PROFIT_MARKET
