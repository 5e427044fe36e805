"""What goes wrong on purpose, limits and bans, and the control port that sets them."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.simulator.__main__ import now_ms
from bot.simulator.errors import BingXError
from bot.simulator.limits import Limits, Quota
from bot.simulator.market import read_replay
from tests.bot.play import Exchange, get, post
from tests.bot.simulator_calls import STOP, call, request

ORDER = {"symbol": "BTC-USDT", "side": "BUY", "positionSide": "LONG", "type": "MARKET", "quantity": "0.1"}
TRADE = Quota(name="place_order", per_second=10, group=3)
MARKET = Quota(name="price", per_second=0, group=1)


async def control(exchange: Exchange, path: str, body: Any) -> Any:
    status, told = await post(f"{exchange.url}/control/{path}", body)
    assert status == 200, told
    return told


async def clear(exchange: Exchange, path: str) -> None:
    async with aiohttp.ClientSession() as session:
        await session.delete(f"{exchange.url}/control/{path}")


@pytest.mark.parametrize(
    ("fault", "status", "taken"),
    [({"http_status": 504}, 504, 0), ({"http_status_after": 504}, 504, 1), ({"no_json": True}, 200, 1)],
    ids=str,
)
async def test_pages_in_place_of_json_before_and_after_the_order(
    exchange: Exchange, fault: dict[str, Any], status: int, taken: int
) -> None:
    await control(exchange, "faults", fault)
    told = await request(exchange, "place_order", **ORDER)
    assert told[0] == status
    assert told[2].startswith("<html>")
    assert len(exchange.orders) == taken


async def test_a_fault_may_be_for_some_endpoints_alone(exchange: Exchange) -> None:
    await control(
        exchange, "faults", {"http_status": 502, "drop_before": True, "only": ["balance", "positions"]}
    )
    assert (await request(exchange, "balance"))[0] == 502
    await control(exchange, "faults", {"http_status": 0})
    with pytest.raises(aiohttp.ClientError):
        await request(exchange, "positions")
    assert (await call(exchange, "place_order", **ORDER))["code"] == 0


async def test_an_endpoint_is_refused_as_often_as_was_asked(exchange: Exchange) -> None:
    fault = {"errors": {"cancel_order": {"code": 109500, "msg": "busy", "times": 2}}}
    assert await control(exchange, "faults", fault) == fault
    cancel = {"symbol": "BTC-USDT", "orderId": "1"}
    codes = [(await call(exchange, "cancel_order", **cancel))["code"] for _ in range(3)]
    assert codes == [109500, 109500, 109400]
    assert await get(f"{exchange.url}/control/faults") == (200, {})
    await control(exchange, "faults", {"errors": {"balance": {"code": 100004, "msg": "no permission"}}})
    assert [(await call(exchange, "balance"))["code"] for _ in range(3)] == [100004] * 3


async def test_a_frozen_exchange_does_nothing_until_it_thaws(exchange: Exchange) -> None:
    await control(exchange, "faults", {"frozen": True})
    waiting = asyncio.create_task(call(exchange, "place_order", **ORDER))
    done, _ = await asyncio.wait([waiting], timeout=0.1)
    assert (done, exchange.orders) == (set(), [])
    await clear(exchange, "faults")
    assert (await waiting)["code"] == 0
    assert len(exchange.orders) == 1


@pytest.mark.parametrize(("fault", "taken"), [("delay_before", 0), ("jitter", 0), ("delay", 1)])
async def test_a_delay_is_before_or_after_the_order(exchange: Exchange, fault: str, taken: int) -> None:
    await control(exchange, "faults", {fault: 60})
    waiting = asyncio.create_task(call(exchange, "place_order", **ORDER))
    await asyncio.wait([waiting], timeout=0.2)
    assert len(exchange.orders) == taken
    waiting.cancel()


async def test_a_drop_may_be_a_reset(exchange: Exchange, caplog: pytest.LogCaptureFixture) -> None:
    await control(exchange, "faults", {"drop_after": True, "reset": True})
    with pytest.raises(aiohttp.ClientOSError, match="reset"):
        await call(exchange, "place_order", **ORDER)
    assert len(exchange.orders) == 1
    assert caplog.records == []


async def test_the_clock_of_the_exchange_may_be_off(exchange: Exchange) -> None:
    await control(exchange, "faults", {"clock_skew": 60})
    assert (await call(exchange, "place_order", **ORDER))["code"] == 100421
    _, told = await get(f"{exchange.url}/openApi/swap/v2/server/time")
    server = told["data"]["serverTime"]
    assert abs(server - now_ms() - 60_000) < 5000
    stamp = {"timestamp": str(server)}
    placed = await call(exchange, "place_order", **ORDER, **stamp, clientOrderId="a1")
    assert placed["code"] == 0
    told = await call(exchange, "query_order", symbol="BTC-USDT", clientOrderId="a1", **stamp)
    assert 0 <= told["data"]["order"]["time"] - server < 5000
    await clear(exchange, "faults")
    assert (await call(exchange, "query_order", symbol="BTC-USDT", clientOrderId="a1"))["code"] == 0
    assert len((await call(exchange, "positions"))["data"]) == 1


async def test_orders_are_hidden_from_lists_too(exchange: Exchange) -> None:
    await control(exchange, "faults", {"hide_orders": 60})
    await call(exchange, "place_order", **ORDER, stopLoss=STOP)
    for name in ("open_orders", "all_orders"):
        assert (await call(exchange, name))["data"]["orders"] == []
    assert len((await call(exchange, "positions"))["data"]) == 1
    await clear(exchange, "faults")
    assert len((await call(exchange, "all_orders"))["data"]["orders"]) == 2


async def test_positions_may_be_shown_late(exchange: Exchange) -> None:
    await control(exchange, "faults", {"hide_positions": 60, "hide_orders": 60})
    await call(exchange, "place_order", **ORDER, stopLoss=STOP)
    assert (await call(exchange, "positions"))["data"] == []
    told = await get(f"{exchange.url}/control/account")
    assert (len(told[1]["positions"]), len(told[1]["open_orders"])) == (1, 1)
    await clear(exchange, "faults")
    assert len((await call(exchange, "positions"))["data"]) == 1


async def test_a_person_may_trade_beside_the_bot(exchange: Exchange) -> None:
    await control(exchange, "faults", {"reject_orders": {"code": 101204, "msg": "no"}, "hide_orders": 60})
    placed = await control(exchange, "foreign", ORDER | {"stopLoss": STOP})
    assert (placed["order"]["status"], placed["order"]["clientOrderId"]) == ("FILLED", "")
    assert exchange.orders == [{"client_id": "", "status": "FILLED"}]
    assert len((await call(exchange, "positions"))["data"]) == 1
    assert await control(exchange, "foreign", {"endpoint": "cancel_all"}) != {}
    wanted = {"endpoint": "set_margin_type", "symbol": "ETH-USDT", "marginType": "ISOLATED"}
    assert await control(exchange, "foreign", wanted) == {}
    account = (await get(f"{exchange.url}/control/account"))[1]
    assert (len(account["positions"]), account["open_orders"]) == (1, [])
    status, told = await post(f"{exchange.url}/control/foreign", ORDER | {"quantity": "0"})
    assert (status, told["error"][:6]) == (400, "109400")


async def test_orders_may_trade_in_parts(exchange: Exchange) -> None:
    await control(exchange, "faults", {"partial_fill": 0.4})
    order = (await call(exchange, "place_order", **ORDER))["data"]["order"]
    assert (order["status"], order["executedQty"]) == ("PARTIALLY_FILLED", "0.0400")
    await control(exchange, "steps", {"steps": 2})
    told = await get(f"{exchange.url}/control/account")
    assert (Decimal(told[1]["positions"][0]["positionAmt"]), told[1]["open_orders"]) == (Decimal("0.1"), [])


async def test_a_resting_order_is_filled_by_hand(exchange: Exchange) -> None:
    order = await call(exchange, "place_order", **(ORDER | {"type": "LIMIT", "price": "50000"}))
    fill = {"orderId": order["data"]["order"]["orderId"], "quantity": "0.03"}
    assert (await control(exchange, "fill", fill))["status"] == "PARTIALLY_FILLED"
    for wrong in (
        {"orderId": 1, "quantity": "0.1"},
        fill | {"quantity": "0.08"},
        fill | {"quantity": "NaN"},
        {},
    ):
        assert (await post(f"{exchange.url}/control/fill", wrong))[0] == 400


async def test_the_mark_price_may_leave_the_last_price(exchange: Exchange) -> None:
    await call(exchange, "place_order", **ORDER, stopLoss=STOP)
    await control(exchange, "marks", {"BTC-USDT": "58000"})
    assert (await call(exchange, "positions"))["data"] == []
    told = (await call(exchange, "premium_index"))["data"][0]
    assert (told["markPrice"], told["indexPrice"]) == ("58000", "60000.0")
    await clear(exchange, "marks")
    assert (await call(exchange, "premium_index"))["data"][0]["markPrice"] == "60000.0"


async def test_prices_may_be_played_from_lines(exchange: Exchange) -> None:
    lines = '{"BTC-USDT": "60100"}\n\n{"BTC-USDT": "60200", "ETH-USDT": "3100"}\n'
    assert await control(exchange, "replay", lines) == {"steps": 2}
    assert (await control(exchange, "steps", {"steps": 1}))["BTC-USDT"] == "60100.0"
    assert (await control(exchange, "steps", {"steps": 9}))["ETH-USDT"] == "3100.00"
    await control(exchange, "walk", {"volatility": 0.01})
    assert (await control(exchange, "steps", {"steps": 9}))["ETH-USDT"] != "3100.00"
    with pytest.raises(ValueError, match="line 3: 'BTC' is no symbol"):
        read_replay(["", '{"BTC-USDT": "1"}', '{"BTC": "1"}'])


async def test_funding_is_paid_when_told(exchange: Exchange) -> None:
    await call(exchange, "place_order", **ORDER)
    assert (await control(exchange, "funding", {}))[-1]["incomeType"] == "FUNDING_FEE"


async def test_money_comes_and_goes_and_income_may_not_tell(exchange: Exchange) -> None:
    async def moved(amount: str, told: bool) -> Any:
        return (await control(exchange, "transfer", {"amount": amount, "told": told}))["balance"]

    begin = Decimal((await call(exchange, "balance"))["data"][0]["balance"])
    assert Decimal(await moved("-40", told=False)) == begin - 40
    assert not (await call(exchange, "income"))["data"]
    assert Decimal(await moved("15.5", told=True)) == begin - Decimal("24.5")
    [line] = (await call(exchange, "income"))["data"]
    assert (line["incomeType"], Decimal(line["income"])) == ("TRANSFER", Decimal("15.5"))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("transfer", {"amount": "NaN", "told": True}),
        ("transfer", {"amount": "1"}),
        ("transfer", {"amount": "1", "told": "no"}),
        ("faults", {"only": ["nothing"]}),
        ("faults", {"only": "balance"}),
        ("faults", {"errors": {"nothing": {"code": 1, "msg": ""}}}),
        ("faults", {"errors": {"balance": {"code": 1, "msg": "", "times": -2}}}),
        ("faults", {"errors": {"balance": 1}}),
        ("faults", {"partial_fill": 0}),
        ("faults", {"partial_fill": 1.1}),
        ("faults", {"frozen": 1}),
        ("faults", {"clock_skew": "1"}),
        ("limits", {"enforced": 1}),
        ("bans", {"nothing": 1}),
        ("bans", {"balance": "1"}),
        ("walk", {"volatility": 2}),
        ("walk", []),
        ("steps", {"steps": 0}),
        ("marks", {"BTC-USDT": "-1"}),
        ("replay", "1\n"),
        ("foreign", []),
        ("foreign", {"endpoint": "nothing"}),
        ("foreign", ORDER | {"quantity": 1}),
        ("foreign", ORDER | {"clientOrderId": "a1"}),
    ],
)
async def test_the_control_port_refuses_what_makes_no_sense(exchange: Exchange, path: str, body: Any) -> None:
    status, told = await post(f"{exchange.url}/control/{path}", body)
    assert status == 400
    assert told["error"]
    assert await get(f"{exchange.url}/control/faults") == (200, {})


def test_eleven_orders_in_a_second_ban_for_five_minutes() -> None:
    limits = Limits()
    limits.enforced = True
    headers = [limits.take(TRADE, 1000 + n, 100410) for n in range(10)]
    assert [each["X-RateLimit-Requests-Remain"] for each in headers] == [str(n) for n in range(9, -1, -1)]
    assert headers[3]["X-RateLimit-Requests-Expire"] == "2000"
    with pytest.raises(
        BingXError, match=r"100410: code:100410:The endpoint .* will be unblocked after 301010$"
    ):
        limits.take(TRADE, 1010, 100410)
    with pytest.raises(BingXError):
        limits.take(TRADE, 301_009, 100410)
    limits.take(TRADE, 301_010, 100410)


def test_ten_orders_each_second_are_allowed() -> None:
    limits = Limits()
    limits.enforced = True
    for n in range(100):
        limits.take(TRADE, n // 10 * 1000, 100410)


def test_the_market_has_a_limit_by_address_alone() -> None:
    limits = Limits()
    limits.enforced = True
    for _ in range(500):
        limits.take(MARKET, 0, 100410)
    with pytest.raises(BingXError):
        limits.take(MARKET, 9_999, 100410)


def test_nothing_is_refused_unless_limits_are_enforced() -> None:
    limits = Limits()
    for _ in range(1000):
        limits.take(TRADE, 0, 100410)
        limits.failed(TRADE, 109400, 0)


def test_equal_errors_close_the_endpoint_also_for_good_calls() -> None:
    limits = Limits()
    limits.enforced = True
    for n in range(20):
        limits.failed(TRADE, 100202, n)
    limits.failed(TRADE, 109400, 20)
    limits.take(TRADE, 1000, 100410)
    limits.failed(TRADE, 100202, 1000)
    text = "over 20 error code:100202 requests within 480000 ms for this api, please verify and fix it ,"
    with pytest.raises(BingXError) as caught:
        limits.take(TRADE, 1001, 100410)
    assert (caught.value.code, caught.value.text) == (100410, f"{text}can retry after time: 480000")
    limits.take(TRADE, 480_000, 100410)


async def test_bans_and_limits_over_http(exchange: Exchange) -> None:
    told = await control(exchange, "bans", {"place_order": 60})
    until = told["place_order"]
    answer = await call(exchange, "place_order", **ORDER)
    assert answer["code"] == 100410
    assert answer["msg"].endswith(f"will be unblocked after {until}")
    assert answer["timestamp"] < until
    await clear(exchange, "bans")
    _, headers, answer = await request(exchange, "place_order", **ORDER)
    assert answer["code"] == 0
    assert {"X-RateLimit-Requests-Remain", "X-RateLimit-Requests-Expire"} <= headers.keys()
    assert headers["Content-Encoding"] == "gzip"
    await control(exchange, "limits", {"enforced": True})
    codes = {(await call(exchange, "margin_type", symbol="BTC-USDT"))["code"] for _ in range(5)}
    assert codes == {0, 100410}


def test_a_replay_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "prices.jsonl"
    file.write_text('{"SHIB-USDT": "0.0000081"}\n')
    assert read_replay(file.read_text().splitlines()) == [{"SHIB-USDT": Decimal("0.0000081")}]
