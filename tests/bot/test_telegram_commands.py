"""Commands in Telegram: who is obeyed, what is one, and that a halt needs neither database nor exchange."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.adapters import http_status
from bot.adapters.telegram_commands import Commands, read_command
from bot.adapters.telegram_notices import BotApi
from bot.domain import notice
from bot.domain.health import failed, first
from bot.domain.notice import Kind
from bot.domain.order import State
from bot.domain.switch import Level
from scripts.postgres import free_port
from tests.bot.play import Bot, Exchange, get, until
from tests.bot.room import Room
from tests.bot.switch_desk import seen
from tests.bot.telegram_chat import OPERATOR, STRANGER, TOKEN, Chat, playing, telling_bot
from tests.bot.test_notices import outbox
from tests.bot.test_operator import ABOUT
from tests.bot.test_protection import trade

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Chat]:
    async with playing(tmp_path) as made:
        yield made


@pytest.fixture
async def bot(dsn: str, exchange: Exchange, chat: Chat) -> AsyncIterator[Bot]:
    async with telling_bot(dsn, exchange, chat) as made:
        yield made


async def level(bot: Bot) -> int:
    return int((await get(f"{bot.url}/status"))[1]["switch"]["level"])


async def test_in_a_chat_where_others_read_along_the_status_is_not_told(bot: Bot, chat: Chat) -> None:
    await chat.say("/status", chat=-4242)
    told = await chat.told("to you alone")
    assert [where for where, text in await chat.heard() if text == told] == ["-4242"]
    assert not [text for _, text in await chat.heard() if "equity" in text]


async def test_an_operator_is_told_what_the_bot_does_and_holds(bot: Bot, chat: Chat) -> None:
    await bot.order("BUY BTCUSDT 0.1")
    await until(lambda: _holds(bot))
    await chat.say("/status")
    told = (await chat.told("ready: ")).split("\n")
    assert told[0] == "[simulator] The bot in simulator mode: ready; places orders."
    assert told[1] == "ready: yes"
    assert told[2].startswith("switch: level 0, trading is open; by bot: ")
    assert re.fullmatch(r"money: equity \d+\.\d\d USDT, realised .*, lost today .* of at most 1000", told[3])
    assert told[4].startswith("position: BTC-USDT long 0.1")
    assert "stop NONE" not in told[4]
    assert [chat for chat, text in await chat.heard() if "ready: " in text] == [str(OPERATOR)]


async def _holds(bot: Bot) -> bool:
    positions = (await get(f"{bot.url}/status"))[1]["positions"]
    return bool(positions) and positions[0]["uncovered_quantity"].strip("0.") == ""


@pytest.mark.parametrize(
    ("text", "stands", "reason"),
    [
        ("/halt", 1, "no reason given"),
        ("/halt 2", 2, "no reason given"),
        ("/HALT 3 too wild\nby far", 3, "too wild\nby far"),
        ("/halt@tradewatch_bot looks odd", 1, "looks odd"),
        ("/halt 4 of them", 1, "4 of them"),
        ("/halt 2x as wild", 1, "2x as wild"),
        ("/halt2: odd", 2, "odd"),
        ("/halt3", 3, "no reason given"),
    ],
)
async def test_a_halt_of_an_operator_holds_at_once_and_says_who(
    bot: Bot, chat: Chat, text: str, stands: int, reason: str
) -> None:
    await chat.say(text)
    answer = await chat.told("kept by")
    assert answer.startswith(f"[simulator] halted at level {stands}: no new entries")
    assert answer.endswith("kept by: HALT file and database")
    switch = (await get(f"{bot.url}/status"))[1]["switch"]
    assert (switch["level"], switch["who"], switch["reason"]) == (stands, f"telegram:{OPERATOR}", reason)
    assert (await bot.order())[0] == 422
    await chat.told(f"HALTED at level {stands}.*; by telegram:{OPERATOR}: ")


async def test_a_halt_works_while_the_database_is_down(exchange: Exchange, chat: Chat) -> None:
    gone = f"postgresql://nobody:pw@127.0.0.1:{free_port()}/x"
    async with telling_bot(gone, exchange, chat, wait=False) as bot:
        await chat.say("/halt 2 odd")
        answer = await chat.told("kept by")
        assert "halted at level 2" in answer
        assert "kept by: HALT file" in answer
        assert "the database does not know it yet" in answer
        assert await level(bot) == 2


@pytest.mark.parametrize(
    ("text", "who", "more"),
    [
        ("/halt", STRANGER, {}),
        ("/status", STRANGER, {}),
        ("/halt", OPERATOR, {"edit_date": 1}),
        ("/halt", OPERATOR, {"forward_origin": {"type": "user"}}),
        ("/halt", OPERATOR, {"reply_to_message": {"text": "/halt"}}),
        ("/halt", OPERATOR, {"sender_chat": {"id": OPERATOR}}),
        ("/halt@another_bot", OPERATOR, {}),
        ("please /halt", OPERATOR, {}),
        ("halt", OPERATOR, {}),
    ],
)
async def test_nothing_else_is_a_command(
    bot: Bot, chat: Chat, text: str, who: int, more: dict[str, Any]
) -> None:
    await chat.say(text, who, more=more)
    await chat.say("/help")
    await chat.told("python -m bot resume")
    assert await level(bot) == 0
    assert len([to for to, _ in await chat.heard() if to in (str(who), str(OPERATOR))]) == 1


async def test_a_chat_whose_number_is_an_operators_makes_nobody_one(bot: Bot, chat: Chat) -> None:
    await chat.say("/halt", STRANGER, more={"chat": {"id": OPERATOR}})
    await chat.say("/help")
    await chat.told("python -m bot resume")
    assert await level(bot) == 0


async def test_of_a_stranger_one_line_is_logged_without_what_he_wrote(bot: Bot, chat: Chat) -> None:
    for _ in range(3):
        await chat.say("/halt my-own-words", STRANGER)
    await chat.say("/help")
    await chat.told("python -m bot resume")
    logged = bot.log.getvalue()
    assert logged.count("a command of a stranger was ignored") == 1
    assert f'"user": {STRANGER}' in logged
    assert "my-own-words" not in logged


async def test_all_that_status_knows_can_be_told(room: Room) -> None:
    room.desk.money = None
    room.desk.checks["money"] = failed(first("money", 0), "no\x1b answer", 1)
    bare = replace(trade(), state=State.UNKNOWN)
    room.desk.live = {"a": bare, "b": replace(bare, created_at=NOW), "c": replace(bare, state=State.PENDING)}
    for picture in (seen("1"), seen(), None):
        room.desk.picture = picture
        told = notice.status(http_status.status(room.desk, ABOUT, NOW + timedelta(seconds=5), None, []))
        lines = told.split("\n")
        assert "positions: not read yet" in lines if picture is None else "positions: not" not in told
        assert ("positions: none" in lines) == (picture is not None and not picture.holdings)
        assert "money: not read yet" in lines
        assert "UNKNOWN: BTC-USDT BUY 1 at 100, stop 90" in lines
        assert "UNKNOWN: BTC-USDT BUY 1 at 100, stop 90, for 5 s" in lines
        assert "entry: BTC-USDT BUY 1 at 100, stop 90" in lines
    room.desk.picture = seen("1")
    told = notice.status(http_status.status(room.desk, ABOUT, NOW, None, []))
    assert "position: BTC-USDT long 1 at 100, price 100, stop NONE, WITHOUT A STOP 1, profit +0.00" in told
    assert all(letter.isprintable() or letter == "\n" for letter in told)


@pytest.mark.parametrize("text", ["/resume", "/resume all is well"])
async def test_nothing_opens_trading_from_here(bot: Bot, chat: Chat, text: str) -> None:
    await chat.say("/halt")
    await chat.say(text)
    assert "python -m bot resume" in await chat.told("not opened from here")
    assert await level(bot) == 1


async def test_what_is_no_command_is_answered_with_those_that_are(bot: Bot, chat: Chat) -> None:
    await chat.say("/buy everything")
    told = await chat.told("no such command: /buy")
    assert "/status" in told
    assert "/halt" in told


@pytest.mark.parametrize(("age", "stands"), [(50, 1), (70, 0)])
async def test_a_halt_that_was_written_long_before_the_start_is_left_out(
    room: Room, chat: Chat, age: int, stands: int
) -> None:
    room.desk.wall = lambda: NOW
    await chat.say("/halt", date=int((NOW - timedelta(seconds=age)).timestamp()))
    async with aiohttp.ClientSession() as session:
        await Commands(room.desk, BotApi(session, chat.url, TOKEN), {OPERATOR}, 1001, _no_status).take()
    assert room.desk.level() is Level(stands)


async def test_a_halt_is_taken_once(room: Room, chat: Chat) -> None:
    room.desk.wall = lambda: NOW
    room.desk.notices, _ = outbox()
    room.desk.notices.failing["commands"] = "so that no question is held back"
    for text in ("/halt 1 first", "/halt 2 second"):
        await chat.say(text, date=int(NOW.timestamp()))
    async with aiohttp.ClientSession() as session:
        commands = Commands(room.desk, BotApi(session, chat.url, TOKEN), {OPERATOR}, 1001, _no_status)
        for _ in range(2):
            await commands.take()
    assert room.desk.level() is Level.CANCEL_ENTRIES
    assert len([each for each in room.desk.notices.waiting if each.kind is Kind.ANSWER]) == 2


async def _no_status() -> dict[str, Any]:
    raise AssertionError("nobody asked for it")


MESSAGE = {"from": {"id": 1}, "chat": {"id": 2}, "date": 3, "text": "/status"}


@pytest.mark.parametrize(
    "update",
    [
        {},
        {"message": None},
        {"message": []},
        {"edited_message": MESSAGE},
        {"channel_post": MESSAGE},
        *({"message": {name: value for name, value in MESSAGE.items() if name != left}} for left in MESSAGE),
        {"message": MESSAGE | {"from": {"id": "1"}}},
        {"message": MESSAGE | {"from": {"id": True}}},
        {"message": MESSAGE | {"chat": 2}},
        {"message": MESSAGE | {"date": "now"}},
        {"message": MESSAGE | {"date": 10**30}},
        {"message": MESSAGE | {"text": "/"}},
        {"message": MESSAGE | {"text": None}},
    ],
)
def test_an_update_that_is_not_as_it_should_be_is_no_command(update: dict[str, Any]) -> None:
    assert read_command({"message": MESSAGE}) is not None
    assert read_command(update) is None
