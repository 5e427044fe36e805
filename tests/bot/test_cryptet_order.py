"""From a post of the channel to a protected order: the whole bot, and all that it talks to played here."""

import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from bot.simulator.telegram import Telegram
from tests.bot.channels import serving
from tests.bot.play import Bot, Exchange, get, post, running_bot, until

CHANNEL = -1001804143400
COOKIES = "session=sentinel-of-a-session"


def telegram() -> AbstractAsyncContextManager[str]:
    return serving(Telegram({"cryptet": CHANNEL, "demo": -1001000000001}, first_id=1, clock=time.monotonic))


@asynccontextmanager
async def listening(dsn: str, exchange: Exchange, url: str) -> AsyncIterator[Bot]:
    async with running_bot(
        dsn,
        exchange.url,
        TELEGRAM_SIMULATOR_URL=url,
        CRYPTET_BASE_URL=f"{exchange.url}/cryptet",
        CRYPTET_COOKIES=COOKIES,
        TIME_SCALE="1",
    ) as bot:
        await until(lambda: f'"chat": "{CHANNEL}", "read_up_to"' in bot.log.getvalue())
        yield bot


async def say(url: str, text: str, *links: str) -> None:
    status, told = await post(
        f"{url}/control/telegram/post", {"chat": "cryptet", "text": text, "links": list(links)}
    )
    assert status == 200, told


async def signal(bot: Bot) -> dict[str, Any]:
    """The latest, once it was decided on."""

    async def decided() -> bool:
        return bool((await get(f"{bot.url}/status"))[1]["signals"])

    await until(decided)
    told: dict[str, Any] = (await get(f"{bot.url}/status"))[1]["signals"][0]
    return told


@pytest.mark.parametrize(("language", "side"), [("en", "LONG"), ("de", "SHORT")])
async def test_a_post_ends_as_a_protected_order(
    dsn: str, exchange: Exchange, language: str, side: str
) -> None:
    async with telegram() as url, listening(dsn, exchange, url) as bot:
        page = {"pair": "BTC/USDT", "side": side, "language": language, "fault": "404", "times": 1}
        _, made = await post(f"{exchange.url}/control/cryptet", page)
        await say(url, "BTC/USDT", f"{made['link']}?utm_campaign=notification&utm_medium=telegram")
        told = await signal(bot)
        assert (told["source"], told["verdict"]) == ("cryptet", "accepted"), told
        await until(lambda: [each["status"] for each in exchange.orders] == ["FILLED"])
        _, account = await get(f"{exchange.url}/control/account")
        assert [each["positionSide"] for each in account["positions"]] == [side]
        assert {each["type"]: each["stopPrice"] for each in account["open_orders"]} == {
            "STOP_MARKET": made["stop"],
            "TAKE_PROFIT_MARKET": made["target"],
        }
        assert "sentinel" not in bot.log.getvalue()


async def test_a_post_whose_page_is_over_ends_as_a_reason(dsn: str, exchange: Exchange) -> None:
    async with telegram() as url, listening(dsn, exchange, url) as bot:
        page = {"pair": "BTC/USDT", "side": "LONG", "state": "closed"}
        _, made = await post(f"{exchange.url}/control/cryptet", page)
        await say(url, "BTC/USDT", made["link"])
        told = await signal(bot)
        assert (told["verdict"], told["reason"]) == ("refused", "expired: its page says 'Closed'"), told
        assert exchange.orders == []
