"""`kill -9` in a burst of signals: afterwards the exchange's book and the database tell the same story."""

import asyncio
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp

from scripts.postgres import free_port
from scripts.stack.lifted import lifted
from tests.bot.made_control import control_directory
from tests.bot.play import CONFIG, TOKEN, Exchange, get, until
from tests.bot.test_process import child, environment, ready_url_of

BURST = 200
KILLED_AFTER = 15  # orders that the exchange has


async def test_killed_in_a_burst_nothing_is_lost_doubled_or_left_without_a_stop(
    dsn: str, exchange: Exchange, tmp_path: Path
) -> None:
    control = control_directory(tmp_path / "control")
    variables = environment(
        dsn,
        exchange.url,
        CONTROL_DIR=str(control),
        CONFIG_DIR=str(lifted(CONFIG, tmp_path / "config")),
        HTTP_PORT=str(free_port()),
    )
    async with child("-m", "bot", **variables) as process:
        url = await ready_url_of(process)
        sending = [asyncio.create_task(send(url, number)) for number in range(BURST)]
        await until(lambda: len(entries(exchange)) >= KILLED_AFTER)
        process.send_signal(signal.SIGKILL)
        answers = await asyncio.gather(*sending)
    assert None in answers, "it was killed after the burst, not in it"
    async with child("-m", "bot", **variables) as process:
        url = await ready_url_of(process)

        async def settled() -> bool:
            counts = (await get(f"{url}/status"))[1]["orders"]
            return counts is not None and not counts["intent"] and not counts["unknown"]

        await until(settled, patience=60)
        _, told = await get(f"{url}/status")
    placed = entries(exchange)
    assert max(Counter(each.client_id for each in placed).values()) == 1
    counts = told["orders"]
    assert len(placed) == counts["pending"] + counts["filled"] + counts["cancelled"]
    for position in exchange.simulator.book.account.positions.values():
        stops = [each for each in exchange.simulator.book.open(position.symbol) if each.type == "STOP_MARKET"]
        assert sum(each.quantity for each in stops) == position.quantity


def entries(exchange: Exchange) -> list[Any]:
    return [each for each in exchange.simulator.book.all() if each.client_id and each.client_id[-1] != "x"]


async def send(url: str, number: int) -> int | None:
    body = {"message": "BUY BTCUSDT 0.001", "source": "test", "execute": True, "id": str(number)}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    try:
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(f"{url}/debug/signal", json=body) as response,
        ):
            await response.read()
            return response.status
    except aiohttp.ClientError:
        return None
