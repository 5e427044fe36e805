"""What becomes of orders: entries, attached stops, triggers, closes, partial fills, cancels, refusals."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.bot.simulator_calls import PROFIT, PROFIT_ORDER, SHORT, STOP, STOP_ORDER, Desk, refused


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.journal.close()


def test_a_fill_opens_a_position_and_hangs_up_its_stops(desk: Desk) -> None:
    desk.place(stopLoss=STOP, takeProfit=PROFIT)
    assert desk.positions() == {"LONG": "0.1"}
    assert desk.open() == [
        ("STOP_MARKET", "SELL", "0.1", "NEW"),
        ("TAKE_PROFIT_MARKET", "SELL", "0.1", "NEW"),
    ]
    stop = desk.call("open_orders")["orders"][0]
    assert (stop["stopPrice"], stop["clientOrderId"], stop["positionSide"]) == ("59000", "", "LONG")


def test_the_stop_of_a_resting_entry_waits_for_its_fill(desk: Desk) -> None:
    desk.place(type="LIMIT", price="59500", stopLoss=STOP)
    assert desk.open() == [("LIMIT", "BUY", "0.1", "PENDING")]
    desk.price("59500")
    assert desk.open() == [("STOP_MARKET", "SELL", "0.1", "NEW")]


@pytest.mark.parametrize(
    ("entry", "trigger", "before", "past"),
    [
        ({}, STOP_ORDER, "59000.1", "59000"),
        ({}, PROFIT_ORDER, "60999.9", "61000"),
        (SHORT, {"side": "BUY", "type": "STOP_MARKET", "stopPrice": "61000"}, "60999.9", "61000"),
        (SHORT, {"side": "BUY", "type": "TAKE_PROFIT_MARKET", "stopPrice": "59000"}, "59000.1", "59000"),
    ],
)
def test_a_stop_closes_when_the_mark_comes_to_it(
    desk: Desk, entry: dict[str, str], trigger: dict[str, str], before: str, past: str
) -> None:
    side = entry.get("positionSide", "LONG")
    desk.place(**entry)
    stop = desk.place(positionSide=side, **trigger)
    desk.price(before)
    assert (desk.status(stop), desk.positions()) == ("NEW", {side: "0.1"})
    desk.price(past)
    assert (desk.status(stop), desk.positions()) == ("FILLED", {})


def test_a_stop_looks_at_the_price_that_it_was_told_to(desk: Desk) -> None:
    desk.place(quantity="0.05")
    by_last = desk.place(**STOP_ORDER, quantity="0.05", workingType="CONTRACT_PRICE")
    desk.place(quantity="0.05", stopLoss=STOP.replace("MARK_PRICE", "CONTRACT_PRICE"))
    desk.place(quantity="0.05", stopLoss=STOP)
    desk.market.marks["BTC-USDT"] = Decimal(58000)
    desk.book.fill_crossed()
    assert desk.positions() == {"LONG": "0.10"}
    assert [kind for kind, *_ in desk.open()] == ["STOP_MARKET", "STOP_MARKET"]
    desk.price("59000")
    assert (desk.status(by_last), desk.positions()) == ("FILLED", {})


def test_close_position_closes_what_there_is_by_then(desk: Desk) -> None:
    desk.place()
    stop = desk.place(**STOP_ORDER, quantity="", closePosition="true")
    desk.place(quantity="0.2")
    desk.price("58900")
    told = desk.call("query_order", orderId=str(stop["orderId"]))["order"]
    assert (told["status"], told["executedQty"], desk.positions()) == ("FILLED", "0.3", {})


def test_a_stop_without_its_position_fails_and_opens_nothing(desk: Desk) -> None:
    desk.place()
    stop = desk.place(**STOP_ORDER)
    desk.place(side="SELL")
    desk.price("58000")
    assert (desk.status(stop), desk.positions()) == ("FAILED", {})


def test_a_resting_close_never_opens_a_position(desk: Desk) -> None:
    desk.place()
    target = desk.place(side="SELL", type="LIMIT", price="61000")
    desk.place(**STOP_ORDER, quantity="0.06")
    desk.price("59000")
    desk.price("61000")
    told = desk.call("query_order", orderId=str(target["orderId"]))["order"]
    assert (told["executedQty"], desk.positions()) == ("0.04", {})
    desk.book.fill_crossed()
    assert (desk.status(target), desk.positions()) == ("CANCELLED", {})


def test_an_order_adds_up_what_its_parts_won_and_cost(desk: Desk) -> None:
    desk.place()
    desk.price("61000")
    close = desk.place(share=0.5, side="SELL")
    desk.price("62000", share=0.5)
    told = desk.call("query_order", orderId=str(close["orderId"]))["order"]
    assert (told["status"], told["profit"], told["commission"]) == ("FILLED", "150.0000", "-3.075000")


def test_a_stop_spends_no_client_id(desk: Desk) -> None:
    desk.place()
    assert desk.place(**STOP_ORDER, clientOrderId="a1")["clientOrderId"] == ""
    assert desk.place(clientOrderId="a1")["status"] == "FILLED"


def test_an_entry_that_is_filled_in_part_is_protected_in_part(desk: Desk) -> None:
    entry = desk.place(share=0.3, stopLoss=STOP)
    assert (entry["status"], entry["executedQty"]) == ("PARTIALLY_FILLED", "0.0300")
    assert desk.open()[1] == ("STOP_MARKET", "SELL", "0.0300", "NEW")
    desk.book.fill_crossed(Decimal("0.3"))
    desk.call("cancel_order", orderId=str(entry["orderId"]))
    assert desk.positions() == {"LONG": "0.0600"}
    assert desk.open() == [("STOP_MARKET", "SELL", "0.0600", "NEW")]


def test_the_stop_may_also_wait_until_the_entry_is_over(tmp_path: Path) -> None:
    desk = Desk(tmp_path, partial_stop="when_done")
    entry = desk.place(share=0.3, stopLoss=STOP)
    assert [kind for kind, *_ in desk.open()] == ["MARKET"]
    desk.call("cancel_order", orderId=str(entry["orderId"]))
    assert desk.open() == [("STOP_MARKET", "SELL", "0.0300", "NEW")]
    desk.journal.close()


def test_a_fill_by_hand_averages_the_price(desk: Desk) -> None:
    entry = desk.place(type="LIMIT", price="59000", quantity="0.3")
    desk.book.fill(entry["orderId"], Decimal("0.1"))
    assert (desk.status(entry), desk.positions()) == ("PARTIALLY_FILLED", {"LONG": "0.1"})
    desk.place(quantity="0.1")
    assert desk.call("positions")[0]["avgPrice"] == "59500.0"


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        (STOP_ORDER | {"stopPrice": "60000"}, 110411),
        (PROFIT_ORDER | {"stopPrice": "60000"}, 110413),
        (STOP_ORDER | {"quantity": "0.1001"}, 110203),
        (STOP_ORDER | {"closePosition": "true"}, 109400),
        (STOP_ORDER | {"stopLoss": STOP}, 109400),
        (STOP_ORDER | {"stopPrice": ""}, 109400),
        (STOP_ORDER | {"type": "STOP", "price": "59000"}, 109400),
        ({"type": "LIMIT", "price": "59000", "timeInForce": "IOC"}, 109400),
        ({"side": "SELL", "quantity": "0.1001"}, 110203),
        ({"reduceOnly": "true"}, 109400),
        (SHORT | {"stopLoss": STOP}, 110412),
        (SHORT | {"takeProfit": PROFIT}, 110414),
        ({"takeProfit": PROFIT.replace("61000", "60000")}, 110413),
        ({"side": "BUY", "positionSide": "SHORT"}, 101205),
        ({"stopLoss": STOP.replace("59000", "8.1e-06")}, 109400),
        ({"quantity": "100"}, 101204),
    ],
)
def test_what_is_refused_beside_a_long_position(desk: Desk, parameters: dict[str, str], code: int) -> None:
    desk.place()
    assert refused(desk, **parameters)[0] == code


def test_stops_cover_no_more_than_the_position(desk: Desk) -> None:
    desk.place()
    desk.place(**STOP_ORDER, quantity="0.06")
    text = "The order size must be less than the available amount of 0.04 BTC"
    assert refused(desk, **STOP_ORDER, quantity="0.05") == (110203, text)
    desk.place(**PROFIT_ORDER, quantity="0.1")
    desk.place(**STOP_ORDER, quantity="0.04")
    desk.place(**STOP_ORDER | {"quantity": ""}, closePosition="true")
    assert refused(desk, **STOP_ORDER | {"quantity": ""}, closePosition="true")[0] == 110406


@pytest.mark.parametrize(
    ("order", "code"), [(STOP_ORDER, 110406), (PROFIT_ORDER, 110407)], ids=["stop", "target"]
)
def test_a_stop_for_the_whole_position_does_not_count_and_is_there_once_a_side(
    desk: Desk, order: dict[str, str], code: int
) -> None:
    desk.place()
    desk.place(**SHORT)
    whole = order | {"quantity": "", "closePosition": "true"}
    desk.place(**whole)
    assert refused(desk, **whole)[0] == code
    desk.place(**order, quantity="0.1")
    assert refused(desk, **order, quantity="0.0001")[0] == 110203
    other = {"STOP_MARKET": "61000", "TAKE_PROFIT_MARKET": "59000"}[order["type"]]
    desk.place(**whole | SHORT | {"side": "BUY", "stopPrice": other})


def test_a_stop_for_the_whole_position_is_taken_beside_one_that_is_too_large(desk: Desk) -> None:
    desk.place(stopLoss=STOP)
    desk.place(side="SELL", quantity="0.04")
    assert refused(desk, **STOP_ORDER, quantity="0.06")[0] == 110203
    desk.place(**STOP_ORDER | {"quantity": ""}, closePosition="true")


@pytest.mark.parametrize(
    ("entry", "stop", "code"),
    [
        ({}, {"type": "STOP_MARKET", "side": "SELL", "stopPrice": "60000.1"}, 110411),
        (SHORT, {"type": "STOP_MARKET", "side": "BUY", "stopPrice": "59999.9"}, 110412),
        ({}, {"type": "TAKE_PROFIT_MARKET", "side": "SELL", "stopPrice": "59999.9"}, 110413),
        (SHORT, {"type": "TAKE_PROFIT_MARKET", "side": "BUY", "stopPrice": "60000.1"}, 110414),
    ],
)
def test_a_stop_that_the_price_is_past_already_is_refused(
    desk: Desk, entry: dict[str, str], stop: dict[str, str], code: int
) -> None:
    side = {"positionSide": entry.get("positionSide", "LONG")}
    desk.place(**entry)
    assert refused(desk, **side, **stop)[0] == code
    assert refused(desk, **side, **stop, quantity="", closePosition="true")[0] == code


def test_stops_and_positions_may_be_shown_late(desk: Desk) -> None:
    desk.place(stopLoss=STOP)
    desk.now += 2000
    desk.place(**PROFIT_ORDER)
    desk.place(side="SELL", quantity="0.04")

    def shown(late: float) -> tuple[list[str], list[str]]:
        desk.late = late
        orders, positions = desk.call("open_orders")["orders"], desk.call("positions")
        return [each["type"] for each in orders], [each["positionAmt"] for each in positions]

    assert shown(0) == (["STOP_MARKET", "TAKE_PROFIT_MARKET"], ["0.06"])
    assert shown(1) == (["STOP_MARKET"], ["0.1"])
    assert shown(2) == (["STOP_MARKET"], ["0.1"])
    assert shown(3) == ([], [])
    desk.now += 1000
    desk.call("close_all")
    assert (shown(0.5)[1], shown(0)[1]) == (["0.06"], [])
    desk.now += 500
    assert shown(0.5)[1] == []


def test_every_order_is_heard_of_in_its_sequence(desk: Desk) -> None:
    entry = desk.place(stopLoss=STOP, clientOrderId="a1")
    target = desk.place(**PROFIT_ORDER, quantity="0.04")
    desk.price("61000")
    desk.call("close_all")
    told = [(each.type, each.id, each.client_id, each.status) for each in desk.book.history()]
    assert [kind for kind, *_ in told] == ["MARKET", "STOP_MARKET", "TAKE_PROFIT_MARKET", "MARKET"]
    assert told[0] == ("MARKET", entry["orderId"], "a1", "FILLED")
    assert told[2] == ("TAKE_PROFIT_MARKET", target["orderId"], "", "FILLED")
    assert [each.id for each in desk.book.all()] == [entry["orderId"], target["orderId"]]


def test_fifty_stops_are_too_many_and_attached_ones_do_not_count(desk: Desk) -> None:
    desk.place(takeProfit=PROFIT)
    for _ in range(50):
        desk.place(**STOP_ORDER, quantity="0.0001")
    assert refused(desk, **STOP_ORDER, quantity="0.0001") == (110206, "stop order cnt hit limit 50")


def test_an_id_is_refused_within_a_second_and_for_life_after_a_cancel(desk: Desk) -> None:
    order = {"type": "LIMIT", "price": "59000", "clientOrderId": "Sig1"}
    desk.place(**order)
    assert refused(desk, **order)[0] == 109201
    desk.call("cancel_order", clientOrderId="SIG1")
    desk.now += 1000
    assert refused(desk, **order) == (101481, "clientOrderID cannot be repeated")


def test_a_cancel_may_not_be_repeated_within_a_second(desk: Desk) -> None:
    order = desk.place(type="LIMIT", price="59000")
    by_id = {"orderId": str(order["orderId"])}
    assert desk.call("cancel_order", **by_id)["order"]["status"] == "CANCELLED"
    assert refused(desk, "cancel_order", **by_id)[0] == 109201
    desk.now += 1000
    assert refused(desk, "cancel_order", **by_id) == (109422, "order already filled")
    assert refused(desk, "cancel_order", clientOrderId="nobody") == (109400, "order not exist")


def test_cancel_all_may_spare_other_types(desk: Desk) -> None:
    desk.place(stopLoss=STOP)
    desk.place(type="LIMIT", price="59500")
    told = desk.call("cancel_all", type="LIMIT")
    assert [each["type"] for each in told["success"]] == ["LIMIT"]
    assert [kind for kind, *_ in desk.open()] == ["STOP_MARKET"]
