"""Notices on their way: Telegram refuses, hangs, is away; no order waits, and nothing leaks."""

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from bot import notices
from bot.adapters.telegram_notices import BotApi
from bot.domain.notice import Kind, Notice
from bot.log import open_log
from bot.ports import Later, Refused, TryAgain
from scripts.postgres import free_port
from tests.bot.play import Bot, Exchange, get, until
from tests.bot.room import Room
from tests.bot.telegram_chat import CHAT, STRANGER, TOKEN, Chat, playing, telling_bot
from tests.bot.test_notices import outbox

SECRET = TOKEN.partition(":")[2]
UNKNOWN = "BUY DOGEUSDT 1"  # is refused
NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Chat]:
    async with playing(tmp_path) as made:
        yield made


@pytest.fixture
async def api(chat: Chat) -> AsyncIterator[BotApi]:
    async with aiohttp.ClientSession() as session:
        yield BotApi(session, chat.url, TOKEN)


async def failing(bot: Bot) -> dict[str, str]:
    told: dict[str, str] = (await get(f"{bot.url}/status"))[1]["notices"]["failing"]
    return told


async def test_a_text_reaches_the_chat_as_it_is(api: BotApi, chat: Chat) -> None:
    await api.send(-100123, "*two*\n<b>lines</b> \N{ROCKET}")
    assert await chat.heard() == [("-100123", "*two*\n<b>lines</b> \N{ROCKET}")]


@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        ({"status": 400}, Refused, "400: Bad Request: chat not found"),
        ({"status": 401}, TryAgain, "401: Unauthorized"),
        ({"status": 403}, TryAgain, "403: Forbidden: bot was blocked by the user"),
        ({"status": 429, "retry_after": 7}, Later, "429: Too Many Requests: retry after 7"),
        ({"status": 500}, TryAgain, "500: Internal Server Error"),
    ],
)
async def test_what_telegram_refuses_says_whether_it_may_be_sent_again(
    api: BotApi, chat: Chat, fault: dict[str, int], error: type[Exception], says: str
) -> None:
    await chat.fail(**fault)
    with pytest.raises(error, match=r"^Telegram answers sendMessage with") as told:
        await api.send(CHAT, "text")
    assert type(told.value) is error
    assert str(told.value).endswith(says)
    assert not isinstance(told.value, Later) or told.value.after == 7


async def _odd(kind: str, request: web.Request) -> web.StreamResponse:
    if kind == "redirect":
        raise web.HTTPFound("/elsewhere" if "elsewhere" not in request.path else "/lost")
    if kind == "no JSON":
        return web.Response(text=f"<html>{request.path}</html>")
    if kind == "not an object":
        return web.json_response([request.path])
    if kind == "no result":
        return web.json_response({"ok": True})
    if request.transport:
        request.transport.abort()
    return web.Response()


@pytest.mark.parametrize("kind", ["redirect", "no JSON", "not an object", "no result", "cut off", "nobody"])
async def test_whatever_is_answered_the_token_stands_in_no_error(kind: str) -> None:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", partial(_odd, kind))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = free_port() if kind == "nobody" else runner.addresses[0][1]
    async with aiohttp.ClientSession() as session:
        with pytest.raises(TryAgain) as told:
            await BotApi(session, f"http://127.0.0.1:{port}", TOKEN).send(CHAT, "text")
    await runner.cleanup()
    error: BaseException | None = told.value
    assert error is not None
    assert (error.__cause__, error.__context__) == (None, None)
    assert SECRET not in repr(error)
    assert kind != "redirect" or "with 302: " in str(error), "it must not be followed"


async def test_an_answer_that_is_no_http_tells_nothing_of_the_address() -> None:
    """What aiohttp raises here holds the whole request."""

    async def garble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(garble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, aiohttp.ClientSession() as session:
        with pytest.raises(TryAgain) as told:
            await BotApi(session, f"http://127.0.0.1:{port}", TOKEN).send(CHAT, "text")
    assert str(told.value).startswith("Telegram did not answer sendMessage: ")
    assert SECRET not in repr(told.value)
    assert told.value.__context__ is None


async def test_a_bot_that_is_told_to_wait_waits(dsn: str, exchange: Exchange, chat: Chat) -> None:
    await chat.fail(status=429, retry_after=1, times=1, method="sendMessage")
    async with telling_bot(dsn, exchange, chat) as bot:
        await bot.order(UNKNOWN, "1")
        await chat.told("refused, from test")
    assert await chat.early() == 0


async def test_what_happens_while_telegram_is_away_is_told_in_its_sequence(
    dsn: str, exchange: Exchange, chat: Chat
) -> None:
    async with telling_bot(dsn, exchange, chat) as bot:
        await chat.told("trading is open")
        await chat.fail(status=500, method="sendMessage")
        for symbol in ("BTC", "ETH", "SOL"):
            await bot.order(UNKNOWN, f"before-{symbol}")
            assert (await bot.order(f"BUY {symbol}USDT 0.1", symbol))[0] == 200
        await until(lambda: _fails(bot, "sending", "500: Internal Server Error"))
        assert (await get(f"{bot.url}/status"))[1]["notices"]["waiting"] == 6
        assert await bot.metric("notices_failing") == 1
        await chat.mend()
        await until(lambda: _count(chat, 7))
        told = [text.split("\n")[0].split(" ")[1].rstrip(",") for text in await chat.notices()]
        assert told == ["trading", *["refused", "opened"] * 3]
        await until(lambda: _fails(bot, "sending", ""))
        assert await bot.metric("notices_failing") == 0
    said = [line for line in bot.log.getvalue().splitlines() if "notices are not delivered" in line]
    assert len(said) == 1


async def _count(chat: Chat, number: int) -> bool:
    return len(await chat.notices()) == number


async def _fails(bot: Bot, what: str, reason: str) -> bool:
    told = (await failing(bot)).get(what, "")
    return reason in told if reason else not told


@pytest.mark.parametrize("status", [401, 403])
async def test_a_token_that_is_refused_is_shown_said_once_and_tried_again(
    dsn: str, exchange: Exchange, chat: Chat, status: int
) -> None:
    await chat.fail(status=status)
    async with telling_bot(dsn, exchange, chat) as bot:
        await until(lambda: _fails(bot, "sending", f"with {status}: "))
        await until(lambda: _fails(bot, "commands", f"with {status}: "))
        assert await bot.metric("notices_failing") == 1
        await chat.mend()
        await chat.told("trading is open")
        await until(lambda: _fails(bot, "commands", ""))
    assert bot.log.getvalue().count("notices are not delivered") == 1
    assert bot.log.getvalue().count("commands are not heard") == 1


async def test_a_text_that_is_refused_holds_up_no_other(dsn: str, exchange: Exchange, chat: Chat) -> None:
    await chat.fail(status=400, times=1, method="sendMessage")
    async with telling_bot(dsn, exchange, chat) as bot:
        await until(lambda: _lost(bot, 1))
        await bot.order(UNKNOWN, "1")
        told = await chat.told("refused, from test")
    assert told.endswith("(1 earlier notices were lost)")


async def _lost(bot: Bot, number: int) -> bool:
    return await bot.metric("notices_lost_total") == number


async def test_an_order_waits_for_no_notice_while_telegram_never_answers(
    dsn: str, exchange: Exchange, chat: Chat
) -> None:
    await chat.fail(hang=True)
    async with telling_bot(dsn, exchange, chat) as bot:
        status, told = await bot.order()
        assert (status, told["order"]["state"]) == (200, "filled")
        assert await chat.heard() == []
        assert (await get(f"{bot.url}/status"))[1]["notices"]["waiting"] >= 1


async def test_too_many_notices_lose_refusals_first_and_say_how_many(room: Room, chat: Chat) -> None:
    box, _ = room.desk.notices, _ = outbox(most=10)
    room.desk.wall = lambda: NOW
    async with aiohttp.ClientSession() as session:
        for number in range(8):
            box.put(Notice(kind=Kind.OPENED, text=f"opened {number}", at=NOW))
        for number in range(50):
            box.put(Notice(kind=Kind.REFUSED, text=f"refused {number}", at=NOW, code="stale"))
        task = asyncio.create_task(notices.deliver(room.desk, BotApi(session, chat.url, TOKEN), CHAT, 1000))
        await until(lambda: _count(chat, 9))
        task.cancel()
    told = await chat.notices()
    assert told[0] == "[simulator] opened 0\n(48 earlier notices were lost)"
    assert told[1:8] == [f"[simulator] opened {number}" for number in range(1, 8)]
    assert told[8] == "[simulator] 2 refused: 2 stale\nthe latest: refused 49"
    assert box.lost == 0


async def test_the_token_is_nowhere_to_be_read(
    dsn: str, exchange: Exchange, chat: Chat, tmp_path: Path
) -> None:
    """Whatever fails at Telegram, and even if no log line is blotted out."""
    async with telling_bot(dsn, exchange, chat, LOG_LEVEL="TRACE") as bot:
        out = io.StringIO()
        open_log("TRACE", "simulator", [], out)  # every library's lines, none of them blotted
        for fault in ({"status": 400}, {"status": 401}, {"status": 500}):
            await chat.fail(**fault)
            await bot.order(UNKNOWN, str(fault["status"]))
        await chat.say("hello", who=STRANGER)  # ends a question that was held back
        await until(lambda: _fails(bot, "commands", "Telegram"))
        pages = []
        for path in ("/status", "/metrics", "/health", "/config"):
            async with aiohttp.ClientSession() as session, session.get(f"{bot.url}{path}") as response:
                pages.append(await response.text())
        await chat.mend()
        await chat.told("refused, from test")
    shown = [bot.log.getvalue(), out.getvalue(), *pages, str(await chat.heard())]
    shown += [file.read_text() for file in (tmp_path / "sink").iterdir()]
    assert all(SECRET not in text for text in shown)
    assert "not delivered" in out.getvalue() or "not heard" in out.getvalue()
