"""docs/logs.md: its commands find in a true log what it says they find, and every line has its ids."""

import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.log import LEVELS
from tests.bot.play import Bot, Exchange, running_bot, until

PAGE = (Path(__file__).parents[2] / "docs" / "logs.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.S)[0].strip().split("\n\n")
COMMANDS = dict(block.removeprefix("# ").split("\n", 1) for block in BLOCKS)
IDS = {
    "signal": {"source", "chat", "message_id", "order"},
    "order": {"order"},
    "position needs an order": {"orders"},
    "order cancelled": {"orders", "exchange_id"},
    "position closed": {"orders"},
}
LONG = 30.0


@pytest.fixture
async def bot(dsn: str, exchange: Exchange) -> AsyncIterator[Bot]:
    """It trades, refuses, loses its stop, gets another one, and is closed by that."""
    async with running_bot(dsn, exchange.url, LOG_LEVEL="TRACE", SQL_ECHO="true") as running:
        await running.order("BUY BTCUSDT 0.1 TP 70000 80000", id_="42")
        await running.order("BUY DOGEUSDT 1", id_="43")
        await running.order("What a day", id_="44")
        await until(lambda: says(running, "position needs an order", "purpose", "target"), LONG)
        for each in exchange.simulator.book.open():
            if each.type == "STOP_MARKET":
                exchange.simulator.book.cancel({"symbol": each.symbol, "orderId": str(each.id)})
        await until(lambda: says(running, "position needs an order", "purpose", "stop"), LONG)
        await until(lambda: any(each.type == "STOP_MARKET" for each in exchange.simulator.book.open()), LONG)
        exchange.simulator.market.set("BTC-USDT", Decimal(50000))
        exchange.simulator.work()
        await until(lambda: says(running, "position closed"), LONG)
        yield running


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def says(bot: Bot, event: str, field: str = "event", value: str | None = None) -> bool:
    return any(
        line["event"] == event and line[field] == (value or event) for line in lines(bot.log.getvalue())
    )


def test_the_page_names_every_level() -> None:
    assert [level for level in LEVELS if f"`{level}`" not in PAGE] == ["ERROR"]


async def test_every_line_of_a_trade_has_its_ids_and_the_commands_find_them(
    bot: Bot, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    log = bot.log.getvalue()
    (tmp_path / "bot.log").write_text(log)
    told = {line["event"]: line for line in lines(log)}
    assert {event: ids - set(told[event]) for event, ids in IDS.items()} == {event: set() for event in IDS}
    name = told["position closed"]["orders"][0]
    calls = [line for line in lines(log) if line["event"] == "exchange call" and line["order"] == name]
    assert {"place_order"} <= {each["endpoint"] for each in calls}
    assert all(each["outcome"] == "ok" and each["milliseconds"] > 0 <= each["waited_ms"] for each in calls)
    if shutil.which("jq") is None:
        record_property("sampled", "the commands of docs/logs.md were not tried: jq is not here")
        return
    found = {told: run(command, tmp_path) for told, command in COMMANDS.items()}
    message, story, refusals, wrong, calls_, statements = found.values()
    assert {json.loads(each)["order"] for each in message} == {name}
    events = [json.loads(each)["event"] for each in story]
    assert "exchange call" in events
    assert set(IDS) <= set(events)
    assert not any(json.loads(each).get("message_id") in ("43", "44") for each in story)
    assert sorted(each.split()[1] for each in refusals) == ["commentary", "symbol_not_allowed"]
    assert {json.loads(each)["level"] for each in wrong} <= {"warning", "error"}
    assert "position needs an order" in {json.loads(each)["event"] for each in wrong}
    for rows in (calls_, statements):
        slowest = [json.loads(each)[0] for each in rows]
        assert (len(slowest), slowest) == (10, sorted(slowest, reverse=True))


async def test_a_call_that_fails_and_one_that_was_not_made_are_told(dsn: str, exchange: Exchange) -> None:
    async with running_bot(dsn, exchange.url, LOG_LEVEL="TRACE") as bot:
        exchange.simulator.limits.ban("place_order", exchange.simulator.now() + 60_000, 100410)
        await bot.order(id_="1")
        await bot.order("SELL BTCUSDT 0.1", id_="2")
        told = [line for line in lines(bot.log.getvalue()) if line.get("endpoint") == "place_order"]
    refused, held_back = [each for each in told if each["order"]][:2]
    assert refused["outcome"].startswith("RateLimited: ")
    assert refused["milliseconds"] > 0
    assert held_back["milliseconds"] is None
    assert refused["order"] != held_back["order"]


def run(command: str, folder: Path) -> list[str]:
    done = subprocess.run(["bash", "-ec", command], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), command
    return done.stdout.splitlines()
