"""How long a signal takes until its order is acknowledged, against the least that this can take.

The floor is what no order can do without: one row committed by an autocommit INSERT, then one signed order
with its stop, sent straight to a simulator, over kept connections and in turn with the real thing. Two times
are held against it: the bot's own, from a signal's arrival to the exchange's answer; and over HTTP, from
before the signal is sent until the bot has stored what became of it and said so, with an empty call on top
of the floor.

The bot lets six entries a second leave, and a signal that waits for its turn would measure that wait. So each
begins only when there is room for it, and the floor's orders go to a simulator of its own: the bot's would
tell the bot that somebody else uses up its calls.
"""

import asyncio
import hashlib
import hmac
import json
import re
import secrets
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

import aiohttp
import aiopg
from yarl import URL

from scripts.bench.ratio import Ratio
from scripts.stack.home import Home
from scripts.stack.local import running
from scripts.stack.ports import Ports

# So long after an answer the bot makes room for the next order (bot/adapters/bingx_limits.py).
_ROOM_AFTER = 1.1
_BEAT = _ROOM_AFTER / 15  # a signal, an empty call, a floor: five signals in the time in which six may leave
_WARM_UP = 10
_PROCESSED = re.compile(r"^order_processing_seconds_(?:sum|count) (\S+)$", re.MULTILINE)


async def measure(folder: Path, count: int) -> list[Ratio]:
    """Run a whole stack in `folder` and place `count` orders, each beside its floor."""
    home = Home(path=folder, ports=Ports.free(), repeats=True)
    processed, told, empty, least = list[float](), list[float](), list[float](), list[float]()
    async with (
        running(home, lambda _: None),
        _second_exchange(home) as exchange,
        aiohttp.ClientSession() as session,
        _database(home) as database,
    ):
        bot, floor = Bot(home, session), Floor(home, exchange, session, database)
        await floor.prepare()
        for _ in range(_WARM_UP + count):
            async with _on_the_beat():
                told.append(await bot.signal())
                processed.append(await bot.processed())
            async with _on_the_beat():
                empty.append(await bot.empty_call())
            async with _on_the_beat():
                least.append(await floor.timed())
    over_http = [sum(each) for each in zip(empty, least, strict=True)]
    return [
        _ratio("signal to acknowledged order", processed, "INSERT + signed order", least),
        _ratio("the same over HTTP, stored and told", told, "empty call + INSERT + signed order", over_http),
    ]


def _ratio(what: str, seconds: list[float], floor_is: str, floor: list[float]) -> Ratio:
    return Ratio(what=what, floor_is=floor_is, seconds=seconds[_WARM_UP:], floor=floor[_WARM_UP:])


@asynccontextmanager
async def _on_the_beat() -> AsyncIterator[None]:
    """Lasts a beat at least; what comes late makes the next no earlier."""
    begin = time.perf_counter()
    yield
    await asyncio.sleep(begin + _BEAT - time.perf_counter())


class Bot:
    """Its side of HTTP: signals as a person sends who tries it out."""

    def __init__(self, home: Home, session: aiohttp.ClientSession) -> None:
        self._home, self._session = home, session
        token = home.secret("admin_token").read_text().strip()
        self._headers = {"Authorization": f"Bearer {token}"}
        self._processed = (0.0, 0.0)

    async def signal(self) -> float:
        url, name = self._home.url("bot", "/debug/signal"), f"bench-{secrets.token_hex(8)}"
        body = {"message": "BUY BTCUSDT 0.001", "source": "test", "execute": True, "id": name}
        begin = time.perf_counter()
        async with self._session.post(url, json=body, headers=self._headers) as answer:
            told = await answer.json()
        seconds = time.perf_counter() - begin
        if told.get("order", {}).get("state") not in ("filled", "pending"):
            raise RuntimeError(f"the signal did not become an order: {told}")
        return seconds

    async def processed(self) -> float:
        """What the bot itself says that the last order took."""
        async with self._session.get(self._home.url("bot", "/metrics")) as answer:
            count, seconds = map(float, _PROCESSED.findall(await answer.text()))
        before, self._processed = self._processed, (count, seconds)
        if count != before[0] + 1:
            raise RuntimeError(f"one signal, but the bot counts {count - before[0]:g} orders")
        return seconds - before[1]

    async def empty_call(self) -> float:
        begin = time.perf_counter()
        async with self._session.get(self._home.url("bot", "/livez")) as answer:
            await answer.read()
        return time.perf_counter() - begin


class Floor:
    """The least that placing an order can take."""

    def __init__(
        self, home: Home, exchange: str, session: aiohttp.ClientSession, database: aiopg.Connection
    ) -> None:
        self._exchange, self._session, self._database = exchange, session, database
        self._key = home.secret("bingx_api_key").read_text().strip()
        self._secret = home.secret("bingx_secret_key").read_text().strip().encode()

    async def prepare(self) -> None:
        async with self._database.cursor() as cursor:
            await cursor.execute("CREATE TABLE floor (id text PRIMARY KEY, message text)")

    async def timed(self) -> float:
        name = secrets.token_hex(8)
        begin = time.perf_counter()
        async with self._database.cursor() as cursor:
            await cursor.execute("INSERT INTO floor VALUES (%s, %s)", (name, "BUY BTCUSDT 0.001"))
        await self._order(name)
        return time.perf_counter() - begin

    async def _order(self, name: str) -> None:
        fields = {
            "clientOrderId": name,
            "positionSide": "LONG",
            "price": "90000",
            "quantity": "0.001",
            "side": "BUY",
            "stopLoss": '{"type":"STOP_MARKET","stopPrice":50000,"workingType":"MARK_PRICE"}',
            "symbol": "BTC-USDT",
            "timestamp": str(time.time_ns() // 1_000_000),
            "type": "LIMIT",
        }
        signed = "&".join(f"{key}={value}" for key, value in sorted(fields.items()))
        signature = hmac.new(self._secret, signed.encode(), hashlib.sha256).hexdigest()
        query = "&".join(f"{key}={quote(value, safe='')}" for key, value in sorted(fields.items()))
        url = f"{self._exchange}/openApi/swap/v2/trade/order?{query}&signature={signature}"
        async with self._session.post(URL(url, encoded=True), headers={"X-BX-APIKEY": self._key}) as answer:
            body = await answer.json()
            if body["code"] != 0:
                raise RuntimeError(f"the simulator refused the floor's order: {body['code']} {body['msg']}")


@asynccontextmanager
async def _second_exchange(home: Home) -> AsyncIterator[str]:
    """The URL of another simulator with the same keys."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.simulator", "--port", "0"),
        *("--state", home.data("floor"), "--credentials", home.secret("simulator_credentials")),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        yield json.loads(await process.stdout.readline())["url"]
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def _database(home: Home) -> AsyncIterator[aiopg.Connection]:
    """Connect without the password on any command line or in the environment."""
    url = urlsplit(home.secret("database_url").read_text().strip())
    connection = await aiopg.connect(
        host=url.hostname,
        port=url.port,
        user=url.username,
        password=url.password,
        dbname=url.path[1:],
        enable_hstore=False,
    )
    try:
        yield connection
    finally:
        await connection.close()


def run(folder: Path, count: int) -> list[Ratio]:
    return asyncio.run(measure(folder, count))
