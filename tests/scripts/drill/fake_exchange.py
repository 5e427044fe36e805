"""Bot and simulator as a drill meets them, without any of the real programs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from scripts.drill.world import World
from scripts.stack.home import Home
from scripts.stack.ports import HOST, Ports


class Exchange:
    """Bot and simulator in one: an order is in the book at once, its answer waits for `may_answer`.

    With `deaf` it forgets every fault that it is told; of the others it knows the rejection.
    """

    def __init__(self, deaf: bool = False) -> None:
        self.book: list[str] = []
        self.faults: dict[str, Any] = {}
        self.deaf = deaf
        self.is_taken, self.may_answer = asyncio.Event(), asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        name = (await request.json())["id"]
        if refusal := self.faults.get("reject_orders"):
            order = {"client_id": name, "state": "rejected", "reason": refusal["msg"]}
            return web.json_response({"order": order})
        self.book.append(name)
        self.is_taken.set()
        await self.may_answer.wait()
        return web.json_response({"order": {"client_id": name, "state": "filled"}})

    async def show(self, _: web.Request) -> web.Response:
        return web.json_response([{"clientOrderId": name} for name in self.book])

    async def break_down(self, request: web.Request) -> web.Response:
        self.faults |= {} if self.deaf else await request.json()
        return web.json_response({})

    async def mend(self, _: web.Request) -> web.Response:
        self.faults.clear()
        return web.json_response({})


@asynccontextmanager
async def world_of(exchange: Exchange, folder: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        app = web.Application()
        app.router.add_post("/debug/signal", exchange.take)
        app.router.add_get("/control/orders", exchange.show)
        app.router.add_post("/control/faults", exchange.break_down)
        app.router.add_delete("/control/faults", exchange.mend)
        runner = web.AppRunner(app)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, HOST, 0)
        await site.start()
        port = runner.addresses[0][1]
        home = Home(path=folder, ports=replace(Ports(), bot=port, simulator=port))
        home.secret("admin_token").parent.mkdir()
        home.secret("admin_token").write_text("token\n")
        yield World(home, await stack.enter_async_context(aiohttp.ClientSession()))
