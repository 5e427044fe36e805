"""The simulated site of cryptet: what it serves for what it was told, and what it refuses to be told."""

import asyncio
from typing import Any

import aiohttp
import pytest

from tests.bot.play import Exchange, post

FULL = {
    "path": "/de/signals/one/link_usdt/2025/08/14/1830",
    "pair": "LINK/USDT",
    "side": "SHORT",
    "entry": "1025.69",
    "target": "1005.27",
    "stop": "1046.03",
    "language": "de",
}


async def told(exchange: Exchange, **body: Any) -> tuple[int, Any]:
    return await post(f"{exchange.url}/control/cryptet", body)


async def page(exchange: Exchange, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"{exchange.url}/cryptet{path}") as response:
        return response.status, await response.text()


async def test_a_page_in_german(exchange: Exchange) -> None:
    status, answer = await told(exchange, **FULL)
    assert (status, answer["link"]) == (200, f"https://cryptet.com{FULL['path']}")
    status, text = await page(exchange, FULL["path"])
    assert status == 200
    for shown in ("LINK/USDT <b>VERKAUFEN</b>", "Gewinnmitnahme*", "1.005,27", "1.046,03", 'lang="de"'):
        assert shown in text


async def test_what_is_left_out_follows_from_the_last_price(exchange: Exchange) -> None:
    await post(f"{exchange.url}/control/prices", {"BTC-USDT": "60000"})
    _, long = await told(exchange, pair="BTC/USDT", side="LONG")
    _, short = await told(exchange, pair="BTC/USDT", side="SHORT")
    assert [long[name] for name in ("entry", "target", "stop")] == ["60000", "61200", "59400"]
    assert [short[name] for name in ("entry", "target", "stop")] == ["60000", "58800", "60600"]
    assert (await page(exchange, long["path"]))[0] == 200


async def test_a_page_that_is_over_says_so(exchange: Exchange) -> None:
    await told(exchange, **FULL | {"state": "closed"})
    assert "Abgelaufen</div>" in (await page(exchange, FULL["path"]))[1]


async def test_a_page_that_nobody_made_is_not_there(exchange: Exchange) -> None:
    assert (await page(exchange, FULL["path"]))[0] == 404


@pytest.mark.parametrize("fault", ["404", "403", "500"])
async def test_a_fault_ends_after_so_many_times(exchange: Exchange, fault: str) -> None:
    await told(exchange, **FULL | {"fault": fault, "times": 2})
    assert [(await page(exchange, FULL["path"]))[0] for _ in range(3)] == [int(fault), int(fault), 200]


async def test_a_fault_that_is_not_counted_stays(exchange: Exchange) -> None:
    await told(exchange, **FULL | {"fault": "login"})
    for _ in range(3):
        assert "password" in (await page(exchange, FULL["path"]))[1]


async def test_a_slow_page_does_not_come(exchange: Exchange) -> None:
    await told(exchange, **FULL | {"fault": "slow"})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await page(exchange, FULL["path"])


@pytest.mark.parametrize(
    "body",
    [
        {"side": "UP"},
        {"language": "fr"},
        {"fault": "418"},
        {"state": "gone"},
        {"path": "/../health"},
        {"pair": "btc"},
        {"pair": "NOPE/USDT"},
        {"entry": 60000},
        {"times": True},
        {"colour": "red"},
    ],
)
async def test_what_it_cannot_be_told(exchange: Exchange, body: dict[str, Any]) -> None:
    status, answer = await told(exchange, **body)
    assert (status, list(answer)) == (400, ["error"])
