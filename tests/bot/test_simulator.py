"""The simulator over real HTTP: what BingX checks, it checks; what it has answered for, it keeps."""

import time
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from bot.simulator.__main__ import now_ms
from bot.simulator.errors import BingXError
from bot.simulator.market import Market
from bot.simulator.signature import Credentials, checked_parameters
from tests.bot.play import Exchange, get, post, running_simulator
from tests.bot.simulator_calls import call

# The key pair that BingX prints in its documents, and strings signed with it.
OFFICIAL = Credentials(
    api_key="hO6oQotzTE0S5FRYze2Jx2wGx7eVnJGMolpA1nZyehsoMgCcgKNWQHd4QgTFZuwl4Zt4xMe2PqGBegWXO4A",
    secret_key="mheO6dR8ovSsxZQCOYEFCtelpuxcWGTfHw7te326y6jOwq5WpvFQ9JNljoTwBXZGv5It07m9RXSPpDQEK2w",
)
LONG_ORDER = (
    "clientOrderId=sig1a2b3c&positionSide=LONG&quantity=0.001&recvWindow=5000&side=BUY"
    "&stopLoss={}&symbol=BTC-USDT&takeProfit={}&timestamp=1700000000000&type=MARKET"
)
STOP = '{"type":"STOP_MARKET","stopPrice":60000,"workingType":"MARK_PRICE"}'
PROFIT = '{"type":"TAKE_PROFIT_MARKET","stopPrice":70000,"workingType":"MARK_PRICE"}'
QUOTED = LONG_ORDER.format(quote(STOP, safe=""), quote(PROFIT, safe=""))
RAW_SIGNATURE = "636b8a0bb32d0c6fb16833879e35ac36b781c909b4d947ad0b1af2ef08a746dc"
ENCODED_SIGNATURE = "45777279f35569a4ae2c2498ea62d5c3056a7eae0e8340da6075f43076c92a9e"
NOW = 1700000000000


def test_a_query_is_signed_over_its_decoded_text() -> None:
    query = f"{QUOTED}&signature={RAW_SIGNATURE}"
    assert checked_parameters(OFFICIAL, OFFICIAL.api_key, query, b"", NOW + 5000)["stopLoss"] == STOP


def test_a_form_body_is_signed_over_its_bytes() -> None:
    body = f"{QUOTED}&signature={ENCODED_SIGNATURE}".encode()
    assert checked_parameters(OFFICIAL, OFFICIAL.api_key, "", body, NOW)["takeProfit"] == PROFIT


@pytest.mark.parametrize(
    ("key", "query", "body", "now", "code"),
    [
        pytest.param("other", f"{QUOTED}&signature={RAW_SIGNATURE}", "", NOW, 100413, id="other key"),
        pytest.param(None, f"{QUOTED}&signature={RAW_SIGNATURE}", "", NOW, 100413, id="no key"),
        pytest.param("", QUOTED, "", NOW, 100412, id="no signature"),
        pytest.param("", f"{QUOTED}&signature={ENCODED_SIGNATURE}", "", NOW, 100001, id="query, encoded"),
        pytest.param("", "", f"{QUOTED}&signature={RAW_SIGNATURE}", NOW, 100001, id="body, raw"),
        pytest.param("", "a=b", f"{QUOTED}&signature={RAW_SIGNATURE}", NOW, 100001, id="query and body"),
        pytest.param(
            "", f"{QUOTED}&signature={RAW_SIGNATURE.upper()}", "", NOW, 100001, id="upper-case signature"
        ),
        pytest.param("", f"{QUOTED}&signature={RAW_SIGNATURE}", "", NOW + 5001, 100421, id="too old"),
        pytest.param("", f"{QUOTED}&signature={RAW_SIGNATURE}", "", NOW - 5001, 100421, id="from the future"),
    ],
)
def test_who_may_not_call(key: str | None, query: str, body: str, now: int, code: int) -> None:
    with pytest.raises(BingXError) as caught:
        checked_parameters(OFFICIAL, OFFICIAL.api_key if key == "" else key, query, body.encode(), now)
    assert caught.value.code == code


def limit_buy(**changes: str) -> dict[str, str]:
    plain = {
        "symbol": "BTC-USDT",
        "side": "BUY",
        "positionSide": "LONG",
        "type": "LIMIT",
        "quantity": "0.1",
        "price": "60300",
        "clientOrderId": "Abc1",
    }
    return {name: value for name, value in (plain | changes).items() if value}


async def test_public_answers_have_the_documented_shapes(exchange: Exchange) -> None:
    _, told = await get(f"{exchange.url}/openApi/swap/v2/server/time")
    assert abs(told["data"]["serverTime"] - time.time() * 1000) < 5000
    _, told = await get(f"{exchange.url}/openApi/swap/v2/quote/contracts")
    assert {"symbol", "quantityPrecision", "pricePrecision", "tradeMinQuantity", "status"} <= told["data"][
        0
    ].keys()
    _, told = await get(f"{exchange.url}/openApi/swap/v1/ticker/price")
    assert told["data"][0]["symbol"] == "BTC-USDT"
    _, told = await get(f"{exchange.url}/openApi/swap/v1/ticker/price?symbol=BTC-USDT")
    assert told["data"]["price"] == "60000.0"
    _, told = await get(f"{exchange.url}/openApi/swap/v1/ticker/price?symbol=NOPE-USDT")
    assert told["code"] == 109425


async def test_an_order_that_crosses_the_price_is_filled_at_the_price(exchange: Exchange) -> None:
    placed = (await call(exchange, "place_order", **limit_buy(stopLoss=STOP.replace("60000", "59000"))))[
        "data"
    ]["order"]
    assert (placed["status"], placed["avgPrice"], placed["executedQty"]) == ("FILLED", "60000.0", "0.1")
    assert placed["clientOrderId"] == placed["clientOrderID"] == "abc1"
    assert placed["orderID"] == str(placed["orderId"])
    assert len(placed["orderID"]) == 19
    for by in ({"clientOrderId": "ABC1"}, {"clientOrderID": "abc1"}, {"orderId": placed["orderID"]}):
        found = (await call(exchange, "query_order", symbol="BTC-USDT", **by))["data"]["order"]
        assert (found["orderId"], found["status"], found["origQty"]) == (placed["orderId"], "FILLED", "0.1")


@pytest.mark.parametrize(
    ("side", "price", "crossing"), [("BUY", "59000", "58999"), ("SELL", "61000", "61001")]
)
async def test_an_order_rests_until_the_price_comes_to_it(
    exchange: Exchange, side: str, price: str, crossing: str
) -> None:
    position = "LONG" if side == "BUY" else "SHORT"
    order = limit_buy(side=side, price=price, positionSide=position)
    placed = (await call(exchange, "place_order", **order))["data"]["order"]
    assert (placed["status"], placed["executedQty"]) == ("PENDING", "0")
    still_open = await call(exchange, "open_orders", symbol="BTC-USDT")
    assert [each["clientOrderId"] for each in still_open["data"]["orders"]] == ["abc1"]
    assert (await post(f"{exchange.url}/control/prices", {"BTC-USDT": crossing}))[0] == 200
    found = (await call(exchange, "query_order", symbol="BTC-USDT", clientOrderId="abc1"))["data"]["order"]
    assert (found["status"], Decimal(found["avgPrice"])) == ("FILLED", Decimal(price))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"symbol": "NOPE-USDT"}, 109425),
        ({"type": "TWAP"}, 109400),
        ({"side": "LONG"}, 109400),
        ({"positionSide": "BOTH"}, 109400),
        ({"quantity": "1e-1"}, 109400),
        ({"quantity": "0.00012"}, 109400),
        ({"quantity": "0"}, 109400),
        ({"quantity": ""}, 109400),
        ({"price": "60300.05"}, 109400),
        ({"price": ""}, 109400),
        ({"quantity": "0.0001", "price": "100"}, 110425),
        ({"clientOrderId": "a-b"}, 109400),
        ({"clientOrderId": "a" * 41}, 109400),
        ({"stopLoss": "59000"}, 109400),
        ({"stopLoss": STOP.replace("60000", "61000")}, 110411),
    ],
)
async def test_what_is_not_taken(exchange: Exchange, changes: dict[str, str], code: int) -> None:
    assert (await call(exchange, "place_order", **limit_buy(**changes)))["code"] == code
    assert exchange.orders == []


async def test_the_smallest_quantity(exchange: Exchange) -> None:
    order = limit_buy(symbol="1000PEPE-USDT", quantity="99", price="0.0080000")
    told = await call(exchange, "place_order", **order)
    assert (told["code"], told["msg"]) == (101400, "The minimum order amount is 100 1000PEPE.")


async def test_a_client_id_is_spent_for_life_in_any_case_of_its_letters(tmp_path: Path) -> None:
    async with running_simulator(tmp_path) as exchange:
        assert (await call(exchange, "place_order", **limit_buy()))["code"] == 0
        assert (await call(exchange, "place_order", **limit_buy(clientOrderId="ABC1")))["code"] == 109201
        exchange.simulator.book.now_ms = lambda: now_ms() + 1000
        assert (await call(exchange, "place_order", **limit_buy(clientOrderId="ABC1")))["code"] == 101481
    async with running_simulator(tmp_path) as exchange:
        assert (await call(exchange, "place_order", **limit_buy()))["code"] in (101481, 109201)
        assert len(exchange.orders) == 1


async def test_a_line_torn_by_a_kill_is_cut_off(tmp_path: Path) -> None:
    async with running_simulator(tmp_path) as exchange:
        await call(exchange, "place_order", **limit_buy())
    with (tmp_path / "orders.jsonl").open("a") as journal:
        journal.write('{"id": 17, "client')
    async with running_simulator(tmp_path) as exchange:
        assert (await call(exchange, "place_order", **limit_buy(clientOrderId="b")))["code"] == 0
    async with running_simulator(tmp_path) as exchange:
        assert [each["client_id"] for each in exchange.orders] == ["abc1", "b"]


async def test_rejected_orders_leave_no_trace(exchange: Exchange) -> None:
    fault = {"reject_orders": {"code": 101204, "msg": "Insufficient margin"}}
    assert await post(f"{exchange.url}/control/faults", fault) == (200, fault)
    told = await call(exchange, "place_order", **limit_buy())
    assert (told["code"], told["msg"], exchange.orders) == (101204, "Insufficient margin", [])
    async with aiohttp.ClientSession() as session:
        await session.delete(f"{exchange.url}/control/faults")
    assert (await call(exchange, "place_order", **limit_buy()))["code"] == 0


@pytest.mark.parametrize(("fault", "kept"), [("drop_before", 0), ("drop_after", 1)])
async def test_dropped_connections(exchange: Exchange, fault: str, kept: int) -> None:
    await post(f"{exchange.url}/control/faults", {fault: 1})
    with pytest.raises(aiohttp.ClientError):
        await call(exchange, "place_order", **limit_buy())
    assert len(exchange.orders) == kept
    assert (await call(exchange, "place_order", **limit_buy(clientOrderId="b")))["code"] == 0


async def test_an_order_may_stay_hidden_for_a_while(exchange: Exchange) -> None:
    await call(exchange, "place_order", **limit_buy())
    query = {"symbol": "BTC-USDT", "clientOrderId": "abc1"}
    await post(f"{exchange.url}/control/faults", {"hide_orders": 60})
    assert (await call(exchange, "query_order", **query))["code"] == 109421
    await post(f"{exchange.url}/control/faults", {"hide_orders": 0})
    assert (await call(exchange, "query_order", **query))["code"] == 0


async def test_an_http_status_comes_with_a_page_and_no_json(exchange: Exchange) -> None:
    await post(f"{exchange.url}/control/faults", {"http_status": 502})
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{exchange.url}/openApi/swap/v2/server/time") as response,
    ):
        assert (response.status, response.content_type) == (502, "text/html")


@pytest.mark.parametrize(
    "body",
    [
        "no json",
        "[]",
        "{}",
        {"reject_order": True},
        {"reject_orders": {"code": 0, "msg": "x"}},
        {"reject_orders": {"code": 1}},
        {"http_status": 200},
        {"http_status": True},
        {"drop_after": "yes"},
        {"delay": -1},
        {"delay": 1e9},
        '{"delay": NaN}',
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused_and_changes_nothing(
    exchange: Exchange, body: Any
) -> None:
    status, told = await post(f"{exchange.url}/control/faults", body)
    assert status == 400
    assert told["error"]
    assert await get(f"{exchange.url}/control/faults") == (200, {})


async def test_it_says_what_it_is(exchange: Exchange) -> None:
    _, told = await get(f"{exchange.url}/control/health")
    assert told["simulator"] is True
    assert "no real money" in told["what"]


def test_the_same_seed_walks_the_same_way() -> None:
    walks = []
    for _ in range(2):
        market = Market(seed=7)
        for _ in range(100):
            market.step()
        walks.append(dict(market.prices))
    assert walks[0] == walks[1]
    assert walks[0]["BTC-USDT"] != Decimal("60000.0")
