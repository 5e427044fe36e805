"""Many messages from several chats at once, as sources deliver them.

`python -m tests.bot.flood COUNT`, with the DSN of an empty database on its standard input, decides on them
and stores them, turn by turn with as many bare INSERTs over as many connections. In JSON it says how long
each took, and how many are lost or doubled.
"""

import asyncio
import gc
import json
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import aiopg
from prometheus_client import CollectorRegistry

from bot.desk import Desk
from bot.intake import accept
from bot.keeper import look
from bot.ports import Incoming, OrderStore
from tests.bot.desks import RICH, make_desk
from tests.bot.fake_exchange import FakeExchange
from tests.bot.fakes import opened
from tests.bot.stored import execute, prepared

CHATS = 5
AT_ONCE = 15  # messages on their way; the pool has fewer connections
POOL = 10
TALK = (
    "Good morning everybody, Bitcoin looks strong today and I like it",
    "BTC/USDT Target 1 reached ✅ Profit: 35.2% 📈 Period: 2 hours",
    "Сегодня торгов не будет, всем хорошего вечера",
    "All entry targets of #ETH/USDT achieved, average entry price 2310.5 💵",
    "Join our premium channel 🚀 and do not miss the next move\n\nhttps://t.me/example",
)
REFUSED = ("SELL DOGEUSDT 100", "BUY BTCUSDT 0.00001", "BUY XRPUSDT 10 @ 0.5 SL 0.4 TP 0.6")
TRADED = ("BUY BTCUSDT 0.001", "SELL BTCUSDT 0.002 SL 61500 TP 58000")


def mixed(count: int, seed: int, *, first: int = 0) -> Sequence[Incoming]:
    """Seven in ten are talk, two are refused, one is a message that was seen before, one in 200 is traded."""
    chance = random.Random(seed)
    made: list[Incoming] = []
    for number in range(first, first + count):
        if made and chance.random() < 0.1:
            made.append(chance.choice(made[-1000:]))
            continue
        texts = TRADED if number % 200 == 7 else chance.choices((TALK, REFUSED), (7, 2))[0]
        chat, text = f"-100200{number % CHATS}", chance.choice(texts)
        made.append(Incoming(source="telegram", chat=chat, message_id=str(number), text=text))
    return made


def key(message: Incoming) -> tuple[str, str, str]:
    return message.source, message.chat, message.message_id


async def trading_desk(store: OrderStore, exchange: FakeExchange, registry: CollectorRegistry) -> Desk:
    """Open for trading, for as long as anybody wants: its clock stands still."""
    desk = make_desk(store, exchange, registry)
    desk.clock = lambda: 100.0
    desk.epoch, desk.switch = await opened(store), await store.switch()
    desk.lease_until, desk.money = float("inf"), RICH
    await look(desk)
    return desk


async def settled(desk: Desk) -> None:
    while under_way := {*desk.sends.values(), *desk.accepting.values()}:
        await asyncio.wait(under_way)


async def timed(messages: Iterable[Incoming], act: Callable[[Incoming], Awaitable[Any]]) -> list[float]:
    """Seconds for each, AT_ONCE of them on their way at any time."""
    waiting, seconds = iter(messages), list[float]()

    async def lane() -> None:
        for message in waiting:
            began = time.perf_counter()
            await act(message)
            seconds.append(time.perf_counter() - began)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(lane())
    return seconds


async def insert_into(pool: aiopg.Pool, message: Incoming) -> None:
    """The least that storing a message takes."""
    async with pool.acquire() as connection, connection.cursor() as cursor:
        await cursor.execute("INSERT INTO floor (message) VALUES (%s)", (message.text,))


def memory() -> int:
    """Bytes that are in memory now."""
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


async def measure(dsn: str, count: int, part: int = 500) -> dict[str, Any]:
    """In parts, so that what else the machine does falls on both alike."""
    await execute(dsn, "CREATE TABLE floor (id bigserial PRIMARY KEY, message text)")
    verdicts, sent = Counter[str](), set[tuple[str, str, str]]()
    told: dict[str, Any] = {"seconds": [], "floor": [], "it_took": 0.0, "floor_took": 0.0}
    async with (
        prepared(dsn, size=POOL) as store,
        aiopg.create_pool(dsn, minsize=POOL, maxsize=POOL, enable_hstore=False) as pool,
    ):
        desk = await trading_desk(store, FakeExchange(), CollectorRegistry())

        async def take(message: Incoming) -> None:
            verdict, _ = await accept(desk, message)
            verdicts[verdict.value] += 1

        for first in range(0, count, part):
            messages = mixed(min(part, count - first), first, first=first)
            sent |= {key(each) for each in messages}
            for name, total, act in (
                ("seconds", "it_took", take),
                ("floor", "floor_took", lambda message: insert_into(pool, message)),
            ):
                began = time.perf_counter()
                told[name] += await timed(messages, act)
                told[total] += time.perf_counter() - began
            await settled(desk)
            desk.live.clear()  # as if each had been closed by now: no bot holds hundreds at once
    rows = await execute(dsn, "SELECT source, chat, message_id FROM signals")
    wrong = Counter(map(tuple, rows)) - Counter(sent) + (Counter(sent) - Counter(map(tuple, rows)))
    return {**told, "messages": count, "distinct": len(sent), "wrong": wrong.total(), "verdicts": verdicts}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(sys.stdin.read(), int(sys.argv[1])))))
