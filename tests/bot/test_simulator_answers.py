"""Answers beside what BingX's documents and public captures show, word for word where they can be."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.simulator.book import Book
from bot.simulator.journal import Journal
from bot.simulator.market import Market
from bot.simulator.signature import Credentials
from tests.bot.play import KEYS, Exchange, get
from tests.bot.simulator_calls import SHORT, Desk, call

# A capture of the demo exchange of January 2024, and what came with an attached stop.
ACK = """{"order":{"orderId":1745839584339562496,"symbol":"LTC-USDT","positionSide":"LONG","side":"BUY",
"type":"MARKET","price":0,"quantity":0.1,"stopPrice":0,"workingType":"MARK_PRICE","clientOrderID":"",
"timeInForce":"GTC","priceRate":0,"stopLoss":"","takeProfit":"","reduceOnly":false}}"""
ACK_STOP = '{"stopPrice":50,"workingType":"MARK_PRICE","type":"STOP_MARKET","quantity":1}'
ORDER = """{"symbol":"OP-USDT","orderId":1736007506620112100,"side":"SELL","positionSide":"LONG",
"type":"LIMIT","origQty":"1.0","price":"2.1710","executedQty":"0.0","avgPrice":"0.0000","cumQuote":"0","stopPrice":"",
"profit":"0.0000","commission":"0.000000","status":"PENDING","time":1702732596168,
"updateTime":1702732596188,"clientOrderId":"l*****e","leverage":"15X","takeProfit":{"type":"","quantity":0,
"stopPrice":0,"price":0,"workingType":""},"stopLoss":{"type":"","quantity":0,"stopPrice":0,"price":0,
"workingType":""},"advanceAttr":0,"positionID":0,"takeProfitEntrustPrice":0,"stopLossEntrustPrice":0,
"orderType":"","workingType":"MARK_PRICE","stopGuaranteed":false,"triggerOrderId":1736012449498123500}"""
CONTRACT = """{"contractId":"100","symbol":"BTC-USDT","size":"0","quantityPrecision":4,"pricePrecision":1,
"feeRate":0.0005,"makerFeeRate":0.0002,"takerFeeRate":0.0005,"tradeMinLimit":0,"tradeMinQuantity":0.0001,
"tradeMinUSDT":2,"maxLongLeverage":125,"maxShortLeverage":125,"currency":"USDT","asset":"BTC","status":1,
"apiStateOpen":"true","apiStateClose":"true","brokerState":"true","launchTime":1586275200000,
"maintainTime":0,"offTime":0}"""
BALANCE = """{"userId":"1341158271307522053","asset":"USDT","balance":"19.9003","equity":"19.9003",
"unrealizedProfit":"0.0000","realisedProfit":"0","availableMargin":"19.9003","usedMargin":"0.0000",
"freezedMargin":"0.0000","shortUid":"25307298"}"""
POSITION = """{"positionId":"1792480725958881280","symbol":"LTC-USDT","currency":"USDT","positionAmt":"0.1",
"availableAmt":"0.1","positionSide":"LONG","isolated":false,"avgPrice":"83.53","initialMargin":"1.3922",
"margin":"0.3528","leverage":6,"unrealizedProfit":"-1.0393","realisedProfit":"-0.2119","liquidationPrice":0,
"pnlRatio":"-0.7465","maxMarginReduction":"0.0000","riskRate":"0.0008","markPrice":"73.14",
"positionValue":"7.3136","onlyOnePosition":true,"updateTime":1721088016688}"""
CLOSED = """{"orderId":1,"positionId":"1","symbol":"BTC-USDT","side":"Ask","type":"Market",
"positionSide":"Long","origQty":"0.1"}"""
PREMIUM = """{"symbol":"BTC-USDT","markPrice":"42216.4","indexPrice":"42219.9","lastFundingRate":"0.00025100",
"nextFundingTime":1702742400000}"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.journal.close()


def shape(told: Any) -> Any:
    """Names and kinds of values; a number in quotes is another kind than a text."""
    if isinstance(told, dict):
        return {name: shape(value) for name, value in told.items()}
    if isinstance(told, bool) or told is None or told == "":
        return told if told is None or told == "" else "bool"
    if isinstance(told, str):
        return "number in quotes" if told.lstrip("-").replace(".", "", 1).isdecimal() else "text"
    return "number" if isinstance(told, int | float) else type(told).__name__


def alike(told: Any, documented: str, *free: str) -> None:
    """`free` are values that differ in kind by what happened."""
    ours, theirs = json.loads(json.dumps(told)), json.loads(documented)
    for name in free:
        assert ours.pop(name, None) is not None, name
        theirs.pop(name)
    assert shape(ours) == shape(theirs)


def test_the_bare_ack_is_the_capture_word_for_word(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ack="bare")
    told = desk.call("place_order", symbol="LTC-USDT", side="BUY", type="MARKET", quantity="0.1")
    capture = json.loads(ACK)
    capture["order"]["orderId"] = told["order"]["orderId"]
    assert json.dumps(told) == json.dumps(capture)
    assert len(str(told["order"]["orderId"])) == 19
    told = desk.place(symbol="LTC-USDT", quantity="1", stopLoss=ACK_STOP)
    assert told["stopLoss"] == ACK_STOP
    desk.journal.close()


def test_the_ack_of_today_tells_more(desk: Desk) -> None:
    told = desk.place(symbol="LTC-USDT")
    assert told.keys() - json.loads(ACK)["order"].keys() == {
        "orderID",
        "clientOrderId",
        "status",
        "avgPrice",
        "executedQty",
        "closePosition",
    }
    assert told["orderID"] == str(told["orderId"])


def test_an_order_as_it_is_queried(desk: Desk) -> None:
    desk.place()
    limit = desk.place(side="SELL", type="LIMIT", price="61000", clientOrderId="ab")
    told = desk.call("query_order", clientOrderId="ab")["order"]
    alike(told, ORDER, "clientOrderId", "leverage")
    assert (told["leverage"], told["stopPrice"]) == ("20X", "")
    entry = desk.call("all_orders")["orders"][1]
    assert (entry["avgPrice"], entry["executedQty"], entry["cumQuote"]) == ("60000.0", "0.1", "6000.00")
    listed = desk.call("open_orders")["orders"][0]
    more = {
        "trailingStopRate",
        "trailingStopDistance",
        "postOnly",
        "positionId",
        "closePosition",
        "reduceOnly",
    }
    assert listed.keys() - told.keys() == more | {"onlyOnePosition"}
    assert desk.call("cancel_order", orderId=str(limit["orderId"]))["order"].keys() == told.keys()


def test_the_contract_word_for_word(desk: Desk) -> None:
    (told,) = desk.call("contracts")
    documented = json.loads(CONTRACT)
    assert {name: told[name] for name in documented} == documented
    assert told.keys() - documented.keys() == {"ensureTrigger", "triggerFeeRate", "displayName"}


def test_the_balance_word_for_word(tmp_path: Path) -> None:
    desk = Desk(tmp_path, balance="19.9003")
    usdt, usdc = desk.call("balance")
    documented = json.loads(BALANCE)
    assert usdt | {"userId": documented["userId"], "shortUid": documented["shortUid"]} == documented
    assert (usdc["asset"], usdc["balance"], usdc.keys()) == ("USDC", "0.0000", usdt.keys())
    desk.journal.close()


def test_a_position(desk: Desk) -> None:
    desk.call("set_leverage", symbol="LTC-USDT", side="LONG", leverage="6")
    desk.place(symbol="LTC-USDT")
    desk.market.marks["LTC-USDT"] = Decimal("73.14")
    (told,) = desk.call("positions", symbol="LTC-USDT")
    alike(told, POSITION)
    documented = json.loads(POSITION)
    same = (
        "symbol",
        "positionAmt",
        "positionSide",
        "avgPrice",
        "initialMargin",
        "leverage",
        "liquidationPrice",
    )
    assert {name: told[name] for name in same} == {name: documented[name] for name in same}
    assert (told["unrealizedProfit"], told["margin"], told["pnlRatio"]) == ("-1.0390", "0.3532", "-0.7463")
    assert desk.call("positions", symbol="BTC-USDT") == []


def test_smaller_answers(desk: Desk) -> None:
    assert desk.call("server_time") == {"serverTime": desk.now}
    told = desk.call("price")
    assert (told["price"], told["time"], told.keys()) == ("60000.0", desk.now, {"symbol", "price", "time"})
    assert [each["symbol"] for each in desk.call("price", symbol="")] == list(desk.market.contracts)
    alike(desk.call("premium_index"), PREMIUM)
    assert desk.call("leverage") == {
        "longLeverage": 20,
        "shortLeverage": 20,
        "maxLongLeverage": 125,
        "maxShortLeverage": 125,
    }
    told = desk.call("set_leverage", symbol="ETH-USDT", side="LONG", leverage="8")
    assert told == {"leverage": 8, "symbol": "ETH-USDT"}
    assert desk.call("position_mode") == {"dualSidePosition": "true"}


def test_closes(desk: Desk) -> None:
    desk.place(**SHORT)
    desk.place()
    positions = {each["positionSide"]: each["positionId"] for each in desk.call("positions")}
    alike(desk.call("close_position", positionId=positions["LONG"]), CLOSED)
    told = desk.call("close_all")
    assert (told["failed"], [type(each) for each in told["success"]]) == (None, [int])


def test_income_has_the_documented_names(desk: Desk) -> None:
    desk.place()
    (told,) = desk.call("income")
    assert told == {
        "symbol": "BTC-USDT",
        "incomeType": "TRADING_FEE",
        "income": "-3.00000000",
        "asset": "USDT",
        "info": "Position Fee",
        "time": desk.now,
        "tranId": told["tranId"],
        "tradeId": told["tradeId"],
    }
    desk.price("61000")
    desk.place(side="SELL")
    fee, profit = desk.call("income", limit="2")
    assert fee["tradeId"] == profit["tradeId"] != told["tradeId"]
    assert len({told["tranId"], fee["tranId"], profit["tranId"]}) == 3


async def test_the_envelope_of_a_success_without_data(exchange: Exchange) -> None:
    told = await call(exchange, "set_margin_type", symbol="BTC-USDT", marginType="ISOLATED")
    assert told == {"code": 0, "msg": ""}


SAMPLE = "from the link https://bingx-api.github.io/docs/#/en-us/spot/account-api.html#Query%20Assets"


async def test_refusals_of_the_gateway_word_for_word(exchange: Exchange) -> None:
    told = await call(exchange, "balance", timestamp="1")
    text = f"Null timestamp or timestamp mismatch, try to run our sample code {SAMPLE}"
    assert told == {"code": 100421, "msg": text, "timestamp": told["timestamp"]}
    exchange.simulator._credentials = Credentials(api_key=KEYS.api_key, secret_key="another")
    told = await call(exchange, "balance")
    text = (
        "Signature verification failed due to signature mismatch,please verify our authentication "
        f"signature and try to  run our sample code  {SAMPLE}"
    )
    assert told == {"code": 100001, "msg": text, "timestamp": told["timestamp"]}


@pytest.mark.parametrize(
    ("name", "parameters", "body"),
    [
        ("place_order", {"quantity": "1000000"}, '{"code":101204,"msg":"Insufficient margin","data":{}}'),
        (
            "place_order",
            {"quantity": "0.00001"},
            '{"code":109400,"msg":"Invalid parameters: quantity has more than 4 decimals","data":{}}',
        ),
        (
            "place_order",
            {"quantity": "0.00001", "symbol": "LTC-USDT"},
            '{"code":109400,"msg":"Invalid parameters: quantity has more than 1 decimals","data":{}}',
        ),
        ("place_order", {"side": "SELL"}, '{"code":101205,"msg":"No position to close","data":{}}'),
        (
            "place_order",
            {"type": "LIMIT", "price": "1"},
            '{"code":110425,"msg":"Please ensure that the minimum nominal value of the order placed must be '
            'greater than 2u","data":{}}',
        ),
        (
            "place_order",
            {"positionSide": "BOTH"},
            '{"code":109400,"msg":"In the Hedge mode, the \'PositionSide\' field can only be set to LONG or '
            'SHORT.","data":{}}',
        ),
        ("query_order", {"orderId": "1"}, '{"code":109421,"msg":"order not exist","data":{}}'),
        ("cancel_order", {"orderId": "1"}, '{"code":109400,"msg":"order not exist","data":{}}'),
    ],
)
async def test_refusals_of_the_exchange_word_for_word(
    exchange: Exchange, name: str, parameters: dict[str, str], body: str
) -> None:
    order = {"symbol": "BTC-USDT", "side": "BUY", "positionSide": "LONG", "type": "MARKET", "quantity": "0.1"}
    told = await call(exchange, name, **(order | parameters))
    assert json.dumps(told, separators=(",", ":")) == body


async def test_an_unknown_symbol_and_an_unknown_path(exchange: Exchange) -> None:
    told = await call(exchange, "positions", symbol="NOPE-USDT")
    assert told["code"] == 109425
    assert told["msg"].startswith("NOPE-USDT not exist, please verify it ")
    _, told = await get(f"{exchange.url}/openApi/swap/v2/nothing")
    assert told["code"] == 100400


def test_the_book_starts_with_play_money(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    assert Book(Market(), journal, lambda: 0).account.balance == 10_000_000
    journal.close()
