"""Each thing that the judge looks for is found in books that are wrong in just that."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.sweep import judge
from tests.sweep.judge import Row, Scene

ROW = Row(
    message="1",
    verdict="accepted",
    client_id="tws1",
    state="filled",
    filled=Decimal("0.1"),
    stop=Decimal(59000),
    source="test",
    is_closed=False,
    targets=(Decimal(61000),),
    symbol="BTC-USDT",
    side="BUY",
)
ENTRY = {"clientOrderId": "tws1", "type": "LIMIT", "status": "FILLED", "executedQty": "0.1"}
GUARD = {"symbol": "BTC-USDT", "side": "SELL", "positionSide": "LONG", "origQty": "0.1", "executedQty": "0"}
STOP = GUARD | {"type": "STOP_MARKET", "stopPrice": "59000"}
TARGET = GUARD | {"type": "TAKE_PROFIT_MARKET", "stopPrice": "61000"}
POSITION = {"symbol": "BTC-USDT", "positionSide": "LONG", "positionAmt": "0.1"}
NOTHING = Scene(rows=(), sent=(), account={"positions": [], "open_orders": []})


def scene(*open_orders: Mapping[str, Any], row: Row = ROW, entry: Mapping[str, Any] = ENTRY) -> Scene:
    account = {"positions": [POSITION], "open_orders": list(open_orders)}
    return Scene(rows=(row,), sent=(entry,), account=account)


GOOD = scene(STOP, TARGET)


def settled(told: Scene) -> list[str]:
    return [*judge.always(told), *judge.settled(told, Decimal(0))]


def test_nothing_is_wrong_with_books_that_agree() -> None:
    assert settled(GOOD) == []
    assert settled(scene(STOP | {"origQty": "0"}, TARGET)) == []
    gone = replace(GOOD, rows=(replace(ROW, is_closed=True),), account=NOTHING.account)
    assert [*judge.always(gone), *judge.ended(gone)] == []


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        (replace(GOOD, sent=(ENTRY, ENTRY)), "two entries with the id tws1"),
        (replace(GOOD, sent=(ENTRY, ENTRY | {"clientOrderId": "tws1b"})), "2 entries at the exchange for 1"),
        (replace(GOOD, rows=()), "an entry tws1 that no signal led to"),
        (
            replace(GOOD, sent=(ENTRY, {"clientOrderId": "tws2", "type": "MARKET"})),
            "MARKET order with the id",
        ),
        (scene(STOP, TARGET, row=replace(ROW, verdict="refused")), "message 1 is refused, and its order is"),
        (scene(STOP, TARGET, row=replace(ROW, state="unknown")), "the order of message 1 is unknown"),
        (scene(STOP, TARGET, row=replace(ROW, state="intent")), "the order of message 1 is intent"),
        (scene(STOP, TARGET, row=replace(ROW, state="not_sent")), "but the exchange has it: FILLED"),
        (replace(GOOD, sent=()), "but the exchange never had it"),
        (scene(STOP, TARGET, entry=ENTRY | {"status": "CANCELLED"}), "but the exchange says CANCELLED"),
        (scene(STOP, TARGET, entry=ENTRY | {"executedQty": "0.04"}), "filled 0.04"),
        (scene(STOP, TARGET, row=replace(ROW, is_closed=True)), "our orders account for 0"),
        (scene(TARGET), "its stops cover 0"),
        (scene(STOP | {"positionSide": "SHORT"}, TARGET), "its stops cover 0"),
        (scene(STOP | {"side": "BUY"}, TARGET), "its stops cover 0"),
        (scene(STOP | {"executedQty": "0.04"}, TARGET), "its stops cover 0.06"),
        (scene(STOP, STOP, TARGET), "its stops cover 0.2"),
        (scene(STOP | {"stopPrice": "58000"}, TARGET), "stops at [Decimal('58000')], which no signal says"),
        (scene(STOP), "its targets are for 0"),
        (scene(STOP, TARGET, TARGET), "its targets are for 0.2"),
        (scene(STOP, TARGET | {"stopPrice": "62000"}), "targets at [Decimal('62000')], which no signal says"),
    ],
)
def test_what_is_wrong_while_a_position_is_open(told: Scene, wrong: str) -> None:
    assert any(wrong in each for each in settled(told)), settled(told)


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        (GOOD, "still open: BTC-USDT LONG 0.1"),
        (scene(TARGET), "left over: BTC-USDT TAKE_PROFIT_MARKET 0.1 at 61000"),
        (replace(NOTHING, rows=(ROW,)), "the trade of message 1 was never closed"),
        (replace(NOTHING, rows=(replace(ROW, state="pending"),)), "message 1 is pending for ever"),
        (replace(NOTHING, rows=(replace(ROW, state="unknown"),)), "message 1 is unknown for ever"),
    ],
)
def test_what_is_wrong_at_the_end(told: Scene, wrong: str) -> None:
    found = [*judge.ended(told)]
    assert any(wrong in each for each in found), found
