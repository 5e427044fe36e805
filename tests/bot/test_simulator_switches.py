"""Each switch with each of its values, and docs/simulator.md beside the code."""

import json
import re
from collections.abc import Callable
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.simulator.control import add_control
from bot.simulator.endpoints import ENDPOINTS
from bot.simulator.errors import BingXError, renumbered
from bot.simulator.switches import Switches, listed
from tests.bot.play import Exchange, get, post
from tests.bot.simulator_calls import STOP, STOP_ORDER, Desk, call, request

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "simulator.md").read_text()
FAULTS = (DOCS / "bot.md").read_text().split("\n## Simulator\n")[1]
VALUES = [(each.name, value) for each in fields(Switches) for value in each.metadata["values"]]


def code(ask: Callable[[], Any]) -> int:
    try:
        ask()
    except BingXError as error:
        return error.code
    return 0


def one_way(desk: Desk) -> Any:
    desk.call("set_position_mode", dualSidePosition="false")
    desk.place(positionSide="BOTH", side="SELL")
    return [desk.positions()]


def beyond(desk: Desk) -> Any:
    refused = code(lambda: desk.place(quantity="0.10009"))
    return refused or desk.positions()["LONG"]


def cancel_again(desk: Desk) -> int:
    order = desk.place()
    return code(lambda: desk.call("cancel_order", orderId=str(order["orderId"])))


def hidden(desk: Desk) -> int:
    desk.place(clientOrderId="a")
    return code(lambda: desk.book.find({"symbol": "BTC-USDT", "clientOrderId": "a"}, 1000))


def used_twice(desk: Desk) -> int:
    desk.place(clientOrderId="a")
    desk.now += 1000
    return code(lambda: desk.place(clientOrderId="a"))


def ack(desk: Desk) -> Any:
    told = desk.place()
    return told.get("status"), told.get("executedQty")


def leftovers(desk: Desk) -> list[str]:
    desk.place(stopLoss=STOP)
    desk.place(side="SELL")
    return [kind for kind, *_ in desk.open()]


def oversized(desk: Desk) -> Any:
    desk.place(stopLoss=STOP)
    desk.place(side="SELL", quantity="0.04")
    desk.price("58000")
    return desk.positions()


def in_part(desk: Desk) -> list[str]:
    desk.place(share=0.5, stopLoss=STOP)
    return [kind for kind, *_ in desk.open()]


def much_later(desk: Desk) -> int:
    desk.place(clientOrderId="a")
    desk.now += 2 * 3600 * 1000 + 1
    return code(lambda: desk.call("query_order", clientOrderId="a"))


def listed_ids(desk: Desk) -> bool:
    first = desk.place()["orderId"]
    desk.place()
    return bool(desk.call("all_orders")["orders"][0]["orderId"] == first)


def stop_with_id(desk: Desk) -> int:
    desk.place()
    return code(lambda: desk.place(**STOP_ORDER, clientOrderId="a"))


def cancelled(desk: Desk) -> str:
    order = desk.place(type="LIMIT", price="59000")
    return str(desk.call("cancel_order", orderId=str(order["orderId"]))["order"]["status"])


def too_much(desk: Desk) -> int:
    desk.place()
    return code(lambda: desk.place(side="SELL", quantity="0.2"))


# What is asked, and the answer by value.
CASES: dict[str, tuple[Callable[[Desk], Any], dict[str, Any]]] = {
    "beyond_precision": (beyond, {"109400": 109400, "110425": 110425, "truncate": "0.1000"}),
    "duplicate": (used_twice, {"101481": 101481, "101400": 101400}),
    "margin": (
        lambda desk: code(lambda: desk.place(quantity="99")),
        {"101204": 101204, "101253": 101253, "110424": 110424},
    ),
    "no_position": (lambda desk: code(lambda: desk.place(side="SELL")), {"101205": 101205, "109420": 109420}),
    "too_much": (too_much, {"110203": 110203, "110424": 110424}),
    "cancel_absent": (
        lambda desk: code(lambda: desk.call("cancel_order", orderId="1")),
        {"109400": 109400, "109421": 109421},
    ),
    "cancel_closed": (
        cancel_again,
        {"109422": 109422, "109421": 109421, "109400": 109400, "109201": 109201},
    ),
    "hidden": (hidden, {"109421": 109421, "109423": 109423}),
    "ack": (ack, {"full": ("FILLED", "0.1"), "new": ("NEW", "0"), "bare": (None, None)}),
    "cancelled": (cancelled, {"CANCELLED": "CANCELLED", "CANCELED": "CANCELED"}),
    "empty_side": (lambda desk: code(lambda: desk.place(positionSide="")), {"LONG": 0, "refused": 109400}),
    "one_way_side": (one_way, {"sided": [{"SHORT": "0.1"}], "both": [{"BOTH": "-0.1"}]}),
    "mode_as": (
        lambda desk: desk.call("position_mode")["dualSidePosition"],
        {"text": "true", "bool": True},
    ),
    "stop_client_id": (stop_with_id, {"ignored": 0, "refused": 109400}),
    "client_id_window": (much_later, {"life": 0, "2h": 109421}),
    "partial_stop": (in_part, {"grows": ["MARKET", "STOP_MARKET"], "when_done": ["MARKET"]}),
    "oversized_stop": (oversized, {"closes_rest": {}, "fails": {"LONG": "0.06"}}),
    "leftover_stops": (leftovers, {"stay": ["STOP_MARKET"], "go": []}),
    "history": (listed_ids, {"newest": False, "oldest": True}),
    "asset": (lambda desk: desk.call("balance")[0]["asset"], {"USDT": "USDT", "VST": "VST"}),
    "empty_income": (lambda desk: desk.call("income"), {"list": [], "null": None}),
}
# These show over HTTP alone.
OVER_HTTP = {"codes", "rate_code", "gateway_status", "longest_window"}


@pytest.mark.parametrize(("name", "value"), [each for each in VALUES if each[0] not in OVER_HTTP])
def test_each_value_of_a_switch(name: str, value: str, tmp_path: Path) -> None:
    desk = Desk(tmp_path, **{name: value})
    ask, answers = CASES[name]
    assert ask(desk) == answers[value]
    desk.journal.close()


async def switch(exchange: Exchange, **told: str) -> None:
    assert (await post(f"{exchange.url}/control/switches", told))[0] == 200


async def test_the_switches_of_the_gateway(exchange: Exchange) -> None:
    assert (await request(exchange, "balance", timestamp="1"))[0] == 200
    await switch(exchange, gateway_status="400", rate_code="109429")
    status, _, told = await request(exchange, "balance", timestamp="1")
    assert (status, told["code"]) == (400, 100421)
    assert (await request(exchange, "balance"))[0] == 200
    await post(f"{exchange.url}/control/bans", {"balance": 30})
    assert (await request(exchange, "balance"))[2]["code"] == 109429


async def test_the_longest_window(exchange: Exchange) -> None:
    behind = {"timestamp": str(exchange.simulator.now() - 20_000), "recvWindow": "60000"}
    assert (await call(exchange, "balance", **behind))["code"] == 100421
    await switch(exchange, longest_window="60000")
    assert (await call(exchange, "balance", **behind))["code"] == 0
    behind.pop("recvWindow")
    assert (await call(exchange, "balance", **behind))["code"] == 100421


async def test_the_codes_of_before(exchange: Exchange) -> None:
    await switch(exchange, codes="old")
    order = {"symbol": "BTC-USDT", "side": "BUY", "positionSide": "LONG", "type": "MARKET"}
    told = await call(exchange, "place_order", **order, quantity="1000000")
    assert told == {"code": 80012, "msg": '{"Code":101253,"Msg":"margin is not enough"}', "data": {}}
    assert (await call(exchange, "place_order", **order, quantity="1e5"))["code"] == 80014
    for name in ("query_order", "cancel_order"):
        told = await call(exchange, name, symbol="BTC-USDT", orderId="1")
        assert (told["code"], told["msg"]) == (80016, "order not exist")
    assert (await call(exchange, "place_order", **(order | {"side": "SELL"}), quantity="1"))["code"] == 80017


def test_what_has_no_number_of_before_keeps_its_own() -> None:
    assert renumbered(BingXError(110411, "a")).code == 110411
    assert renumbered(BingXError(109422, "order already filled")).code == 80018


@pytest.mark.parametrize("body", ["{}", "[]", {"code": "old"}, {"codes": "newest"}, {"codes": 1}])
async def test_a_switch_that_makes_no_sense_changes_nothing(exchange: Exchange, body: Any) -> None:
    status, told = await post(f"{exchange.url}/control/switches", body)
    assert status == 400
    assert told["error"]
    _, told = await get(f"{exchange.url}/control/switches")
    assert told == {name: values.split("|")[0] for name, values in re.findall(r"(\w+)=(\S+)", listed())}


def rows(title: str) -> list[list[str]]:
    part = PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]
    return [
        [cell.strip() for cell in row.strip("| ").split(" | ")]
        for row in re.findall(r"^\|.*`.*$", part, re.M)
    ]


def test_the_page_has_every_endpoint_and_every_switch() -> None:
    assert rows("What it plays") == [[f"`{each.name}`", f"`{each.method} {each.path}`"] for each in ENDPOINTS]
    assert rows("Switches") == [
        [f"`{each.name}`", ", ".join(f"`{value}`" for value in each.metadata["values"]), each.metadata["of"]]
        for each in fields(Switches)
    ]


def test_every_switch_has_its_cases() -> None:
    assert CASES.keys() | OVER_HTTP == {each.name for each in fields(Switches)}


def test_the_page_has_every_call_of_the_control_port(exchange: Exchange) -> None:
    from aiohttp import web

    app = web.Application()
    add_control(app, exchange.simulator, "")
    paths = {route.resource.canonical for route in app.router.routes() if route.resource is not None}
    assert set(re.findall(r"/control/\w+", "".join(row[0] for row in rows("Control port")))) == paths


async def test_every_example_of_the_control_port_is_taken(exchange: Exchange) -> None:
    tried = []
    for name, text in rows("Control port"):
        path = re.findall(r"/control/(\w+)", name)[0]
        for example in re.findall(r"`(?:POST )?(\{.*?\})`", text):
            status, told = await post(f"{exchange.url}/control/{path}", example)
            no_such_order = path == "fill" and told["error"].endswith("is no order that rests")
            assert status == 200 or no_such_order, (path, told)
            tried.append(path)
    assert set(tried) == {
        "switches",
        "limits",
        "bans",
        "transfer",
        "prices",
        "marks",
        "walk",
        "replay",
        "steps",
        "fill",
        "foreign",
        "cryptet",
    }


async def test_every_example_of_a_fault_is_taken(exchange: Exchange) -> None:
    for name, text in re.findall(r"^\| `(\w+)` \| (.*) \|$", FAULTS, re.M):
        example = re.match(r"`(.+?)`", text)
        value = json.loads(example[1]) if example else 1
        assert (example is None) == (" seconds " in f" {text}"), name
        assert await post(f"{exchange.url}/control/faults", {name: value}) == (200, {name: value})
        async with aiohttp.ClientSession() as session:
            await session.delete(f"{exchange.url}/control/faults")


def test_money_is_exact_whatever_the_share(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.place(share=0.07)
    for _ in range(20):
        desk.book.fill_crossed(Decimal("0.07"))
    assert (Decimal(desk.positions()["LONG"]), desk.open()) == (Decimal("0.1"), [])
    fees = [Decimal(each["income"]) for each in desk.call("income")]
    assert (sum(fees), len(fees)) == (Decimal(-3), 15)
    desk.journal.close()
