"""Each method of the client: the call that it makes, what it answers, and what it does without an answer."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from bot.adapters.bingx import BingX
from bot.domain.account import MarginType, PositionSide, Purpose
from bot.domain.order import Event, Order
from bot.domain.signal import Side
from bot.ports import NothingLeft, OutcomeUnknown, PastTrigger, TryAgain
from tests.bot.bingx_stub import PLACED, Asked, Stub, bad, dropped, good, page, rows_in, stubbed
from tests.bot.test_bingx_read import LISTED
from tests.bot.test_bingx_transport import ENTRY, STOP, Clock, wide_open

NOON = datetime(2026, 1, 16, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
async def both() -> AsyncIterator[tuple[BingX, Stub]]:
    clock = Clock()
    async with stubbed(CollectorRegistry(), clock.wall, clock.monotonic) as made:
        yield made


@pytest.fixture
def bingx(both: tuple[BingX, Stub]) -> BingX:
    return both[0]


@pytest.fixture
def stub(both: tuple[BingX, Stub]) -> Stub:
    return both[1]


Call = Callable[[BingX], Awaitable[Any]]
QUESTIONS: dict[str, tuple[Call, str, dict[str, str]]] = {
    "contracts": (lambda b: b.contracts(), "quote/contracts", {}),
    "prices": (lambda b: b.prices(), "ticker/price", {}),
    "balances": (lambda b: b.balances(), "v3/user/balance", {}),
    "positions": (lambda b: b.positions(), "v2/user/positions", {}),
    "open_orders": (lambda b: b.open_orders(), "trade/openOrders", {}),
    "find": (
        lambda b: b.find("BTC-USDT", "tws1"),
        "trade/order",
        {"symbol": "BTC-USDT", "clientOrderId": "tws1"},
    ),
    "history": (
        lambda b: b.history("BTC-USDT", NOON - DAY, NOON),
        "trade/allOrders",
        {"symbol": "BTC-USDT", "startTime": "1768478400000", "endTime": "1768564800001", "limit": "1000"},
    ),
    "income": (
        lambda b: b.income(NOON - DAY, NOON),
        "user/income",
        {"startTime": "1768478400000", "endTime": "1768564800001", "limit": "1000"},
    ),
    "is_hedged": (lambda b: b.is_hedged(), "v1/positionSide/dual", {}),
    "leverage": (lambda b: b.leverage("BTC-USDT"), "trade/leverage", {"symbol": "BTC-USDT"}),
    "margin_type": (lambda b: b.margin_type("BTC-USDT"), "trade/marginType", {"symbol": "BTC-USDT"}),
}
CHANGES: dict[str, tuple[Call, str, str, dict[str, str]]] = {
    "cancel": (
        lambda b: b.cancel("BTC-USDT", client_id="tws1"),
        "DELETE",
        "trade/order",
        {"symbol": "BTC-USDT", "clientOrderId": "tws1"},
    ),
    "cancel by the exchange's id": (
        lambda b: b.cancel("BTC-USDT", exchange_id="7"),
        "DELETE",
        "trade/order",
        {"symbol": "BTC-USDT", "orderId": "7"},
    ),
    "cancel_all": (
        lambda b: b.cancel_all("BTC-USDT"),
        "DELETE",
        "trade/allOpenOrders",
        {"symbol": "BTC-USDT"},
    ),
    "set_leverage": (
        lambda b: b.set_leverage("BTC-USDT", PositionSide.LONG, 5),
        "POST",
        "trade/leverage",
        {"symbol": "BTC-USDT", "side": "LONG", "leverage": "5"},
    ),
    "set_margin_type": (
        lambda b: b.set_margin_type("BTC-USDT", MarginType.ISOLATED),
        "POST",
        "trade/marginType",
        {"symbol": "BTC-USDT", "marginType": "ISOLATED"},
    ),
    "submit": (
        lambda b: b.submit(STOP, wide_open),
        "POST",
        "trade/order",
        {
            "symbol": "BTC-USDT",
            "side": "SELL",
            "positionSide": "LONG",
            "type": "STOP_MARKET",
            "stopPrice": "59000",
            "workingType": "MARK_PRICE",
            "closePosition": "true",
        },
    ),
}
NO_ANSWERS: dict[str, Callable[[Asked], web.Response]] = {
    "502": lambda _: page(502),
    "504 with a code": lambda _: bad(109421, "order not exist", 504),
    "a page": lambda _: page(200),
    "no data": lambda _: good(None),
    "a text": lambda _: good("none"),
    "busy": lambda _: bad(109500, "system busy"),
    "dropped": dropped,
}
NOTHING_THERE = {"positions", "income"}  # told by no data


@pytest.mark.parametrize("name", QUESTIONS)
async def test_a_question_asks_its_endpoint(bingx: BingX, stub: Stub, name: str) -> None:
    call, path, parameters = QUESTIONS[name]
    stub.answer = lambda _: page(502)
    with pytest.raises(TryAgain):
        await call(bingx)
    assert_asked(stub, "GET", path, parameters)


@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_is_asked_of_its_endpoint(bingx: BingX, stub: Stub, name: str) -> None:
    call, method, path, parameters = CHANGES[name]
    stub.answer = lambda _: page(502)
    with pytest.raises(OutcomeUnknown):
        await call(bingx)
    assert_asked(stub, method, path, parameters)


def assert_asked(stub: Stub, method: str, path: str, parameters: dict[str, str]) -> None:
    (asked,) = stub.asked
    added = {"timestamp", "recvWindow", "signature"}
    assert (asked.method, asked.path.endswith(path)) == (method, True)
    assert {name: value for name, value in asked.parameters.items() if name not in added} == parameters


@pytest.mark.parametrize("fate", NO_ANSWERS)
@pytest.mark.parametrize("name", QUESTIONS)
async def test_a_question_without_an_answer_is_asked_again_and_means_nothing(
    bingx: BingX, stub: Stub, name: str, fate: str
) -> None:
    stub.answer = NO_ANSWERS[fate]
    if fate == "no data" and name in NOTHING_THERE:
        assert await QUESTIONS[name][0](bingx) == []
        return
    with pytest.raises(TryAgain):
        await QUESTIONS[name][0](bingx)


@pytest.mark.parametrize("fate", ["502", "504 with a code", "a page", "busy", "dropped"])
@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_without_an_answer_may_have_been_made(
    bingx: BingX, stub: Stub, name: str, fate: str
) -> None:
    stub.answer = NO_ANSWERS[fate]
    with pytest.raises(OutcomeUnknown):
        await CHANGES[name][0](bingx)


@pytest.mark.parametrize("data", [None, "none", {"order": None}, {"order": {"orderId": 7, "status": "?"}}])
async def test_an_order_whose_answer_cannot_be_read_may_stand(bingx: BingX, stub: Stub, data: Any) -> None:
    stub.answer = lambda _: good(data)
    with pytest.raises(OutcomeUnknown, match="not readable"):
        await bingx.submit(ENTRY, wide_open)
    with pytest.raises(OutcomeUnknown, match="not readable"):
        await bingx.cancel("BTC-USDT", client_id="tws1")


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (109400, "order not exist"),
        (109421, "order not exist"),
        (80016, "order not exist"),
        (109422, "order already filled"),
        (80018, "order already filled"),
    ],
)
async def test_nothing_to_cancel_is_told_apart_from_a_failure(
    bingx: BingX, stub: Stub, code: int, text: str
) -> None:
    stub.answer = lambda _: bad(code, text)
    assert await bingx.cancel("BTC-USDT", client_id="tws1") is None


async def test_a_cancel_tells_what_the_exchange_said_last(bingx: BingX, stub: Stub) -> None:
    stub.answer = lambda _: good({"order": LISTED | {"status": "CANCELLED", "clientOrderId": "TWS1"}})
    report = await bingx.cancel("OP-USDT", client_id="tws1")
    assert report is not None
    assert (report.client_id, report.event, report.exchange_id) == (
        "tws1",
        Event.CANCELLED,
        str(LISTED["orderId"]),
    )
    with pytest.raises(ValueError, match="one of them"):
        await bingx.cancel("OP-USDT")


async def test_a_cancel_repeated_within_a_second_has_no_known_end(bingx: BingX, stub: Stub) -> None:
    stub.answer = lambda _: bad(109201, "only allowed to be submitted once within 1 second")
    with pytest.raises(OutcomeUnknown):
        await bingx.cancel("BTC-USDT", client_id="tws1")


@pytest.mark.parametrize(("code", "kind"), [(110412, PastTrigger), (101205, NothingLeft)])
async def test_refusals_after_which_something_else_is_done(
    bingx: BingX, stub: Stub, code: int, kind: type[Exception]
) -> None:
    stub.answer = lambda _: bad(code)
    with pytest.raises(kind):
        await bingx.submit(STOP, wide_open)


@pytest.mark.parametrize("place", ["openOrders", "allOrders", "nowhere"])
async def test_an_order_that_is_often_not_there_is_looked_for_in_the_lists(
    bingx: BingX, stub: Stub, place: str
) -> None:
    """Each `order not exist` brings a ban nearer; a list in which it is not brings none."""
    listed = {"orders": [LISTED | {"clientOrderId": "TWS1", "status": "FILLED", "executedQty": "1.0"}]}

    def answer(asked: Asked) -> web.Response:
        last = asked.path.rpartition("/")[2]
        return (
            bad(109421, "order not exist")
            if last == "order"
            else good(listed if last == place else {"orders": []})
        )

    stub.answer = answer
    for _ in range(15):
        assert await bingx.find("OP-USDT", "tws1") is None
    assert set(stub.paths()) == {"order"}
    assert bingx.entries_halted() == ""
    found = await bingx.find("OP-USDT", "tws1")
    assert stub.paths()[15:] == ["allOrders", "openOrders"]
    assert (found.event if found else None) == (None if place == "nowhere" else Event.FILLED)
    assert await bingx.find("OP-USDT", "tws2") is None


async def test_lists_that_cannot_be_read_prove_no_absence(bingx: BingX, stub: Stub) -> None:
    strange = {"orders": [LISTED | {"clientOrderId": "tws1", "status": "HALF_DONE"}]}
    for fate in (lambda: page(502), lambda: good(strange)):
        stub.answer = lambda _: bad(109421, "order not exist")
        with suppress(TryAgain):
            for _ in range(16):
                await bingx.find("OP-USDT", "tws1")
        stub.answer = lambda _, told=fate: told()
        with pytest.raises(TryAgain):
            await bingx.find("OP-USDT", "tws1")


async def test_an_entry_says_the_side_that_the_accounts_mode_wants(bingx: BingX, stub: Stub) -> None:
    order = Order(
        client_id="tws1",
        source="test",
        symbol="BTC-USDT",
        side=Side.SELL,
        quantity=Decimal(1),
        price=Decimal(2),
        stop=Decimal(3),
    )
    said = []
    for hedged in ("true", "false", "true"):
        stub.answer = lambda _, told=hedged: good({"dualSidePosition": told, **PLACED})
        assert await bingx.is_hedged() is (hedged == "true")
        assert (await bingx.place(order)).event is Event.ACCEPTED
        said.append(stub.asked[-1].parameters["positionSide"])
    assert said == ["SHORT", "BOTH", "SHORT"]
    assert "reduceOnly" not in stub.asked[-1].parameters


async def test_protection_is_reported_without_a_client_id(bingx: BingX, stub: Stub) -> None:
    stub.answer = lambda _: good(PLACED)
    told = await bingx.submit(replace(STOP, purpose=Purpose.TARGET), wide_open)
    assert (told.client_id, told.exchange_id, told.event) == ("", "7", Event.ACCEPTED)


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("end_counts", [True, False])
async def test_all_income_is_found_once_however_much_and_in_which_order(
    bingx: BingX, stub: Stub, newest_first: bool, end_counts: bool
) -> None:
    dice = random.Random(3)
    since = round((NOON - DAY).timestamp() * 1000)
    times = [since + dice.randrange(86_400_001) for _ in range(1500)] + [since, since + 86_400_000]
    rows = [
        {"incomeType": "TRADING_FEE", "income": "-0.01", "asset": "USDT", "time": time, "tranId": str(n)}
        for n, time in enumerate(times)
    ]
    outside = [rows[0] | {"time": since - 1, "tranId": "before"}]
    stub.answer = lambda asked: good(
        rows_in(asked, rows + outside, newest_first=newest_first, end_counts=end_counts)
    )
    found = await bingx.income(NOON - DAY, NOON)
    assert sorted(row.id for row in found) == sorted(row["tranId"] for row in rows)
    assert [row.at for row in found] == sorted(row.at for row in found)
    assert len(stub.asked) == 3


async def test_a_history_of_more_than_seven_days_is_asked_for_in_parts(bingx: BingX, stub: Stub) -> None:
    now = round(NOON.timestamp() * 1000)
    rows = [LISTED | {"orderId": n, "time": now - n * 3_600_000} for n in range(240)]
    stub.answer = lambda asked: good(
        {"orders": rows_in(asked, rows, newest_first=True, end_counts=False) or None}
    )
    found = await bingx.history("OP-USDT", NOON - 10 * DAY, NOON)
    assert len(found) == 240
    spans = [int(a.parameters["endTime"]) - int(a.parameters["startTime"]) for a in stub.asked]
    assert (len(spans), max(spans) <= 7 * 86_400_000) == (2, True)


async def test_more_rows_in_a_millisecond_than_an_answer_holds_are_not_passed_over(
    bingx: BingX, stub: Stub
) -> None:
    row = {"incomeType": "ADL", "income": "1", "asset": "USDT", "time": 5, "tranId": "1"}
    stub.answer = lambda _: good([row] * 1000)
    with pytest.raises(TryAgain, match="in a millisecond"):
        await bingx.income(NOON, NOON)
    assert len(stub.asked) == 1
