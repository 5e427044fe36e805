"""A marked page through a real Alertmanager: who took it, who did not, and that it is resolved."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from observability.__main__ import main
from observability.verify.tool import find
from tests.bundle_of import BUNDLE

CONFIG = """\
route:
  receiver: critical
  group_by: [alertname]
  group_wait: 0s
  group_interval: 1s
  routes:
    - {{receiver: heartbeat, matchers: ['alertname="Watchdog"'], repeat_interval: 1s}}
    - {{receiver: critical, matchers: ['severity="critical"']}}
    - {{receiver: warning, matchers: ['severity="warning"']}}
receivers:
  - name: critical
    pagerduty_configs: [{{url: "{good}", routing_key: one}}]
  - name: warning
    pagerduty_configs: [{{url: "{warning}", routing_key: two}}]
  - name: heartbeat
    webhook_configs: [{{url: "{good}", send_resolved: false}}]
"""


class People:
    """A pager, and one that refuses: PagerDuty's Events API, as far as Alertmanager looks at the answer."""

    def __init__(self) -> None:
        self.got: asyncio.Queue[Any] = asyncio.Queue()

    async def take(self, request: web.Request) -> web.Response:
        await self.got.put(await request.json())
        return web.json_response({"status": "success"}, status=202)

    async def refuse(self, request: web.Request) -> web.Response:
        return web.Response(status=400)

    async def next(self, action: str) -> Any:
        async with asyncio.timeout(30):
            while (told := await self.got.get())["event_action"] != action:
                pass
        return told


@pytest.fixture
async def people() -> AsyncIterator[tuple[People, str]]:
    someone = People()
    app = web.Application()
    app.add_routes([web.post("/good", someone.take), web.post("/bad", someone.refuse)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield someone, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@pytest.fixture
async def alertmanager(
    people: tuple[People, str], tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[str]:
    """A real Alertmanager whose warnings go where the test says; the address of it."""
    config, address = tmp_path / "alertmanager.yml", f"127.0.0.1:{free_port()}"
    config.write_text(CONFIG.format(good=f"{people[1]}/good", warning=f"{people[1]}/{request.param}"))
    process = await asyncio.create_subprocess_exec(
        find("alertmanager"), f"--config.file={config}", f"--storage.path={tmp_path}/data",
        f"--web.listen-address={address}", "--cluster.listen-address=",
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    said: list[str] = []
    while not any("Listening on" in line for line in said):
        line = (await process.stderr.readline()).decode()
        assert line, "".join(said)
        said.append(line)
    drain = asyncio.create_task(process.stderr.read())
    yield f"http://{address}"
    process.terminate()
    await process.wait()
    await drain


def page_test(address: str, *arguments: str) -> Any:
    called = ["page-test", "--config", str(BUNDLE / "config"), "--alertmanager", address, *arguments]
    return asyncio.to_thread(main, called)


@pytest.mark.parametrize("alertmanager", ["good"], indirect=True)
async def test_who_took_it_is_told_and_it_is_resolved(
    alertmanager: str, people: tuple[People, str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert await page_test(alertmanager, "--severity", "critical", "--severity", "warning") == 0
    said = capfd.readouterr().out
    assert said.count("pagerduty: took it after") == 2
    assert "2 of 2 receivers took it" in said
    fired = await people[0].next("trigger")
    resolved = await people[0].next("resolve")
    assert "PageTest" in fired["payload"]["summary"]
    assert "TEST of paging by " in str(fired["payload"]["custom_details"]["firing"])
    assert fired["dedup_key"] == resolved["dedup_key"]


@pytest.mark.parametrize("alertmanager", ["bad"], indirect=True)
async def test_a_receiver_that_refuses_fails_the_test_and_is_named(
    alertmanager: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert await page_test(alertmanager, "--severity", "critical", "--severity", "warning") == 1
    said = capfd.readouterr().out
    critical, _, warning = said.partition("warning: asking pagerduty")
    assert "pagerduty: took it after" in critical
    assert "pagerduty: DID NOT TAKE IT" in warning
    assert "1 of 2 receivers took it" in said


@pytest.mark.parametrize("alertmanager", ["good"], indirect=True)
async def test_a_heartbeat_that_does_not_beat_fails_the_test(
    alertmanager: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("observability.page_test._ATTEMPT", 1.0)
    assert await page_test(alertmanager) == 1
    _, _, heartbeat = capfd.readouterr().out.partition("heartbeat: ")
    assert "webhook: DID NOT TAKE IT: was not asked within 3 s" in heartbeat


def test_an_alertmanager_that_is_not_there_and_a_severity_that_is_none_are_wrong_usage(
    capsys: pytest.CaptureFixture[str],
) -> None:
    called = ["page-test", "--config", str(BUNDLE / "config")]
    assert main([*called, "--alertmanager", f"http://127.0.0.1:{free_port()}"]) == 2
    assert "cannot be reached: [Errno 111] Connection refused" in capsys.readouterr().err
    assert main([*called, "--alertmanager", "nonsense"]) == 2
    assert "cannot be reached" in capsys.readouterr().err
    assert main([*called, "--severity", "info"]) == 2
    assert json.dumps("info").strip('"') in capsys.readouterr().err
