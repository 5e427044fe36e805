"""A server that answers as a test tells it to and keeps what it was asked: for what no simulator says."""

import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry

from bot.adapters.bingx import Access, BingX
from bot.domain.mode import Mode
from bot.metrics import instruments
from config.spec.load import load_metrics

CONFIG = Path(__file__).parents[2] / "config"
KEY, SECRET = "the-api-key", "the-secret-key"
PLACED = {"order": {"orderId": 7, "status": "PENDING"}}


@dataclass(slots=True, kw_only=True)
class Asked:
    method: str
    path: str
    parameters: dict[str, str]


Answer = Callable[[Asked], web.Response]


def good(data: Any, **more: Any) -> web.Response:
    return web.json_response({"code": 0, "msg": "", "data": data, **more})


def bad(code: int, text: str = "told so", status: int = 200) -> web.Response:
    return web.json_response({"code": code, "msg": text, "data": {}}, status=status)


def page(status: int) -> web.Response:
    return web.Response(status=status, text=f"<html>{status}</html>", content_type="text/html")


def dropped(asked: Asked) -> web.Response:
    raise ConnectionResetError


@dataclass(slots=True, kw_only=True)
class Stub:
    """`answer` says what each call gets; server time is answered without it."""

    url: str = ""
    answer: Answer = lambda asked: good({})
    asked: list[Asked] = field(default_factory=list)
    ahead: float = 0.0
    wall: Callable[[], float] = lambda: 0.0

    async def handle(self, request: web.Request) -> web.Response:
        raw = request.raw_path.partition("?")[2]
        pairs = parse_qsl(raw.replace("+", "%2B"), keep_blank_values=True)
        asked = Asked(method=request.method, path=request.path, parameters=dict(pairs))
        self.asked.append(asked)
        if request.path.endswith("/server/time"):
            return good({"serverTime": round((self.wall() + self.ahead) * 1000)})
        if "/quote/" not in request.path and "/ticker/" not in request.path:
            check_signature(pairs, request.headers)
        else:
            assert not {"X-BX-APIKEY", "signature"} & {*request.headers, *asked.parameters}
        try:
            return self.answer(asked)
        except ConnectionResetError:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()

    def paths(self) -> list[str]:
        return [each.path.rpartition("/")[2] for each in self.asked]


def check_signature(pairs: list[tuple[str, str]], headers: Any) -> None:
    *signed, (last, signature) = pairs
    raw = "&".join(f"{name}={value}" for name, value in signed)
    assert (last, headers["X-BX-APIKEY"]) == ("signature", KEY)
    assert signature == hmac.new(SECRET.encode(), raw.encode(), "sha256").hexdigest()
    assert "timestamp" in dict(signed)


@asynccontextmanager
async def stubbed(
    registry: CollectorRegistry, wall: Callable[[], float], clock: Callable[[], float]
) -> AsyncIterator[tuple[BingX, Stub]]:
    stub = Stub(wall=wall)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", stub.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    stub.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    access = Access(mode=Mode.SIMULATOR, base_url=stub.url, api_key=KEY, secret_key=SECRET, window=5)
    catalogue, _ = load_metrics(CONFIG)
    patience = aiohttp.ClientTimeout(total=5, sock_connect=1)
    try:
        async with aiohttp.ClientSession(timeout=patience) as session:
            yield BingX(session, access, instruments(catalogue, registry), wall, clock), stub
    finally:
        await runner.cleanup()


def rows_in(asked: Asked, rows: list[dict[str, Any]], *, newest_first: bool, end_counts: bool) -> list[Any]:
    """What an exchange tells of rows with a time: in its order, and no more than the limit."""
    start, end = int(asked.parameters["startTime"]), int(asked.parameters["endTime"])
    told = [row for row in rows if start <= row["time"] < end + end_counts]
    told.sort(key=lambda row: row["time"], reverse=newest_first)
    return json.loads(json.dumps(told[: int(asked.parameters["limit"])]))
