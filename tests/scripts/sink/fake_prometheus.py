"""A small Prometheus on a free port: answers queries with what a test put there."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class FakePrometheus:
    """`everything`: the values for what no test put there; `failure`: the answer to all instead.

    While `held` is set, no query is answered.
    """

    url: str = ""
    everything: tuple[float, ...] = ()
    results: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    failure: Mapping[str, Any] | None = None
    asked: list[Mapping[str, str]] = field(default_factory=list)
    held: bool = False
    open_now: int = 0
    most_open: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def put(self, expression: str, *values: float | str | None, **labels: str) -> None:
        self.results.setdefault(expression, []).append(series(values, labels))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(dict(request.query))
        try:
            async with self.changed:
                self.open_now += 1
                self.most_open = max(self.most_open, self.open_now)
                self.changed.notify_all()
                await self.changed.wait_for(lambda: not self.held)
        finally:
            self.open_now -= 1
        if self.failure:
            return web.Response(**self.failure)
        otherwise = [series(self.everything, {})] if self.everything else []
        result = self.results.get(request.query["query"], otherwise)
        if request.path == "/api/v1/query":
            now = [{"metric": one["metric"], "value": one["values"][-1]} for one in result]
            return web.json_response({"status": "success", "data": {"resultType": "vector", "result": now}})
        return web.json_response({"status": "success", "data": {"resultType": "matrix", "result": result}})

    async def until_open(self, count: int) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: self.open_now >= count)

    async def release(self) -> None:
        async with self.changed:
            self.held = False
            self.changed.notify_all()


def series(values: Sequence[float | str | None], labels: Mapping[str, str]) -> dict[str, Any]:
    """Samples 15 s apart; the last is at the end of what the sink asks for; None leaves a gap."""
    last = 1772352000  # 2026-03-01 08:00 UTC, where the clock of these tests stands
    times = [last - 15 * back for back in reversed(range(len(values)))]
    samples = [[at, str(value)] for at, value in zip(times, values, strict=True) if value is not None]
    return {"metric": dict(labels), "values": samples}


@asynccontextmanager
async def running_prometheus() -> AsyncIterator[FakePrometheus]:
    fake = FakePrometheus()
    app = web.Application()
    app.router.add_get("/api/v1/query_range", fake.answer)
    app.router.add_get("/api/v1/query", fake.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield fake
    finally:
        await runner.cleanup()
