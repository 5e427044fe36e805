"""What the emergency stop does at the exchange in each level, also while the exchange does not obey."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.simulator.endpoints import Endpoint
from bot.simulator.switches import parse as switches
from tests.bot.made_control import control_directory
from tests.bot.play import Exchange, running_simulator, until
from tests.runbooks.pressing import (
    LONG,
    SHELLS,
    SHORT,
    STOP,
    done,
    fault,
    held,
    place,
    press,
    program,
    resting,
    surroundings,
)

LIMIT = {"type": "LIMIT", "price": "50000", "quantity": "0.1"}
ENTRY = LIMIT | {"side": "BUY", "positionSide": "LONG"}
TARGET = STOP | {"type": "TAKE_PROFIT_MARKET", "stopPrice": "70000"}
SHORT_STOP = STOP | {"side": "BUY", "positionSide": "SHORT", "stopPrice": "61000"}
GUARDS = ["STOP_MARKET SELL LONG", "TAKE_PROFIT_MARKET SELL LONG"]


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    control_directory(tmp_path / "control")
    async with running_simulator(tmp_path / "exchange") as running:
        yield running


async def trade(exchange: Exchange) -> None:
    """A long with stop and target, and two entries that rest."""
    await place(exchange, **LONG)
    await place(exchange, **STOP)
    await place(exchange, **TARGET)
    await place(exchange, **ENTRY)
    await place(exchange, **LIMIT | {"side": "SELL", "positionSide": "SHORT", "price": "70000"})


async def test_level_1_leaves_what_rests(tmp_path: Path, exchange: Exchange) -> None:
    await trade(exchange)
    before = resting(exchange)
    pressed = await press(tmp_path, exchange.url, "--reason", 'too "wild"')
    assert (pressed.code, resting(exchange), held(exchange)) == (0, before, ["LONG 0.1"]), pressed
    assert (tmp_path / "control" / "HALT").read_text().startswith('1 too "wild", by ')
    assert pressed.out.count("rests, may still be filled") == 2
    assert "a new order came" not in pressed.errors


@pytest.mark.parametrize("shell", SHELLS)
async def test_level_2_cancels_entries_and_nothing_that_protects(
    tmp_path: Path, exchange: Exchange, shell: str
) -> None:
    await trade(exchange)
    # It makes the position smaller, though it is a LIMIT order.
    await place(exchange, **LIMIT | {"side": "SELL", "positionSide": "LONG", "price": "80000"})
    pressed = await press(tmp_path, exchange.url, "--level", "2", shell=shell)
    assert (pressed.code, resting(exchange)) == (0, ["LIMIT SELL LONG", *GUARDS]), pressed
    assert held(exchange) == ["LONG 0.1"]


@pytest.mark.parametrize(("sides", "side"), [("sided", "BUY"), ("both", "SELL")])
async def test_one_way_mode(tmp_path: Path, exchange: Exchange, sides: str, side: str) -> None:
    exchange.simulator.book.switches = switches(exchange.simulator.book.switches, {"one_way_side": sides})
    await done(exchange, "set_position_mode", dualSidePosition="false")
    other, stop, entry = ("SELL", "59000", "50000") if side == "BUY" else ("BUY", "61000", "70000")
    both = {"positionSide": "BOTH", "quantity": "0.1"}
    await place(exchange, side=side, type="MARKET", **both)
    await place(exchange, side=other, type="STOP_MARKET", stopPrice=stop, reduceOnly="true", **both)
    await place(
        exchange,
        side=other,
        type="LIMIT",
        price="80000" if side == "BUY" else "40000",
        reduceOnly="true",
        **both,
    )
    await place(exchange, side=side, type="LIMIT", price=entry, **both)
    pressed = await press(tmp_path, exchange.url, "--level", "2")
    assert (pressed.code, resting(exchange)) == (0, [f"LIMIT {other} BOTH", f"STOP_MARKET {other} BOTH"]), (
        pressed
    )
    pressed = await press(tmp_path, exchange.url, "--level", "3", "--confirm", "simulator")
    assert (pressed.code, resting(exchange), held(exchange)) == (0, [], []), pressed


async def test_level_2_names_what_no_stop_covers(tmp_path: Path, exchange: Exchange) -> None:
    await place(exchange, **LONG)
    await place(exchange, **STOP | {"quantity": "0.04"})
    await place(exchange, **SHORT)
    pressed = await press(tmp_path, exchange.url, "--level", "2")
    assert pressed.code == 9
    assert [line[9:] for line in pressed.errors.splitlines() if "WITHOUT A STOP" in line] == [
        "WITHOUT A STOP: BTC-USDT LONG 0.06",
        "WITHOUT A STOP: BTC-USDT SHORT 0.1",
    ]
    assert "BUT positions are without a stop" in pressed.last
    await place(exchange, **STOP | {"quantity": "0.06", "stopPrice": "58000"})
    await place(
        exchange,
        **{name: told for name, told in SHORT_STOP.items() if name != "quantity"},
        closePosition="true",
    )
    assert (await press(tmp_path, exchange.url, "--level", "2")).code == 0


async def test_level_3_closes_each_side_and_then_cancels_what_is_left(
    tmp_path: Path, exchange: Exchange
) -> None:
    await trade(exchange)
    await place(exchange, **SHORT | {"quantity": "0.3"})
    pressed = await press(tmp_path, exchange.url, "--level", "3", "--confirm", "simulator", shell="dash")
    assert (pressed.code, resting(exchange), held(exchange)) == (0, [], []), pressed
    lines = [line[9:] for line in pressed.out.splitlines()]
    closes = [index for index, line in enumerate(lines) if line.startswith("exchange: closing")]
    stops = [
        index for index, line in enumerate(lines) if line.startswith("exchange: cancelled") and "STOP" in line
    ]
    assert (len(closes), len(stops)) == (2, 1)
    assert max(closes) < min(stops)
    # Pressed again it proves it once more.
    again = await press(tmp_path, exchange.url, "--level", "2")
    assert (again.code, again.last[:32]) == (0, "STOPPED at level 2, proved at th")
    assert "exchange:" not in again.out


async def test_a_position_that_cannot_be_closed_keeps_its_stop(tmp_path: Path, exchange: Exchange) -> None:
    await trade(exchange)
    busy = {"code": 109403, "msg": "risk control"}
    fault(exchange, errors={"close_position": busy, "place_order": busy})
    pressed = await press(
        tmp_path, exchange.url, "--level", "3", "--confirm", "simulator", EMERGENCY_SECONDS="1"
    )
    assert (pressed.code, resting(exchange), held(exchange)) == (9, GUARDS, ["LONG 0.1"]), pressed
    assert "LEFT: the position" in pressed.errors
    assert "by hand" in pressed.errors


async def test_level_3_that_nobody_confirms_is_level_2(tmp_path: Path, exchange: Exchange) -> None:
    await trade(exchange)
    for confirm in (("--yes",), ("--confirm", "live")):
        pressed = await press(tmp_path, exchange.url, "--level", "3", *confirm)
        assert (pressed.code, resting(exchange), held(exchange)) == (4, GUARDS, ["LONG 0.1"]), pressed
        assert "NOT CONFIRMED" in pressed.last
    assert (tmp_path / "control" / "HALT").read_text().startswith("2 ")


BUSY = {"code": 109500, "msg": "busy", "times": 1}
LIMITED = {"code": 100410, "msg": "rate limited", "times": 1}
READS, ACTS = ["open_orders", "positions"], ["cancel_order", "close_position"]
NO = {"code": 109400, "msg": "no"}
FAULTS: dict[str, dict[str, Any]] = {
    "refusals": {"errors": dict(zip([*READS, *ACTS], [BUSY, LIMITED, LIMITED, BUSY], strict=True))},
    "lost calls and answers": {"drop_before": 2, "drop_after": 3, "only": [*READS, *ACTS], "reset": True},
    "partial closes, and one way to close is broken": {"errors": {"close_position": NO}, "partial_fill": 0.9},
    "a clock that is ahead": {"clock_skew": 400},
    "a clock that is behind": {"clock_skew": -400},
}


@pytest.mark.parametrize("name", FAULTS)
async def test_what_passes_is_waited_for(tmp_path: Path, exchange: Exchange, name: str) -> None:
    await trade(exchange)
    fault(exchange, **FAULTS[name])
    pressed = await press(tmp_path, exchange.url, "--level", "3", "--confirm", "simulator")
    assert (pressed.code, resting(exchange), held(exchange)) == (0, [], []), pressed


@pytest.mark.parametrize(
    "fault_", [{"http_status": 502}, {"http_status": 429}, {"no_json": True}, {"frozen": True}]
)
async def test_an_exchange_that_comes_back(
    tmp_path: Path, exchange: Exchange, fault_: dict[str, Any]
) -> None:
    await trade(exchange)
    fault(exchange, **fault_)
    pressing = asyncio.create_task(press(tmp_path, exchange.url, "--level", "2", EXCHANGE_TIMEOUT="1"))
    halt = tmp_path / "control" / "HALT"
    await until(halt.exists)
    fault(exchange, http_status=0, no_json=False, frozen=False)
    pressed = await pressing
    assert (pressed.code, resting(exchange)) == (0, GUARDS), pressed


async def test_a_ban_is_waited_for(tmp_path: Path, exchange: Exchange) -> None:
    await trade(exchange)
    text = f"rate limited, will be unblocked after {exchange.simulator.now() + 1000}"
    fault(exchange, errors={"cancel_order": {"code": 100410, "msg": text, "times": 2}})
    pressed = await press(tmp_path, exchange.url, "--level", "2")
    assert (pressed.code, resting(exchange)) == (0, GUARDS), pressed
    assert "too many calls: 100410" in pressed.errors


async def test_orders_that_cannot_be_read_are_cancelled_by_their_type(
    tmp_path: Path, exchange: Exchange
) -> None:
    await trade(exchange)
    fault(exchange, errors={"open_orders": NO})
    pressed = await press(tmp_path, exchange.url, "--level", "2")
    assert (pressed.code, resting(exchange)) == (9, GUARDS), pressed
    assert "NOT PROVED" in pressed.last


async def test_positions_that_cannot_be_read_are_closed_all_at_once(
    tmp_path: Path, exchange: Exchange
) -> None:
    await trade(exchange)
    fault(exchange, errors={"positions": NO})
    pressed = await press(tmp_path, exchange.url, "--level", "3", "--confirm", "simulator")
    # Nobody saw that it is flat, so the stops stay.
    assert (pressed.code, resting(exchange), held(exchange)) == (9, GUARDS, []), pressed


@pytest.mark.parametrize(
    ("level", "unread", "at_once", "left"),
    [("2", "open_orders", "cancel_all", GUARDS), ("3", "positions", "close_all", [])],
)
async def test_what_failed_of_all_at_once_is_told_and_tried_again(
    tmp_path: Path,
    exchange: Exchange,
    monkeypatch: pytest.MonkeyPatch,
    level: str,
    unread: str,
    at_once: str,
    left: list[str],
) -> None:
    """HTTP 200, code 0, and all stands under `failed`; the second time a part; then lists are read again."""
    await trade(exchange)
    fault(exchange, errors={unread: NO})
    answer, asked = exchange.simulator.answer, 0

    async def fails(endpoint: Endpoint, request: web.Request) -> web.Response:
        nonlocal asked
        if endpoint.name != at_once:
            return await answer(endpoint, request)
        asked += 1
        if asked == 2:
            fault(exchange, errors={})
        failed = [{"orderId": 1, "errorCode": 100500, "errorMessage": "busy"}] * (3 - asked)
        return web.json_response({"code": 0, "msg": "", "data": {"success": [], "failed": failed}})

    monkeypatch.setattr(exchange.simulator, "answer", fails)
    pressed = await press(tmp_path, exchange.url, "--level", level, "--confirm", "simulator")
    assert asked == 2
    assert "2 could not be ended" in pressed.errors
    assert "1 could not be ended" in pressed.errors
    assert (pressed.code, resting(exchange)) == (0, left), pressed


async def test_an_order_that_comes_later_is_seen(
    tmp_path: Path, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was on its way while the latch was written; and what is later than that is looked for."""
    fault(exchange, hide_orders=100)
    await place(exchange, **ENTRY)
    answer, asked = exchange.simulator.answer, []

    async def hidden_once(endpoint: Endpoint, request: web.Request) -> web.Response:
        told = await answer(endpoint, request)
        if endpoint.name == "open_orders":
            fault(exchange, hide_orders=0)
            asked.append(time.time())
        return told

    monkeypatch.setattr(exchange.simulator, "answer", hidden_once)
    pressed = await press(tmp_path, exchange.url, EMERGENCY_QUIET="2")
    assert (pressed.code, "a new order came" in pressed.errors) == (0, True), pressed
    assert asked[-1] - (tmp_path / "control" / "HALT").stat().st_mtime > 2


async def test_orders_that_go_on_coming_are_no_stop(tmp_path: Path, exchange: Exchange) -> None:
    async def trade_on() -> None:
        while True:
            await place(exchange, **ENTRY)
            await asyncio.sleep(0.01)

    trading = asyncio.create_task(trade_on())
    try:
        pressed = await press(tmp_path, exchange.url, EMERGENCY_SECONDS="1")
    finally:
        trading.cancel()
    assert (pressed.code, "NOT PROVED" in pressed.last) == (9, True), pressed


async def test_a_position_that_shows_late_keeps_its_stop_until_it_is_closed(
    tmp_path: Path, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place(exchange, **LONG)
    await place(exchange, **STOP)
    fault(exchange, hide_positions=100)
    answer = exchange.simulator.answer

    async def once_flat(endpoint: Endpoint, request: web.Request) -> web.Response:
        told = await answer(endpoint, request)
        if endpoint.name == "positions":
            fault(exchange, hide_positions=0)
        return told

    monkeypatch.setattr(exchange.simulator, "answer", once_flat)
    quiet = {"EMERGENCY_QUIET": "1"}
    pressed = await press(tmp_path, exchange.url, "--level", "3", "--confirm", "simulator", **quiet)
    assert (pressed.code, resting(exchange), held(exchange)) == (0, [], []), pressed
    lines = pressed.out.splitlines()
    at = [
        next(i for i, line in enumerate(lines) if word in line) for word in ("closing BTC", "cancelled BTC")
    ]
    assert at == sorted(at)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_who_interrupts_it_hears_what_holds(
    tmp_path: Path, exchange: Exchange, number: signal.Signals, code: int
) -> None:
    await trade(exchange)
    fault(exchange, frozen=True)
    process = await asyncio.create_subprocess_exec(
        *("bash", str(program(tmp_path)), "--level", "2"),
        env=surroundings(tmp_path, exchange.url) | {"EXCHANGE_TIMEOUT": "0.5"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    await until((tmp_path / "control" / "HALT").exists)
    process.send_signal(number)
    async with asyncio.timeout(20):
        _, errors = await process.communicate()
    assert (process.returncode, b"INTERRUPTED" in errors) == (code, True), errors
    assert (tmp_path / "control" / "HALT").read_text().startswith("2 ")
