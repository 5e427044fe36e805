"""What a person asks of the bot over HTTP, and what they read of it in each level of the switch."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from bot.adapters.http import make_app
from bot.adapters.http_views import About
from bot.desk import Desk
from bot.domain.order import State
from bot.domain.picture import draw
from bot.ports import OutcomeUnknown, TryAgain
from tests.bot.fakes import FakeStore
from tests.bot.play import TOKEN, get, post
from tests.bot.switch_desk import Frozen, a_row, ago, open_desk, rows, seen, switch_desk
from tests.bot.test_protection import guard, position, trade

ABOUT = About(version="1", config_hash="abc", sources=("test",), admin_token=TOKEN)
HALT = {"level": 1, "reason": "too wild", "who": "ann"}


@asynccontextmanager
async def served(desk: Desk, about: About = ABOUT) -> AsyncIterator[str]:
    runner = web.AppRunner(make_app(desk, about, CollectorRegistry(), desk.log), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
def store() -> FakeStore:
    return FakeStore(switches=[a_row(0, "first")])


@pytest.fixture
async def desk(control: Path, store: FakeStore) -> Desk:
    return await open_desk(control, store)


@pytest.fixture
async def url(desk: Desk) -> AsyncIterator[str]:
    async with served(desk) as running:
        yield running


async def test_a_halt_says_what_holds_and_what_keeps_it(url: str, desk: Desk, control: Path) -> None:
    status, told = await post(f"{url}/trading", HALT, TOKEN)
    assert (status, told["summary"]) == (200, "no new entries (level 1), kept by HALT file and database")
    assert told["kept_by"] == ["HALT file", "database"]
    switch = told["switch"]
    assert (switch["level"], switch["reason"], switch["who"]) == (1, "too wild", "ann")
    assert datetime.fromisoformat(switch["since"]) > ago(60)
    assert switch["halt_file"] == f"too wild, by ann (file {control}/HALT)"
    assert told["closed_because"] == f"halted: {switch['halt_file']}"
    assert desk.closed()


async def test_a_level_is_enough_to_halt(url: str, store: FakeStore) -> None:
    status, told = await post(f"{url}/trading", {"level": 3}, TOKEN)
    assert (status, told["switch"]["level"]) == (200, 3)
    assert rows(store) == [(3, "no reason given", "nobody")]


async def test_at_least_opens_nothing_that_is_closed_further(url: str, desk: Desk, control: Path) -> None:
    await post(f"{url}/trading", HALT | {"level": 2}, TOKEN)
    (control / "HALT").unlink()
    status, told = await post(f"{url}/trading", HALT | {"at_least": True}, TOKEN)
    assert (status, told["switch"]["level"], desk.level()) == (200, 2, 2)
    (control / "HALT").unlink()
    status, told = await post(f"{url}/trading", HALT, TOKEN)
    assert (status, told["switch"]["level"], desk.level()) == (200, 1, 1)


async def test_a_person_opens_in_steps(url: str, desk: Desk, store: FakeStore, control: Path) -> None:
    await post(f"{url}/trading", HALT, TOKEN)
    (control / "HALT").unlink()
    body = {"level": 0, "reason": "fine", "who": "ann", "size_factor": 0.5, "symbols": ["BTC-USDT"]}
    status, told = await post(f"{url}/trading", body, TOKEN)
    assert (status, told["summary"]) == (200, "trading is open (level 0), kept by database")
    assert (told["switch"]["size_factor"], told["switch"]["symbols"]) == ("0.5", ["BTC-USDT"])
    assert (store.switches[-1].size_factor, store.switches[-1].symbols) == (Decimal("0.5"), ("BTC-USDT",))
    assert desk.closed() == ""


async def test_all_reasons_against_opening_are_told(url: str, desk: Desk) -> None:
    await post(f"{url}/trading", HALT, TOKEN)
    desk.picture = seen("0.25")
    status, told = await post(f"{url}/trading", {"level": 0}, TOKEN)
    assert status == 409
    assert [reason.split(":")[0] for reason in told["against"]] == [
        "there is a HALT file",
        "BTC-USDT long",
        "a reason is missing",
    ]
    assert told["error"].startswith("refused, no new entries (level 1) as before: there is a HALT file: ")
    assert told["switch"]["level"] == 1


async def test_halted_in_memory_alone_is_an_error_and_halted(
    url: str, desk: Desk, store: FakeStore, control: Path
) -> None:
    (control / "tradewatch-control").rename(control / "elsewhere")
    store.fail["switch"] = TryAgain("database: connection refused")
    status, told = await post(f"{url}/trading", HALT, TOKEN)
    (control / "elsewhere").rename(control / "tradewatch-control")
    assert status == 503
    assert told["error"].startswith("no new entries (level 1), but nothing keeps it over a restart: the HALT")
    assert (len(told["troubles"]), desk.closed() != "") == (2, True)


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (TryAgain("database: refused"), "nothing was changed: database: refused"),
        (OutcomeUnknown("database: lost"), "not opened, whatever the database says later: database: lost"),
    ],
)
async def test_an_opening_that_the_database_does_not_take_is_refused(
    url: str, desk: Desk, store: FakeStore, control: Path, failure: Exception, error: str
) -> None:
    await post(f"{url}/trading", HALT, TOKEN)
    (control / "HALT").unlink()
    store.fail["set_switch"] = failure
    assert await post(f"{url}/trading", HALT | {"level": 0}, TOKEN) == (503, {"error": error})
    assert desk.closed()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"level": None}, "level must be one of: 0 trading is open, 1 no new entries, 2 "),
        ({"level": 4}, "level must be one of"),
        ({"level": "1"}, "level must be one of"),
        ({"level": True}, "level must be one of"),
        ({"level": 1.0}, "level must be one of"),
        ({"levle": 1}, "unknown key 'levle'; known are at_least, level, reason, size_factor, symbols, who"),
        ({"reason": 7}, "reason must be a text of 0 to 500 characters"),
        ({"reason": "x" * 501}, "reason must be a text of 0 to 500 characters"),
        ({"who": "x" * 65}, "who must be a text of 0 to 64 characters"),
        ({"at_least": 1}, "at_least must be true or false"),
        ({"level": 0, "at_least": True}, "at_least must be true or false, and goes with a level above 0"),
        ({"size_factor": 1}, "size_factor and symbols go with level 0"),
        ({"symbols": []}, "size_factor and symbols go with level 0"),
        *(
            ({"level": 0, "size_factor": factor}, "size_factor must be a number above 0 and at most 1")
            for factor in (0, 1.01, "-1", "1e-1", True, None, [])
        ),
        ({"level": 0, "symbols": "BTC-USDT"}, "symbols must be a list"),
        ({"level": 0, "symbols": [7]}, "symbols must be a list"),
        (
            {"level": 0, "symbols": ["btcusdt"]},
            "'btcusdt' is not in trading.symbols of bot.yaml; did you mea",
        ),
        ({"level": 0, "symbols": ["X"]}, "'X' is not in trading.symbols of bot.yaml; known are BTC-USDT"),
    ],
)
async def test_a_bad_request_changes_nothing(
    url: str, store: FakeStore, control: Path, change: dict[str, Any], error: str
) -> None:
    status, told = await post(f"{url}/trading", HALT | change, TOKEN)
    assert (status, told["error"][: len(error)]) == (400, error)
    assert (rows(store), (control / "HALT").exists()) == ([], False)


@pytest.mark.parametrize("path", ["trading", "adopt"])
@pytest.mark.parametrize("token", [None, "wrong"])
async def test_only_the_token_may(url: str, desk: Desk, path: str, token: str | None) -> None:
    status, told = await post(f"{url}/{path}", HALT, token)
    error = f"POST /{path} needs the header Authorization: Bearer <ADMIN_TOKEN>"
    assert (status, told, desk.closed()) == (401, {"error": error}, "")


async def test_without_a_token_of_its_own_the_bot_is_not_told_anything(desk: Desk) -> None:
    async with served(desk, replace(ABOUT, admin_token=None)) as url:
        told = {"error": "POST /trading is off: the bot was started without ADMIN_TOKEN"}
        assert await post(f"{url}/trading", HALT, "None") == (401, told)


HALTED = {
    1: "1 that rests may still be filled, positions keep their stops",
    2: "those that rest are cancelled, 1 left, positions keep their stops",
    3: "those that rest are cancelled, 1 left, positions are closed, 2 left",
}


@pytest.mark.parametrize("level", HALTED)
async def test_each_level_is_the_first_sentence(url: str, desk: Desk, level: int) -> None:
    desk.picture = seen("0.25", "0.25")
    desk.live = {"e": replace(trade(), state=State.PENDING)}
    await post(f"{url}/trading", HALT | {"level": level}, TOKEN)
    _, told = await get(f"{url}/status")
    assert next(iter(told.items())) == (
        "summary",
        f"The bot in simulator mode: ready; HALTED at level {level} by ann (too wild): "
        f"no new entries, {HALTED[level]}; 2 positions WITHOUT A STOP.",
    )


async def test_closing_an_account_that_was_not_looked_at_says_so(url: str, desk: Desk) -> None:
    desk.picture = None
    await post(f"{url}/trading", HALT | {"level": 3}, TOKEN)
    _, told = await get(f"{url}/status")
    assert told["summary"].endswith("positions are closed, how many are left is not known.")


async def test_open_is_a_sentence_too_and_so_is_what_is_wrong(url: str, desk: Desk) -> None:
    assert (await get(f"{url}/status"))[1]["summary"] == "The bot in simulator mode: ready; places orders."
    desk.picture = seen("0.25", "0.25")
    desk.live["a"] = replace(trade(), state=State.UNKNOWN)
    desk.lease_until = 0.0
    desk.failed_in_a_row = 2
    assert (await get(f"{url}/status"))[1]["summary"] == (
        "The bot in simulator mode: ready; places no orders (halted: this instance does not hold the lease); "
        "1 order of unknown outcome; 2 positions WITHOUT A STOP."
    )


async def test_the_sentence_says_that_orders_fail(url: str, desk: Desk) -> None:
    for count, failed in ((1, "the latest one failed"), (3, "the latest 3 failed")):
        desk.failed_in_a_row = count
        _, told = await get(f"{url}/status")
        assert told["summary"] == f"The bot in simulator mode: ready; places orders, but {failed}."


async def test_what_closes_is_named_whatever_it_is(url: str, desk: Desk, control: Path) -> None:
    (control / "HALT").write_text("2 I am on it")
    by_file = (await get(f"{url}/status"))[1]["switch"]
    assert [by_file[name] for name in ("level", "reason", "who", "since", "control_directory")] == [
        2,
        f"I am on it (file {control}/HALT)",
        "control directory",
        None,
        "ok",
    ]
    (control / "HALT").unlink()
    (control / "tradewatch-control").unlink()
    by_loss = (await get(f"{url}/status"))[1]["switch"]
    assert (by_loss["level"], by_loss["halt_file"], by_loss["kept"]) == (1, None, False)
    assert by_loss["reason"] == by_loss["control_directory"]
    assert by_loss["reason"].startswith(f"no {control}/tradewatch-control")
    (control / "tradewatch-control").touch()
    desk.stopped = "the key is not valid"
    by_itself = (await get(f"{url}/status"))[1]["switch"]
    assert (by_itself["level"], by_itself["who"]) == (1, "the bot")
    assert by_itself["reason"] == "stopped: the key is not valid"


async def test_what_the_account_holds_is_shown(url: str, desk: Desk) -> None:
    now = datetime.now(UTC)
    entry = replace(trade(), client_id="e", state=State.PENDING, expires_at=now + timedelta(minutes=5))
    unknown = replace(trade(), client_id="u", state=State.UNKNOWN, created_at=now - timedelta(seconds=30))
    desk.live = {"e": entry, "u": unknown}
    desk.picture = draw(
        positions=[replace(position("1"), liquidation_price=Decimal(60))],
        orders=[guard("STOP_MARKET", "100", "0.25"), guard("STOP_MARKET", "90", "0.5", id_="2")],
        live=[replace(trade("0.5"), client_id="f")],
        missing=["m"],
        before=None,
        contracts={},
        hedged=True,
        asked_at=0,
        read_at=now,
        window=0,
    )
    _, told = await get(f"{url}/status")
    [held] = told["positions"]
    shown = ("side", "quantity", "foreign_quantity", "entry_price", "stops", "covered_quantity")
    assert [held[name] for name in shown] == ["long", "1", "0.5", "100", ["90", "100"], "0.75"]
    assert (held["uncovered_quantity"], held["liquidation_distance_percent"]) == ("0.25", 40.0)
    assert 290 < told["entries"][0]["expires_in_seconds"] <= 300
    assert (told["unknown"][0]["client_id"], told["unknown"][0]["age_seconds"] >= 30) == ("u", True)
    assert told["reconciliation"]["differences"] == dict(desk.picture.differences)
    assert (told["reconciliation"]["differences"]["order_missing"], told["money"]) == (1, None)


async def test_with_the_database_frozen_all_but_what_it_knows_is_shown(control: Path) -> None:
    class Numb(Frozen):
        async def counts(self) -> Any:
            await self.thawed.wait()

    desk = switch_desk(control, Numb())
    desk.switch = a_row(2, "too wild")
    desk.live = {"u": replace(trade(), state=State.UNKNOWN)}
    async with served(desk) as url:
        _, told = await get(f"{url}/status")
    assert (told["orders"], told["signals"], len(told["unknown"])) == (None, [], 1)
    assert "HALTED at level 2" in told["summary"]
    assert "the database does not answer" in told["summary"]


async def test_adopt_takes_over_what_a_person_opened(url: str, desk: Desk, store: FakeStore) -> None:
    desk.picture = seen("0.25")
    body = {"symbol": "BTC-USDT", "side": "long", "stop": "90", "targets": ["110", 120], "reason": "by hand"}
    status, told = await post(f"{url}/adopt", body, TOKEN)
    assert (status, told["order"]["quantity"], told["order"]["stop"]) == (200, "0.25", "90")
    [order] = store.orders()
    assert (order.stop, order.targets) == (Decimal(90), (Decimal(110), Decimal(120)))
    status, told = await post(f"{url}/adopt", body | {"side": "short"}, TOKEN)
    assert (status, told["error"].startswith("not adopted: there is no short position")) == (409, True)
    status, told = await post(f"{url}/adopt", body | {"symbol": "\ud800"}, TOKEN)
    assert (status, told["error"].startswith("not adopted: there is no long position in ?")) == (409, True)
    desk.picture = None
    status, told = await post(f"{url}/adopt", body, TOKEN)
    assert (status, told["error"]) == (503, "not adopted, ask again: the account was not read yet")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"symbol": ""}, "symbol must be a text of 1 to 64 characters"),
        ({"side": "LONG"}, "side must be long or short"),
        ({"side": ["long"]}, "side must be long or short"),
        *(({"stop": stop}, "stop must be a price above 0") for stop in (None, "0", "-1", "9e4", "x", True)),
        ({"targets": "110"}, "targets must be a list of prices"),
        ({"targets": ["110", "x"]}, "each of targets must be a price above 0"),
        ({"reason": " "}, "reason must be a text of 1 to 500 characters"),
        ({"quantity": "1"}, "unknown key 'quantity'"),
    ],
)
async def test_a_bad_request_adopts_nothing(
    url: str, desk: Desk, store: FakeStore, change: dict[str, Any], error: str
) -> None:
    desk.picture = seen("0.25")
    body = {"symbol": "BTC-USDT", "side": "long", "stop": "90", "reason": "by hand"} | change
    status, told = await post(f"{url}/adopt", json.dumps(body), TOKEN)
    assert (status, told["error"][: len(error)], store.orders()) == (400, error, [])
