"""The true application with a real database and a real simulator, as a user meets it over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.simulator import faults
from tests.bot.play import TOKEN, Bot, Exchange, get, post, running_bot, until

GUIDE = {"message": "BUY BTCUSDT 0.1", "source": "test"}
PLAN = {
    "symbol": "BTC-USDT",
    "side": "BUY",
    "type": "LIMIT",
    "quantity": "0.1",
    "price": "60300.0",
    "stop": "59094.0",
    "targets": [],
    "leverage": 10,
    "notional_usdt": "6030.00",
}


READ = {
    "symbol": "BTC-USDT",
    "side": "BUY",
    "quantity": "0.1",
    "entries": [],
    "stop": None,
    "targets": [],
    "leverage": None,
    "margin_mode": None,
}


@pytest.fixture
async def bot(dsn: str, exchange: Exchange) -> AsyncIterator[Bot]:
    async with running_bot(dsn, exchange.url) as running:
        yield running


def set_faults(exchange: Exchange, **told: Any) -> None:
    exchange.simulator.faults = faults.parse(faults.Faults(), told)


async def test_the_guides_request_shows_the_plan_and_changes_nothing(bot: Bot, exchange: Exchange) -> None:
    assert await post(f"{bot.url}/debug/signal", GUIDE) == (
        200,
        {"verdict": "accepted", "reason": None, "signal": READ, "plan": PLAN},
    )
    assert (await bot.states(), exchange.orders) == ({}, [])
    assert await bot.metric('signals_received_total{source="test"}') == 0


async def test_an_executed_signal_becomes_one_order_and_stays_one(bot: Bot, exchange: Exchange) -> None:
    status, first = await bot.order()
    assert (status, first["verdict"], first["duplicate"]) == (200, "accepted", False)
    assert (first["order"]["state"], first["order"]["average_price"]) == ("filled", "60000.0")
    status, again = await bot.order()
    assert (status, again["duplicate"]) == (200, True)
    assert again["order"] == first["order"]
    assert exchange.orders == [{"client_id": first["order"]["client_id"], "status": "FILLED"}]


async def test_the_same_id_with_another_message_is_a_conflict(bot: Bot, exchange: Exchange) -> None:
    await bot.order()
    status, told = await bot.order("SELL BTCUSDT 0.1")
    assert (status, told["error"]) == (409, "id 1 was used for another message: 'BUY BTCUSDT 0.1'")
    assert len(exchange.orders) == 1


async def test_a_hundred_requests_at_once_with_ten_ids_are_ten_orders(bot: Bot, exchange: Exchange) -> None:
    results = await asyncio.gather(
        *(bot.order("BUY BTCUSDT 0.001", id_=str(number % 10)) for number in range(100))
    )
    assert {status for status, _ in results} == {200}
    assert len(exchange.orders) == 10
    assert await bot.states() == {"filled": 10}


async def test_what_is_refused_says_why_and_is_stored(bot: Bot) -> None:
    status, told = await bot.order("BUY BTCUSDT 0.00001")
    assert (status, told["verdict"]) == (422, "refused")
    assert told["error"].startswith("refused: below_minimum")
    status, told = await bot.order("what?", id_="2")
    assert (status, told["verdict"]) == (422, "ignored")
    _, told = await get(f"{bot.url}/status")
    assert [each["verdict"] for each in told["signals"]] == ["ignored", "refused"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("{", "the body is no JSON"),
        ("[" * 30000, "the body is no JSON"),
        ("[]", "the body must be an object"),
        ({"message": "x", "source": "test", "extra": 1}, "unknown key 'extra'"),
        ({"source": "test"}, "message must be a text"),
        ({"message": " ", "source": "test"}, "message must be a text"),
        ({"message": 7, "source": "test"}, "message must be a text"),
        (GUIDE | {"source": "radio"}, "source must be one of telegram, cryptet, http, test"),
        (GUIDE | {"source": ["test"]}, "source must be one of"),
        (GUIDE | {"execute": "yes"}, "execute must be true or false"),
        (GUIDE | {"execute": True}, "execute needs an id"),
        (GUIDE | {"execute": True, "id": "a b"}, "id must be 1 to 64"),
        (GUIDE | {"execute": True, "id": 7}, "id must be 1 to 64"),
    ],
)
async def test_a_bad_request_is_told_what_is_wrong(bot: Bot, body: Any, error: str) -> None:
    status, told = await post(f"{bot.url}/debug/signal", body, TOKEN)
    assert status == 400
    assert told["error"].startswith(error)


async def test_a_body_too_large_and_a_wrong_path_get_json(bot: Bot) -> None:
    status, told = await post(f"{bot.url}/debug/signal", "x" * 70_000)
    assert (status, set(told)) == (413, {"error"})
    status, told = await get(f"{bot.url}/nowhere")
    assert (status, told) == (404, {"error": "not found"})


@pytest.mark.parametrize("token", [None, "wrong", "", "tokén"])
async def test_only_the_token_executes(bot: Bot, exchange: Exchange, token: str | None) -> None:
    status, _ = await post(f"{bot.url}/debug/signal", GUIDE | {"execute": True, "id": "1"}, token)
    assert (status, exchange.orders) == (401, [])


async def test_without_a_token_of_its_own_the_bot_executes_nothing(dsn: str, exchange: Exchange) -> None:
    async with running_bot(dsn, exchange.url, ADMIN_TOKEN="") as bot:
        status, told = await post(f"{bot.url}/debug/signal", GUIDE | {"execute": True, "id": "1"}, "None")
        assert (status, told["error"]) == (401, "execute is off: the bot was started without ADMIN_TOKEN")


async def test_nul_and_half_surrogates_are_stored_as_what_can_be_stored(bot: Bot) -> None:
    body = '{"message": "BUY \\u0000 \\ud800", "source": "test", "execute": true, "id": "1"}'
    for _ in range(2):
        status, told = await post(f"{bot.url}/debug/signal", body, TOKEN)
        assert (status, told["verdict"]) == (422, "ignored")


async def test_a_halted_bot_refuses_and_shows_it(dsn: str, exchange: Exchange) -> None:
    async with running_bot(dsn, exchange.url, TRADING_ENABLED="false") as bot:
        status, told = await bot.order()
        assert (status, told["reason"]) == (422, "halted: TRADING_ENABLED is not true")
        assert exchange.orders == []
        _, told = await get(f"{bot.url}/status")
        assert next(iter(told)) == "summary"
        assert told["summary"] == (
            "The bot in simulator mode: ready; HALTED at level 1 by the bot (TRADING_ENABLED is not true): "
            "no new entries, 0 that rest may still be filled, positions keep their stops."
        )
        assert await bot.metric("bot_trading_enabled") == 0
    async with running_bot(dsn, exchange.url) as bot:
        await bot.order(id_="2")
        assert await bot.states() == {"filled": 1}


async def test_orders_the_exchange_refuses_have_failed(bot: Bot, exchange: Exchange) -> None:
    set_faults(exchange, reject_orders={"code": 101204, "msg": "Insufficient margin"})
    status, told = await bot.order()
    assert (status, told["order"]["state"]) == (200, "rejected")
    assert told["order"]["reason"] == "101204: Insufficient margin"
    assert await bot.metric('orders_total{source="test"}') == 1
    assert await bot.metric('orders_failed_total{reason="rejected",source="test"}') == 1

    async def gauge_shows_it() -> bool:
        return await bot.metric('orders_by_status{status="rejected"}') == 1

    await until(gauge_shows_it)


@pytest.mark.parametrize(
    ("fault", "state", "orders"), [("drop_after", "filled", 1), ("drop_before", "not_sent", 0)]
)
async def test_a_lost_answer_is_resolved_by_asking_and_never_by_sending_again(
    bot: Bot, exchange: Exchange, fault: str, state: str, orders: int
) -> None:
    set_faults(exchange, **{fault: True})
    status, told = await bot.order()
    assert (status, told["order"]["state"]) == (200, "unknown")
    await until(bot.has({state: 1}))
    assert len(exchange.orders) == orders
    failed = await bot.metric('orders_failed_total{reason="not_sent",source="test"}')
    assert (await bot.metric('orders_total{source="test"}'), failed) == (1, 1 - orders)


async def test_an_order_that_shows_late_is_not_given_up(bot: Bot, exchange: Exchange) -> None:
    set_faults(exchange, drop_after=True, hide_orders=0.5)
    await bot.order()
    _, told = await get(f"{bot.url}/status")
    assert told["unknown"][0]["age_seconds"] >= 0
    assert "1 order of unknown outcome" in told["summary"]
    await until(bot.has({"filled": 1}))
    assert len(exchange.orders) == 1


async def test_a_resting_order_is_followed_until_it_is_filled(bot: Bot, exchange: Exchange) -> None:
    exchange.simulator.market.set("BTC-USDT", exchange.simulator.market.prices["BTC-USDT"] * 2)
    _, told = await bot.order()
    assert told["order"]["state"] == "pending"
    await post(f"{exchange.url}/control/prices", {"BTC-USDT": "60000"})
    await until(bot.has({"filled": 1}))


async def test_without_an_exchange_the_bot_is_not_ready_and_orders_nothing(dsn: str) -> None:
    async with running_bot(dsn, "http://127.0.0.1:1", wait=False) as bot:

        async def database_answers() -> bool:
            return bool((await get(f"{bot.url}/health"))[1]["checks"]["database"]["ok"])

        await until(database_answers)
        status, told = await get(f"{bot.url}/health")
        assert (status, told["checks"]["exchange"]["ok"]) == (503, False)
        status, told = await bot.order()
        assert status == 422
        assert (await get(f"{bot.url}/livez"))[0] == 200


async def test_what_is_exported_is_in_the_catalogue(bot: Bot, exchange: Exchange) -> None:
    await bot.order()
    set_faults(exchange, http_status=502)
    await bot.order(id_="2")

    async def refreshed() -> bool:
        return await bot.metric('orders_by_status{status="unknown"}') == 1

    await until(refreshed)
    assert await bot.metric("bingx_clock_offset_updated_timestamp_seconds") is not None
    assert await bot.metric('bot_trading_mode{mode="simulator"}') == 1
    assert await bot.metric('bot_trading_mode{mode="live"}') == 0
    assert await bot.metric('bingx_api_errors_total{endpoint="place_order",kind="http"}') == 1
    assert await bot.metric("order_processing_seconds_count") == 1


async def test_every_log_line_is_json_and_holds_no_secret(bot: Bot, exchange: Exchange) -> None:
    set_faults(exchange, drop_after=True)
    await bot.order()
    await until(bot.has({"filled": 1}))
    lines = bot.log.getvalue().splitlines()
    assert {"signal", "order"} <= {json.loads(line)["event"] for line in lines}
    for secret in (TOKEN, "the-api-key", "the-secret-key", "signature="):
        assert secret not in bot.log.getvalue()


async def test_told_to_stop_it_finishes_the_order_on_its_way_and_takes_no_other(
    dsn: str, exchange: Exchange
) -> None:
    set_faults(exchange, delay=0.5)
    async with running_bot(dsn, exchange.url) as bot:
        asking = asyncio.create_task(bot.order())
        await until(lambda: len(exchange.orders) == 1)
        bot.stop.set()
        late, _ = await bot.order(id_="2")
        assert late == 503
        status, told = await asking
        assert (status, told["order"]["state"]) == (200, "filled")
    assert len(exchange.orders) == 1
