"""Every signal that a drill sends is answered, and what the book has besides is seen."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
from aiohttp import web

from config.spec.duration import Duration
from config.spec.load import load_project
from scripts.drill.faults import FAULTS
from scripts.drill.scenario import Scenario
from scripts.drill.verdict import Drill
from scripts.drill.world import World
from scripts.stack.home import ROOT, Home
from scripts.stack.ports import HOST, Ports


class Exchange:
    """Bot and simulator in one: an order is in the book at once, its answer waits for `may_answer`."""

    def __init__(self) -> None:
        self.book: list[str] = []
        self.is_taken, self.may_answer = asyncio.Event(), asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        name = (await request.json())["id"]
        self.book.append(name)
        self.is_taken.set()
        await self.may_answer.wait()
        return web.json_response({"order": {"client_id": name, "state": "filled"}})

    async def show(self, _: web.Request) -> web.Response:
        return web.json_response([{"clientOrderId": name} for name in self.book])


@asynccontextmanager
async def world_of(exchange: Exchange, folder: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        app = web.Application()
        app.router.add_post("/debug/signal", exchange.take)
        app.router.add_get("/control/orders", exchange.show)
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


async def test_the_signal_on_its_way_at_the_end_of_the_traffic_is_waited_for(tmp_path: Path) -> None:
    exchange = Exchange()
    async with world_of(exchange, tmp_path) as world:
        async with world.traffic(Duration(1)):
            await exchange.is_taken.wait()
            asyncio.get_running_loop().call_later(0.01, exchange.may_answer.set)
        assert [answer["order"]["client_id"] for answer in world.answers] == exchange.book


async def test_a_long_pause_between_signals_does_not_hold_up_the_end(tmp_path: Path) -> None:
    exchange = Exchange()
    exchange.may_answer.set()
    async with world_of(exchange, tmp_path) as world, asyncio.timeout(60):
        async with world.traffic(Duration(3_600_000)):
            await exchange.is_taken.wait()
        assert len(world.answers) == 1


async def test_an_order_that_no_signal_asked_for_fails_the_drill_and_is_counted(tmp_path: Path) -> None:
    exchange = Exchange()
    exchange.may_answer.set()
    project, _, _ = load_project(ROOT / "config")
    assert project is not None
    drill = Drill(alert="HighOrderFailureRate", time_scale=60)
    async with world_of(exchange, tmp_path) as world:
        await world.send_signal()
        exchange.book.append("somebody's")
        scenario = Scenario(
            project=project,
            alert=project.alerts[drill.alert],
            fault=FAULTS[drill.alert],
            scale=60,
            world=world,
            drill=drill,
            say=lambda _: None,
        )
        await scenario._nothing_lost()
    assert not drill.passed
    assert drill.steps[0].seen == "1 signals, 1 taken, 2 in the book, 0 doubled, 0 lost, 1 foreign"
