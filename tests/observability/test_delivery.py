"""What a real Alertmanager does with the rendered routing, against what is computed: when, to whom, what not.

Everything runs twenty times as fast; a receiver's answer is real, and so the time for it is not divided.
"""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from config.spec.model import Project
from observability.compile import Request, compile_bundle
from observability.latency import ATTEMPT, budgets
from observability.scale import scaled
from observability.verify.tool import find
from observability.write import write

SCALE = 20  # so that group_interval of a warning is longer than group_wait and an answer together
SOURCE = "BotDown"


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


class Delivery:
    """A running Alertmanager with our routing, and the sink that plays every receiver."""

    def __init__(self, session: ClientSession, alertmanager: str, sink: str, project: Project) -> None:
        self.session, self.alertmanager, self.sink, self.project = session, alertmanager, sink, project
        self.seen: dict[str, int] = {}

    async def fire(self, alertname: str, severity: str, **labels: str) -> datetime:
        since = datetime.now(UTC)
        alert = {
            "labels": {"alertname": alertname, "severity": severity, **labels},
            "annotations": {"summary": f"{alertname} {labels}", "runbook": "page_test", "dashboard": "/"},
            "startsAt": since.isoformat(),
        }
        async with self.session.post(f"{self.alertmanager}/api/v2/alerts", json=[alert]) as answer:
            assert answer.status == 200, await answer.text()
        return since

    async def next(self, channel: str, alertname: str) -> tuple[datetime, str]:
        """Return when the next notification of an alert came, and its text."""
        wanted = {
            "after": str(self.seen.get(channel, 0)),
            "wait": "60",
            "channel": channel,
            "alertname": alertname,
        }
        async with self.session.get(f"{self.sink}/notifications", params=wanted) as answer:
            found: list[dict[str, Any]] = await answer.json()
        assert found, f"no {channel} about {alertname}"
        self.seen[channel] = found[0]["id"]
        return datetime.fromisoformat(found[0]["received_at"]), found[0]["text"]

    async def all_of(self, alertname: str) -> list[dict[str, Any]]:
        async with self.session.get(
            f"{self.sink}/notifications", params={"after": "0", "alertname": alertname}
        ) as answer:
            found: list[dict[str, Any]] = await answer.json()
            return found

    def bound(self, alertname: str, severity: str) -> float:
        """Return the computed worst case from firing to told, in seconds."""
        files = compile_bundle(Request(config_dir=Path("config"), time_scale=SCALE), tests=False).files
        found = [
            one.deliver.worst
            for one in budgets(self.project, files)
            if (one.alert.name, one.severity, one.environment) == (alertname, severity, "local")
        ]
        return found[0].seconds


@pytest.fixture
async def delivery(tmp_path: Path) -> AsyncIterator[Delivery]:
    sink_port, smtp_port, port = free_ports(3)
    sink, alertmanager = f"http://127.0.0.1:{sink_port}", f"http://127.0.0.1:{port}"
    (tmp_path / "key").write_text("0123456789abcdef0123456789abcdef\n")
    (tmp_path / "aws").write_text("[tradewatch]\naws_access_key_id = a\naws_secret_access_key = b\n")
    values = {
        "page": {"url": f"{sink}/pagerduty/v2/enqueue", "routing_key_file": str(tmp_path / "key")},
        "sms": {"url": f"{sink}/sns/"},
        "mail": {"smarthost": f"127.0.0.1:{smtp_port}"},
        "heartbeat": {"url": f"{sink}/heartbeat/test"},
    }
    request = Request(
        config_dir=Path("config"),
        environment="local",
        time_scale=SCALE,
        values={"local": {"receivers": values}},
    )
    outcome = compile_bundle(request, tests=False)
    assert outcome.project is not None
    assert outcome.files, outcome.problems
    write(tmp_path / "made", outcome.files)
    environment = {
        **os.environ,
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "aws"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    log = (tmp_path / "log").open("w")
    processes = [
        await asyncio.create_subprocess_exec(*command, env=environment, stdout=log, stderr=log)
        for command in (
            (
                sys.executable, "-m", "scripts.sink", f"--port={sink_port}", f"--smtp-port={smtp_port}",
                f"--state={tmp_path / 'sink'}",
            ),
            (
                find("alertmanager"), f"--config.file={tmp_path / 'made/local/alertmanager.yml'}",
                f"--storage.path={tmp_path / 'data'}", f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
            ),
        )
    ]  # fmt: skip
    async with ClientSession() as session:
        for url in (f"{sink}/health", f"{alertmanager}/-/ready"):
            await _until_ready(session, url)
        yield Delivery(session, alertmanager, sink, scaled(outcome.project, SCALE))
    for process in processes:
        process.terminate()
        await process.wait()
    log.close()


async def _until_ready(session: ClientSession, url: str) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                pass
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("alertname", "severity", "channels"),
    [
        ("HighOrderFailureRate", "critical", ("pagerduty", "sns")),
        ("HighMemoryUsage", "warning", ("email",)),
    ],
)
async def test_a_first_alert_and_one_that_joins_it_are_told_within_the_computed_bound(
    delivery: Delivery, alertname: str, severity: str, channels: tuple[str, ...]
) -> None:
    bound = delivery.bound(alertname, severity)
    assert bound > ATTEMPT.seconds
    fired = await delivery.fire(alertname, severity, instance="first")
    for channel in channels:
        told, _ = await delivery.next(channel, alertname)
        assert (told - fired).total_seconds() <= bound
    # The group exists from now on: group_wait is no longer asked, group_interval is.
    fired = await delivery.fire(alertname, severity, instance="second")
    told, text = await delivery.next(channels[0], alertname)
    assert "second" in text
    assert (told - fired).total_seconds() <= bound


async def test_what_is_explained_by_a_graver_alert_is_not_told(delivery: Delivery) -> None:
    silenced = "BotNotReady"
    await delivery.fire(SOURCE, "critical", job="bot")
    await delivery.next("pagerduty", SOURCE)
    await delivery.fire(silenced, "critical")
    await delivery.fire("HighOrderFailureRate", "warning")
    await delivery.fire("PageTest", "warning")  # the last to be told, of those that are
    await delivery.next("email", "PageTest")
    assert await delivery.all_of(silenced) == []
    assert await delivery.all_of("HighOrderFailureRate") == []
