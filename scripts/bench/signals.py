"""How many messages a second are decided on and stored, and what the bot needs in time and memory for it.

First the use case alone with a true database, turn by turn with bare INSERTs over as many connections; then
the bot as a process, over HTTP. Each line says what was wanted and whether it was reached; lost or doubled
messages alone are an error, for speed depends on the machine.
"""

import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import aiopg

from scripts.bench.lone_bot import LoneBot, Place, imported, lone_bot, place
from scripts.bench.ratio import Ratio
from scripts.postgres import temporary
from scripts.stack.home import ROOT

WANTED_A_SECOND = 500
WANTED_MEMORY, WANTED_GROWTH = 12.0, 2.0  # MB
WANTED_START = 2.0  # seconds
WANTED_METRICS = 5.0  # milliseconds
WARM_UP = 1000  # messages, until what is kept for reuse has been made
AT_ONCE = 15
STARTS, PAGES = 3, 100
_TEXTS = (
    *["BTC/USDT Target 1 reached ✅ Profit: 35.2% 📈", "Good morning, Bitcoin looks strong"] * 7,
    *["SELL DOGEUSDT 100", "BUY BTCUSDT 0.00001"] * 2,
)


def run(messages: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="tradewatch-bench-") as name:
        folder = Path(name)
        (folder / "postgres").mkdir()
        with temporary(folder / "postgres") as dsn:
            yield from decided(asyncio.run(_flood(dsn, messages)))
        (folder / "again").mkdir()
        with temporary(folder / "again") as dsn:
            yield from asyncio.run(_as_process(folder, dsn, messages))


def decided(told: Mapping[str, Any]) -> Iterator[str]:
    """What tests.bot.flood found out."""
    messages = told["messages"]
    if told["wrong"]:
        raise RuntimeError(f"{told['wrong']} messages are lost or doubled")
    rate, floor = (messages / told[name] for name in ("it_took", "floor_took"))
    yield from Ratio(
        what="message to stored verdict",
        floor_is="INSERT over the same number of connections",
        seconds=told["seconds"],
        floor=told["floor"],
    ).lines()
    yield f"    {rate:,.0f} messages a second, {floor:,.0f} INSERTs; {_aim(rate >= WANTED_A_SECOND, '500')}"
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(told["verdicts"].items()))
    yield f"    {messages} messages: {verdicts}; {told['distinct']} rows, none lost, none doubled"


async def _flood(dsn: str, messages: int) -> Any:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bot.flood", str(messages)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    out, _ = await process.communicate(dsn.encode())
    if process.returncode:
        raise RuntimeError("the messages were not all taken; the reason stands above")
    return json.loads(out)


async def _as_process(folder: Path, dsn: str, messages: int) -> list[str]:
    lines, log = list[str](), folder / "bot.log"
    async with place(folder, dsn) as around:
        lines += await _started(around, log)
        base = await imported()
        async with lone_bot(around, log) as bot, aiohttp.ClientSession() as session:
            over = (bot.memory() - base) / 1e6
            wanted = _aim(over <= WANTED_MEMORY, f"at most {WANTED_MEMORY:g}")
            lines.append(f"memory once ready: {over:.1f} MB over its imports ({base / 1e6:.1f} MB); {wanted}")
            lines += await _heard(bot, session, messages)
            lines += await _exported(bot, session)
        await _check(dsn, WARM_UP + messages)
    return lines


async def _started(around: Place, log: Path) -> list[str]:
    seconds = []
    for _ in range(STARTS):
        async with lone_bot(around, log) as bot:
            seconds.append(bot.started)
    middle = statistics.median(seconds[1:])
    return [
        f"start until ready: {middle:.2f} s, {seconds[0]:.2f} s with a new database; "
        f"{_aim(middle < WANTED_START, f'under {WANTED_START:g} s')}"
    ]


async def _heard(bot: LoneBot, session: aiohttp.ClientSession, messages: int) -> list[str]:
    await _send_all(bot, session, range(WARM_UP))
    before, began = bot.memory(), time.perf_counter()
    seconds = await _send_all(bot, session, range(WARM_UP, WARM_UP + messages))
    rate = messages / (time.perf_counter() - began)
    grown = (bot.memory() - before) / 1e6
    p50, p99 = statistics.median(seconds) * 1000, statistics.quantiles(seconds, n=100)[98] * 1000
    return [
        f"over HTTP, stored and told: {rate:,.0f} messages a second, p50 {p50:.2f} ms, p99 {p99:.2f} ms; "
        f"{_aim(rate >= WANTED_A_SECOND, '500')}",
        f"memory after {messages:,} more: {grown:+.2f} MB; "
        f"{_aim(grown < WANTED_GROWTH, f'under {WANTED_GROWTH:g} after 100,000')}",
    ]


async def _send_all(bot: LoneBot, session: aiohttp.ClientSession, numbers: range) -> list[float]:
    headers, chance = {"Authorization": f"Bearer {bot.token}"}, random.Random(numbers.start)

    async def send(number: int) -> None:
        body = {"message": chance.choice(_TEXTS), "source": "test", "execute": True, "id": f"b{number}"}
        async with session.post(f"{bot.url}/debug/signal", json=body, headers=headers) as answer:
            told = await answer.json()
        if answer.status != 422 or told["duplicate"]:
            raise RuntimeError(f"message {number} was answered by {answer.status}: {told}")

    return await _several_at_once(numbers, send)


async def _several_at_once(numbers: range, act: Callable[[int], Awaitable[None]]) -> list[float]:
    waiting, seconds = iter(numbers), list[float]()

    async def lane() -> None:
        for number in waiting:
            began = time.perf_counter()
            await act(number)
            seconds.append(time.perf_counter() - began)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(lane())
    return seconds


async def _exported(bot: LoneBot, session: aiohttp.ClientSession) -> list[str]:
    pages, empty, series = list[float](), list[float](), 0
    for _ in range(PAGES):
        for name, seconds in (("metrics", pages), ("livez", empty)):
            began = time.perf_counter()
            async with session.get(f"{bot.url}/{name}") as answer:
                text = await answer.text()
            seconds.append(time.perf_counter() - began)
            if name == "metrics":
                series = sum(1 for line in text.splitlines() if not line.startswith("#"))
    ratio = Ratio(what="/metrics", floor_is="an empty call", seconds=pages, floor=empty)
    p50 = statistics.median(pages) * 1000
    wanted = _aim(p50 < WANTED_METRICS, f"p50 under {WANTED_METRICS:g} ms")
    return [*ratio.lines(), f"    {series} series; {wanted}"]


async def _check(dsn: str, messages: int) -> None:
    """Each of them has one row."""
    async with aiopg.connect(dsn, enable_hstore=False) as connection, connection.cursor() as cursor:
        await cursor.execute("SELECT count(*), count(DISTINCT message_id) FROM signals")
        [(rows, distinct)] = await cursor.fetchall()
    if (rows, distinct) != (messages, messages):
        raise RuntimeError(f"{messages} messages were sent over HTTP, and {rows} rows are there")


def _aim(is_reached: bool, wanted: str) -> str:
    return f"wanted {wanted}: {'reached' if is_reached else 'NOT REACHED'}"
