"""Telegram as the whole bot has it: from a post to an order, in /status and in the metrics."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from bot.config import load_bot
from bot.simulator.telegram import Telegram as World
from tests.bot.channels import serving
from tests.bot.play import Bot, Exchange, get, post, running_bot, until

ROOT = Path(__file__).parents[2]
CHANNELS = {"demo": -1001000000001, "cryptet": -1001804143400}


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    world: World
    url: str

    async def control(self, path: str, **body: Any) -> tuple[int, Any]:
        return await post(f"{self.url}/control/telegram/{path}", body)


@pytest.fixture
async def played() -> AsyncIterator[Played]:
    world = World(CHANNELS, first_id=1, clock=time.monotonic)
    async with serving(world) as url:
        yield Played(world=world, url=url)


async def hearing(bot: Bot) -> Any:
    return (await get(f"{bot.url}/status"))[1]["telegram"]


def reads_up_to(bot: Bot, id_: int) -> Callable[[], Awaitable[bool]]:
    async def has_read() -> bool:
        return bool((await hearing(bot))["channels"]["demo"]["read_up_to"] == id_)

    return has_read


async def test_a_post_ends_as_an_order(dsn: str, exchange: Exchange, played: Played) -> None:
    async with running_bot(dsn, exchange.url, TELEGRAM_SIMULATOR_URL=played.url) as bot:
        await until(reads_up_to(bot, 1))
        status, told = await played.control("post", chat="demo", text="BUY BTCUSDT 0.1")
        assert (status, told) == (200, {"chat": CHANNELS["demo"], "id": 2})
        await until(reads_up_to(bot, 2))
        await until(bot.has({"filled": 1}))
        _, shown = await get(f"{bot.url}/status")
        assert (shown["signals"][0]["source"], shown["signals"][0]["id"]) == ("telegram", "2")
        channel = shown["telegram"]["channels"]["demo"]
        assert (shown["telegram"]["connected"], channel["trouble"]) == (True, None)
        assert 0 <= channel["silent_seconds"] < 60
        assert await bot.metric("telegram_connected") == 1
        assert await bot.metric('telegram_gap_messages_total{channel="demo"}') == 0
        assert await bot.metric('telegram_last_message_timestamp_seconds{channel="demo"}')
        assert await bot.metric('orders_total{source="telegram"}') == 1


async def test_a_restart_goes_on_where_it_was_left(dsn: str, exchange: Exchange, played: Played) -> None:
    for id_ in (2, 4):
        async with running_bot(dsn, exchange.url, TELEGRAM_SIMULATOR_URL=played.url) as bot:
            await until(reads_up_to(bot, id_ - 1))
            played.world.post("demo", "hello")
            await until(reads_up_to(bot, id_))
            counted = await bot.metric('signals_received_total{source="telegram"}')
            assert counted == (1 if id_ == 2 else 2)  # of the second start the one that was missed, too
        played.world.post("demo", "hello")


async def test_a_lost_session_stops_telegram_alone(dsn: str, exchange: Exchange, played: Played) -> None:
    async with running_bot(dsn, exchange.url, TELEGRAM_SIMULATOR_URL=played.url) as bot:
        await until(reads_up_to(bot, 1))
        await played.control("faults", revoked="SESSION_REVOKED")

        async def is_given_up() -> bool:
            return "gave up" in (await hearing(bot))["reason"]

        await until(is_given_up)
        _, shown = await get(f"{bot.url}/status")
        assert "telegram gave up" in shown["summary"]
        assert "python -m bot login" in shown["summary"]
        assert await bot.is_ready()
        assert (await bot.order())[0] == 200
        assert await bot.metric("telegram_connected") == 0


async def test_without_its_settings_telegram_is_off_and_says_so(dsn: str, exchange: Exchange) -> None:
    async with running_bot(dsn, exchange.url) as bot:
        assert await hearing(bot) is None
        assert await bot.metric("telegram_connected") is None
        assert '"event": "telegram is off"' in bot.log.getvalue()


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("post", {"chat": "dmeo", "text": "x"}, "chat 'dmeo' is not known; known are demo, cryptet"),
        ("post", {"chat": "demo", "txet": "x"}, "'txet' is no key"),
        ("post", {"chat": "demo", "text": "x", "edit_of": 99}, "has no message 99"),
        ("post", {"chat": "demo", "text": "x", "links": [1]}, "links must be a list of addresses"),
        ("post", {"chat": "demo", "text": "x", "date": "soon"}, "isoformat"),
        ("faults", {"flod": 1}, "'flod' is no key"),
    ],
)
async def test_the_control_port_refuses_what_it_does_not_know(
    played: Played, path: str, body: dict[str, Any], said: str
) -> None:
    status, told = await played.control(path, **body)
    assert status == 400
    assert said in told["error"]


async def test_what_is_wrong_is_shown_until_it_is_taken_away(played: Played) -> None:
    _, told = await played.control("faults", lost=True, drop=True, flood=5)
    assert told["faults"] == {
        "frozen": False,
        "down": False,
        "revoked": "",
        "silent": False,
        "lost": True,
    }
    async with (
        aiohttp.ClientSession() as session,
        session.delete(f"{played.url}/control/telegram/faults") as response,
    ):
        assert response.status == 200
    assert (await get(f"{played.url}/control/telegram"))[1]["faults"]["lost"] is False


async def test_a_channel_may_have_been_silent_for_long(played: Played) -> None:
    began = {name: channel.messages[1].date for name, channel in played.world.channels.items()}
    assert (await played.control("age", chat="demo", seconds=3600))[0] == 200
    left = {name: began[name] - channel.messages[1].date for name, channel in played.world.channels.items()}
    assert left == {"demo": timedelta(hours=1), "cryptet": timedelta(0)}
    assert (await played.control("age", chat="nobody", seconds=1))[0] == 400


def test_the_containers_play_the_channels_that_the_bot_reads() -> None:
    bot, _ = load_bot(ROOT / "config")
    assert bot is not None
    command = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["simulator"]["command"]
    played = {each.removeprefix("--channel=") for each in command if each.startswith("--channel=")}
    assert played == {f"{each.name}={each.id}" for each in bot.telegram.channels}
