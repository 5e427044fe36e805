"""A running sink on free ports, with a clock that only the test moves."""

import smtplib
from asyncio import to_thread
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession

from scripts.sink.app import Options, Sink, running
from tests.scripts.sink.fake_prometheus import FakePrometheus, running_prometheus


@dataclass
class Clock:
    """Wall clock and monotonic clock that move together."""

    seconds: float = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2026, 3, 1, 8, 0, tzinfo=UTC) + timedelta(seconds=self.seconds - 1000)


@dataclass
class Desk:
    """What a test holds: the sink, a client for it, what it told on stderr."""

    sink: Sink
    client: ClientSession
    clock: Clock
    told: list[str] = field(default_factory=list)

    async def get(self, path: str) -> ClientResponse:
        return await self.client.get(path, allow_redirects=False)

    async def notifications(self, query: str = "") -> list[dict[str, Any]]:
        answer = await self.client.get(f"/notifications?{query}")
        found: list[dict[str, Any]] = await answer.json()
        return found

    async def text(self, path: str) -> str:
        return await (await self.get(path)).text()

    async def shown(self, path: str) -> str:
        answer = await self.get(path)
        assert answer.status == 200
        return await answer.text()

    async def page(self, event: Mapping[str, Any]) -> ClientResponse:
        return await self.client.post("/pagerduty/v2/enqueue", json=event)

    async def sms(self, **form: str) -> ClientResponse:
        return await self.client.post("/sns/", data=form)

    async def mail(self, mail: EmailMessage) -> None:
        def send() -> None:
            with smtplib.SMTP("127.0.0.1", self.sink.smtp_port) as server:
                server.send_message(mail)

        await to_thread(send)


@pytest.fixture
def options(tmp_path: Path) -> Options:
    return Options(
        state=tmp_path / "state",
        port=0,
        smtp_port=0,
        runbooks=tmp_path / "runbooks",
        dashboards=tmp_path / "dashboards",
        prometheus="http://prometheus.example:9090",
    )


@pytest.fixture
async def prometheus() -> AsyncIterator[FakePrometheus]:
    async with running_prometheus() as fake:
        yield fake


@pytest.fixture
async def desk(options: Options) -> AsyncIterator[Desk]:
    clock = Clock()
    told: list[str] = []
    async with (
        running(options, tell=told.append, now=clock.now, clock=clock.monotonic) as sink,
        ClientSession(f"http://127.0.0.1:{sink.port}") as client,
    ):
        yield Desk(sink=sink, client=client, clock=clock, told=told)
