"""Heartbeats: silence is noticed after the time agreed, said once, and its end is said too."""

import asyncio
from typing import Any

import pytest
from aiohttp import ClientSession

from scripts.sink.app import Options, running


async def test_beats_in_time_raise_nothing(desk: Any) -> None:
    for _ in range(5):
        assert (await desk.client.post("/heartbeat/watchdog", json={})).status == 200
        desk.clock.seconds += 179
        await desk.sink.monitor.check()
    assert await desk.notifications() == []
    [beat] = await (await desk.get("/heartbeats")).json()
    assert beat == {
        "name": "watchdog",
        "status": "ok",
        "beats": 5,
        "last_beat_at": "2026-03-01T08:11:56.000000Z",
        "silent_seconds": 179.0,
        "expected_seconds": 180.0,
    }


async def test_silence_is_said_once_and_its_end_too(desk: Any) -> None:
    await desk.get("/heartbeat/watchdog")
    desk.clock.seconds += 180
    await desk.sink.monitor.check()
    await desk.sink.monitor.check()
    [missing] = await desk.notifications()
    assert (missing["channel"], missing["to"], missing["status"]) == ("heartbeat", "watchdog", "firing")
    assert (missing["alertname"], missing["severity"]) == ("HeartbeatMissing", "critical")
    assert desk.told == [
        "heartbeat watchdog is missing: last beat 2026-03-01T08:00:00.000000Z, expected every 180 s"
    ]
    assert 'role="alert"' in await desk.text("/")

    await desk.get("/heartbeat/watchdog")
    await desk.get("/heartbeat/watchdog")
    [_, back] = await desk.notifications()
    assert (back["status"], back["alertname"]) == ("resolved", "HeartbeatMissing")
    assert 'role="alert"' not in await desk.text("/")


async def test_a_name_that_never_beat_is_not_expected(desk: Any) -> None:
    desk.clock.seconds += 1_000_000
    await desk.sink.monitor.check()
    assert await desk.notifications() == []


@pytest.mark.parametrize("name", ["a%2Fb", "a%20b", "x" * 65])
async def test_a_strange_name_is_not_found(desk: Any, name: str) -> None:
    assert (await desk.get(f"/heartbeat/{name}")).status == 404


async def test_a_missing_heartbeat_is_still_missing_after_a_restart(options: Options, desk: Any) -> None:
    await desk.get("/heartbeat/watchdog")
    desk.clock.seconds += 200
    await desk.sink.monitor.check()
    clock = desk.clock
    clock.seconds += 50
    async with running(options, tell=desk.told.append, now=clock.now, clock=clock.monotonic) as again:
        [state] = again.monitor.states()
        assert (state["status"], state["silent_seconds"]) == ("missing", 250.0)
        await again.monitor.beat("watchdog")
        assert again.monitor.states()[0]["status"] == "ok"
        newest = next(again.store.newest_first())
        assert newest.message.status == "resolved"


async def test_the_watcher_notices_by_itself(options: Options) -> None:
    """With the real clock and a short time: the long poll returns when the watcher speaks."""
    quick = Options(state=options.state, port=0, smtp_port=0, heartbeat_expect=0.05)
    told = asyncio.Queue[str]()
    async with (
        running(quick, tell=told.put_nowait) as sink,
        ClientSession(f"http://127.0.0.1:{sink.port}") as client,
    ):
        await client.post("/heartbeat/watchdog")
        [missing] = await (await client.get("/notifications?channel=heartbeat&wait=30")).json()
        assert missing["status"] == "firing"
        assert (await told.get()).startswith("heartbeat watchdog is missing")
