"""The demo traffic of `make check-live`, and what it waits for before anything is asked."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from config.spec.load import load_project
from scripts.check_live import _settled, _traffic
from scripts.drill.world import HarnessError, World
from scripts.stack.home import ROOT, Home
from scripts.stack.ports import HOST, Ports


class Stack:
    """Bot, exchange and Prometheus in one; from its query number `true_at` on, all is true."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.is_refusing = False
        self.rejects = True
        self.queries: list[str] = []
        self.true_at = 0

    async def signal(self, request: web.Request) -> web.Response:
        asked = await request.json()
        is_again, message = asked["id"] in self.seen, asked["message"]
        self.seen.add(asked["id"])
        if "USDT" not in message:
            return web.json_response({"duplicate": False, "verdict": "ignored", "order": None}, status=422)
        if "SELL" in message:
            return web.json_response({"duplicate": False, "verdict": "unreadable", "order": None}, status=422)
        if "NOSUCH" in message:
            return web.json_response({"duplicate": False, "verdict": "refused", "order": None}, status=422)
        state = "rejected" if self.is_refusing and self.rejects else "filled"
        return web.json_response({"duplicate": is_again, "verdict": "accepted", "order": {"state": state}})

    async def fault(self, request: web.Request) -> web.Response:
        self.is_refusing = request.method == "POST"
        return web.json_response({})

    async def query(self, request: web.Request) -> web.Response:
        self.queries.append(request.query["query"])
        found: list[object] = [{}] if len(self.queries) >= self.true_at else []
        return web.json_response({"data": {"result": found}})


@asynccontextmanager
async def world_of(stack: Stack, folder: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as exits:
        app = web.Application()
        app.router.add_post("/debug/signal", stack.signal)
        app.router.add_route("*", "/control/faults", stack.fault)
        app.router.add_get("/api/v1/query", stack.query)
        runner = web.AppRunner(app)
        await runner.setup()
        exits.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, HOST, 0).start()
        port = runner.addresses[0][1]
        home = Home(path=folder, ports=replace(Ports(), bot=port, simulator=port, prometheus=port))
        home.secret("admin_token").parent.mkdir()
        home.secret("admin_token").write_text("token\n")
        yield World(home, await exits.enter_async_context(aiohttp.ClientSession()))


async def test_every_verdict_happens_and_three_orders_fail_in_a_row(tmp_path: Path) -> None:
    stack, said = Stack(), list[str]()
    async with world_of(stack, tmp_path) as world:
        await _traffic(world, said.append)
    became = "taken, duplicate, refused, ignored, unreadable, rejected, rejected, rejected"
    assert said == [f"demo traffic: {became}"]
    assert not stack.is_refusing


async def test_traffic_that_became_something_else_proves_nothing(tmp_path: Path) -> None:
    stack = Stack()
    stack.rejects = False
    async with world_of(stack, tmp_path) as world:
        with pytest.raises(HarnessError, match="unreadable, taken, taken, taken; expected taken, duplicate"):
            await _traffic(world, lambda _: None)


async def test_the_scrape_is_waited_for_and_then_the_rules(tmp_path: Path) -> None:
    project, _, _ = load_project(ROOT / "config")
    assert project is not None
    stack = Stack()
    stack.true_at = 3
    async with world_of(stack, tmp_path) as world:
        await _settled(world, project.scrape)
    *scrapes, evaluations = [query.partition(" > ") for query in stack.queries]
    assert [query for query, _, _ in scrapes] == ["min(timestamp(up))"] * 3
    assert evaluations[0] == "min(prometheus_rule_group_last_evaluation_timestamp_seconds)"
    # Two evaluations after the scrape: the second one reads what the first one recorded.
    assert float(evaluations[2]) >= float(scrapes[0][2]) + project.scrape.evaluation_interval.seconds
