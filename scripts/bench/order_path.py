"""How long a signal over HTTP takes until its order is acknowledged, against the least that this can take.

The floor is one empty call to the bot, one row committed by an autocommit INSERT, and one signed order sent
straight to the simulator, one after the other, taken in turn with the real thing.
"""

import asyncio
import hashlib
import hmac
import secrets
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


async def measure(folder: Path, count: int) -> Ratio:
    """Run a whole stack in `folder` and place `count` orders, each beside its floor."""
    home = Home(path=folder, ports=Ports.free())
    async with running(home, lambda _: None), aiohttp.ClientSession() as session, _database(home) as database:
        floor = Floor(home, session, database)
        await floor.prepare()
        real, least = [], []
        for number in range(count + 20):
            real.append(await _timed_signal(home, session, number))
            least.append(await floor.timed())
    return Ratio(
        what="signal over HTTP to acknowledged order",
        floor_is="empty call + signed order + INSERT",
        seconds=real[20:],  # the first ones warm both up
        floor=least[20:],
    )


class Floor:
    """The least that placing an order can take."""

    def __init__(self, home: Home, session: aiohttp.ClientSession, database: aiopg.Connection) -> None:
        self._home, self._session, self._database = home, session, database
        self._key = home.secret("bingx_api_key").read_text().strip()
        self._secret = home.secret("bingx_secret_key").read_text().strip().encode()

    async def prepare(self) -> None:
        async with self._database.cursor() as cursor:
            await cursor.execute("CREATE TABLE floor (id text PRIMARY KEY, message text)")

    async def timed(self) -> float:
        name = secrets.token_hex(8)
        begin = time.perf_counter()
        async with self._session.get(self._home.url("bot", "/livez")) as answer:
            await answer.read()
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
            "symbol": "BTC-USDT",
            "timestamp": str(time.time_ns() // 1_000_000),
            "type": "LIMIT",
        }
        signed = "&".join(f"{key}={value}" for key, value in sorted(fields.items()))
        signature = hmac.new(self._secret, signed.encode(), hashlib.sha256).hexdigest()
        query = "&".join(f"{key}={quote(value, safe='')}" for key, value in sorted(fields.items()))
        url = self._home.url("simulator", f"/openApi/swap/v2/trade/order?{query}&signature={signature}")
        async with self._session.post(URL(url, encoded=True), headers={"X-BX-APIKEY": self._key}) as answer:
            body = await answer.json()
            if body["code"] != 0:
                raise RuntimeError(f"the simulator refused the floor's order: {body['code']} {body['msg']}")


async def _timed_signal(home: Home, session: aiohttp.ClientSession, number: int) -> float:
    token = home.secret("admin_token").read_text().strip()
    body = {"message": "BUY BTCUSDT 0.001", "source": "test", "execute": True, "id": f"bench-{number}"}
    begin = time.perf_counter()
    url, headers = home.url("bot", "/debug/signal"), {"Authorization": f"Bearer {token}"}
    async with session.post(url, json=body, headers=headers) as answer:
        told = await answer.json()
    seconds = time.perf_counter() - begin
    if told.get("order", {}).get("state") not in ("filled", "pending"):
        raise RuntimeError(f"the signal did not become an order: {told}")
    return seconds


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


def run(folder: Path, count: int) -> Ratio:
    return asyncio.run(measure(folder, count))
