"""BingX's documented answers become domain values; what cannot be read says so and is nothing else."""

import json
import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from bot.adapters import bingx_read as read
from bot.domain.account import Income, Leverage, MarginType, PositionSide
from bot.domain.order import Event
from bot.domain.signal import Side

POSITION = {
    "positionId": "1792480725958881280",
    "symbol": "LTC-USDT",
    "positionAmt": "0.1",
    "positionSide": "LONG",
    "isolated": False,
    "avgPrice": "83.53",
    "margin": "0.3528",
    "leverage": 6,
    "unrealizedProfit": "-1.0393",
    "realisedProfit": "-0.2119",
    "liquidationPrice": 0,
    "markPrice": "73.14",
}
NO_PRICE = {"type": "", "quantity": 0, "stopPrice": 0, "price": 0, "workingType": ""}
LISTED = {
    "symbol": "OP-USDT",
    "orderId": 1736012449498123500,
    "side": "SELL",
    "positionSide": "LONG",
    "type": "STOP_MARKET",
    "origQty": "1.0",
    "price": "",
    "executedQty": "0.0",
    "avgPrice": "0.0000",
    "stopPrice": "2.1710",
    "profit": "0.0000",
    "commission": "-0.000100",
    "status": "NEW",
    "time": 1702732596168,
    "updateTime": 1702732596188,
    "clientOrderId": "",
    "takeProfit": NO_PRICE,
    "stopLoss": NO_PRICE,
    "closePosition": "true",
}


def test_the_answer_of_2024_without_status_or_fills_is_an_accepted_order() -> None:
    data = {"order": {"orderId": 1745839584339562496, "symbol": "LTC-USDT", "clientOrderID": "TWS1"}}
    report = read.report(data, "tws1")
    assert (report.event, report.exchange_id, report.average_price) == (
        Event.ACCEPTED,
        "1745839584339562496",
        None,
    )


@pytest.mark.parametrize(
    ("status", "event"),
    [
        ("NEW", Event.ACCEPTED),
        ("Pending", Event.ACCEPTED),
        ("PARTIALLY_FILLED", Event.ACCEPTED),
        ("Filled", Event.FILLED),
        ("CANCELLED", Event.CANCELLED),
        ("CANCELED", Event.CANCELLED),
        ("EXPIRED", Event.CANCELLED),
        ("FAILED", Event.REJECTED),
    ],
)
def test_states_of_the_exchange(status: str, event: Event) -> None:
    told = {
        "orderId": 7,
        "clientOrderId": "tws1",
        "status": status,
        "executedQty": "0.5",
        "avgPrice": "60000.1",
    }
    report = read.report({"order": told}, "tws1")
    assert (report.event, report.filled_quantity, report.average_price) == (
        event,
        Decimal("0.5"),
        Decimal("60000.1"),
    )


def test_an_answer_about_another_order_is_no_answer() -> None:
    with pytest.raises(ValueError, match="asked about tws1"):
        read.report({"order": {"orderId": 7, "clientOrderId": "tws2", "status": "FILLED"}}, "tws1")


def test_contracts_give_steps_from_precisions() -> None:
    told = {
        "symbol": "BTC-USDT",
        "quantityPrecision": 4,
        "pricePrecision": 1,
        "tradeMinQuantity": 0.0001,
        "tradeMinUSDT": 2,
        "status": 1,
        "apiStateOpen": "true",
    }
    contract = read.contracts([told])["BTC-USDT"]
    assert (contract.quantity_step, contract.price_tick) == (Decimal("0.0001"), Decimal("0.1"))
    assert (contract.min_quantity, contract.online) == (Decimal("0.0001"), True)
    assert not read.contracts([told | {"status": 25}])["BTC-USDT"].online
    assert not read.contracts([told | {"apiStateOpen": "false"}])["BTC-USDT"].online


def test_a_symbol_that_cannot_be_read_leaves_the_others_alone() -> None:
    data = [{"symbol": "NEW-USDT", "price": ""}, {"symbol": "BTC-USDT", "price": "60000.0"}, {"price": "1"}]
    assert read.prices(data) == {"BTC-USDT": Decimal("60000.0")}
    with pytest.raises(read.UNREADABLE):
        read.prices(data[:1])


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e400", "1e-400", "", "1 0", [], "abc"])
def test_what_is_no_number_is_not_taken_for_one(value: object) -> None:
    with pytest.raises(read.UNREADABLE):
        read.number(value)


def test_balances_of_the_third_version_are_read() -> None:
    (balance,) = read.balances(
        [
            {
                "userId": "1341158271307522053",
                "asset": "USDT",
                "balance": "19.9003",
                "equity": "20.1",
                "unrealizedProfit": "0.1997",
                "realisedProfit": "0",
                "availableMargin": "18.5",
                "usedMargin": "1.6",
                "freezedMargin": "0.0000",
            }
        ]
    )
    assert (balance.uid, balance.asset, balance.balance) == (
        "1341158271307522053",
        "USDT",
        Decimal("19.9003"),
    )
    assert (balance.equity, balance.unrealised) == (Decimal("20.1"), Decimal("0.1997"))
    assert (balance.available, balance.used) == (Decimal("18.5"), Decimal("1.6"))


def test_a_position_is_read_and_its_zero_liquidation_price_is_none() -> None:
    (position,) = read.positions([POSITION, POSITION | {"positionAmt": "0.000"}])
    assert (position.position_side, position.is_long, position.quantity) == (
        PositionSide.LONG,
        True,
        Decimal("0.1"),
    )
    assert (position.entry_price, position.mark_price, position.liquidation_price) == (
        Decimal("83.53"),
        Decimal("73.14"),
        None,
    )
    assert (position.leverage, position.isolated, position.unrealised) == (6, False, Decimal("-1.0393"))


def test_no_position_comes_as_an_empty_list_or_as_nothing() -> None:
    assert read.positions([]) == read.positions(None) == []


@pytest.mark.parametrize(
    ("told", "is_long"),
    [
        ({"positionSide": "SHORT"}, False),
        ({"positionSide": "BOTH", "positionAmt": "-0.1"}, False),
        ({"positionSide": "BOTH", "liquidationPrice": 70}, True),
        ({"positionSide": "BOTH", "liquidationPrice": "97.1"}, False),
        ({"positionSide": "BOTH"}, True),  # below its entry and at a loss
        ({"positionSide": "BOTH", "unrealizedProfit": "1.0393"}, False),
        ({"positionSide": "BOTH", "unrealizedProfit": "0"}, True),
    ],
)
def test_which_way_a_position_goes_is_told_whatever_the_mode(told: dict[str, Any], is_long: bool) -> None:
    (position,) = read.positions([POSITION | told])
    assert (position.is_long, position.quantity) == (is_long, Decimal("0.1"))


def test_a_listed_stop_is_read() -> None:
    (order,) = read.orders({"orders": [LISTED]})
    assert (order.exchange_id, order.client_id, order.type) == ("1736012449498123500", "", "STOP_MARKET")
    assert (order.side, order.position_side, order.event) == (Side.SELL, PositionSide.LONG, Event.ACCEPTED)
    assert (order.trigger, order.price, order.average_price) == (Decimal("2.1710"), None, None)
    assert (order.closes_position, order.reduces_only) == (True, False)
    assert (order.commission, order.stop, order.target) == (Decimal("-0.000100"), None, None)
    assert order.created_at == datetime(2023, 12, 16, 13, 16, 36, 168000, UTC)


@pytest.mark.parametrize(
    "attached", [{"stopPrice": 50}, json.dumps({"stopPrice": 50, "type": "STOP_MARKET"})]
)
def test_what_is_attached_is_read_from_an_object_and_from_a_text(attached: object) -> None:
    (order,) = read.orders({"orders": [LISTED | {"stopLoss": attached, "takeProfit": ""}]})
    assert (order.stop, order.target) == (Decimal(50), None)


def test_the_string_id_wins_over_the_number_that_javascript_rounds() -> None:
    (order,) = read.orders({"orders": [LISTED | {"orderID": "1736012449498123521"}]})
    assert order.exchange_id == "1736012449498123521"


def test_a_foreign_order_in_an_unknown_state_hides_no_other() -> None:
    strange = LISTED | {"status": "HALF_DONE", "type": "TRAILING_STOP_MARKET"}
    assert [order.event for order in read.orders({"orders": [strange, LISTED]})] == [None, Event.ACCEPTED]


def test_no_orders_come_as_nothing() -> None:
    assert read.orders({"orders": None}) == []
    assert read.not_cancelled({"success": [LISTED], "failed": None}) == []
    failed = [{"orderId": 111111, "errorCode": 80012, "errorMessage": "cancel order failed"}]
    assert read.not_cancelled({"success": None, "failed": failed}) == ["111111"]


def test_income_is_read() -> None:
    told = {
        "symbol": "LDO-USDT",
        "incomeType": "FUNDING_FEE",
        "income": "-0.0292",
        "asset": "USDT",
        "info": "Funding Fee",
        "time": 1702713615000,
        "tranId": "170_3",
        "tradeId": "170_4",
    }
    assert read.incomes(None) == []
    (income,) = read.incomes([told])
    assert income == Income(
        kind="FUNDING_FEE",
        amount=Decimal("-0.0292"),
        asset="USDT",
        symbol="LDO-USDT",
        at=datetime(2023, 12, 16, 8, 0, 15, tzinfo=UTC),
        id="170_3",
        trade_id="170_4",
    )
    assert income.is_result
    assert not read.incomes([told | {"incomeType": "TRANSFER"}])[0].is_result
    assert read.incomes([told | {"incomeType": "FEE_OF_NEXT_YEAR"}])[0].is_result


def test_modes_are_read_as_texts_and_as_truth_values() -> None:
    assert read.is_hedged({"dualSidePosition": "true"}) is read.is_hedged({"dualSidePosition": True}) is True
    assert read.is_hedged({"dualSidePosition": "false"}) is False
    with pytest.raises(read.UNREADABLE):
        read.is_hedged({"dualSidePosition": ""})
    assert read.margin_type({"marginType": "ISOLATED"}) is MarginType.ISOLATED
    told = {"longLeverage": 50, "shortLeverage": 40, "maxLongLeverage": 75, "maxShortLeverage": "70"}
    assert read.leverage(told) == Leverage(long=50, short=40, max_long=75, max_short=70)


READERS = (
    (read.orders, {"orders": [LISTED]}),
    (read.positions, [POSITION]),
    (read.report, {"order": LISTED}),
    (read.leverage, {"longLeverage": 50, "shortLeverage": 50, "maxLongLeverage": 75, "maxShortLeverage": 75}),
)


def test_garbage_is_read_or_unreadable_and_never_something_else() -> None:
    """Anything but UNREADABLE would end the bot: each value of a good answer is replaced by each oddity."""
    dice = random.Random(7)
    odd = [None, "", "x", -1, 1e30, [], {}, True, "NaN", 10**40, [None], {"stopPrice": "?"}]
    refused = 0
    for reader, good in READERS:
        for _ in range(300):
            told = json.loads(json.dumps(good))
            spoil(told, dice, odd)
            try:
                reader(told)
            except read.UNREADABLE:
                refused += 1
    assert refused > 100


def spoil(told: Any, dice: random.Random, odd: list[Any]) -> None:
    keys = list(range(len(told))) if isinstance(told, list) else list(told)
    key = dice.choice(keys)
    if isinstance(told[key], dict | list) and told[key] and dice.random() < 0.9:
        spoil(told[key], dice, odd)
    else:
        told[key] = dice.choice(odd)
