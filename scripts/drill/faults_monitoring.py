"""Faults of what watches: Prometheus, Alertmanager and the ways to people."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import aiohttp

from config.spec.duration import Duration
from scripts.drill.fault import ByHand, Daily, Fault, Script
from scripts.drill.processes import process_of
from scripts.drill.services import control
from scripts.drill.world import HarnessError, World, until

_MINUTE = 60_000
_READY_SECONDS = 30.0
_AWAY_MINUTES = 4
# Two series on one side of a comparison that wants one.
_BROKEN_RULE = """groups:
- name: drill
  rules:
  - record: drill:broken
    expr: up * on () group_left () up
"""
TEST_PAGE = "DrillPage"
HEARTBEAT_MISSING = "HeartbeatMissing"  # what the sink tells, as whoever minds the heartbeat does


@asynccontextmanager
async def pages_refused(world: World) -> AsyncIterator[str]:
    """The key of the pages is wrong, and pages are due: each is refused for good."""
    key = world.home.secret("pagerduty_routing_key")
    was = key.read_text("utf-8")
    over = asyncio.Event()
    key.unlink()

    async def page() -> None:
        number = 0
        while not over.is_set():
            number += 1
            await _alert(world, str(number))
            with suppress(TimeoutError):
                async with asyncio.timeout(60 / world.home.time_scale):
                    await over.wait()

    task = asyncio.create_task(page())
    try:
        yield "the file with the key of the pages is gone, and a page is due each minute"
    finally:
        key.write_text(was, "utf-8")
        key.chmod(0o600)
        over.set()
        await task


async def _alert(world: World, number: str) -> None:
    """Give Alertmanager an alert that pages, and that is over soon."""
    now = datetime.now(UTC)
    labels = {"alertname": TEST_PAGE, "severity": "critical", "number": number}
    text = dict.fromkeys(("summary", "description", "value"), "a page of the drill")
    alert = {
        "labels": labels,
        "annotations": text,
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(seconds=60 / world.home.time_scale)).isoformat(),
    }
    url = world.home.url("alertmanager", "/api/v2/alerts")
    await world.call("POST", url, json=[alert])


@asynccontextmanager
async def alertmanager_was_away(world: World) -> AsyncIterator[str]:
    """Alertmanager was stopped for four minutes, and runs again: what it missed is missed."""
    said = await control(world, "stop", "alertmanager")
    if "stopped" not in said:
        raise HarnessError(f"alertmanager was not stopped: {said}")
    await asyncio.sleep(max(_AWAY_MINUTES * 60 / world.home.time_scale, 10))
    await control(world, "start", "alertmanager")

    async def is_back() -> bool | None:
        with suppress(aiohttp.ClientError):
            await world.call("GET", world.home.url("alertmanager", "/-/ready"))
            return True
        return None

    if await until(is_back, _READY_SECONDS) is None:
        raise HarnessError("alertmanager did not come back")
    [lost] = await world.query("sum(prometheus_notifications_errors_total)")
    yield f"Alertmanager was away; Prometheus counts {lost['value'][1]} alerts that it could not hand over"


@asynccontextmanager
async def rule_broken(world: World) -> AsyncIterator[str]:
    """Somebody wrote a rule that finds two series where it wants one, and had it loaded."""
    file = world.home.config / "rules" / "drill.yml"
    file.write_text(_BROKEN_RULE, "utf-8")
    try:
        await _reload(world, "prometheus")
        yield "a rule that finds two series where it wants one is loaded"
    finally:
        file.unlink()
        await _reload(world, "prometheus")


@asynccontextmanager
async def prometheus_stands_still(world: World) -> AsyncIterator[str]:
    """Prometheus stands still for a while, again and again, as on a machine that lacks memory."""
    process = process_of(world.home, "prometheus")

    async def pause() -> None:
        os.kill(process, signal.SIGSTOP)
        try:
            await asyncio.sleep(150 / world.home.time_scale)
        finally:
            os.kill(process, signal.SIGCONT)

    async def go_on() -> None:
        while True:
            await asyncio.sleep(150 / world.home.time_scale)
            await pause()

    await pause()
    task = asyncio.create_task(go_on())
    try:
        yield "Prometheus stands still for two minutes and a half in each five"
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def configuration_refused(world: World) -> AsyncIterator[str]:
    """Somebody wrote a mistake into Alertmanager's configuration, and had it loaded."""
    file = world.home.config / "local" / "alertmanager.yml"
    was = file.read_text("utf-8")
    file.write_text(was.replace("receivers:", "recievers:", 1), "utf-8")
    try:
        said = await _reload(world, "alertmanager")
        if not said:
            raise HarnessError("Alertmanager took a configuration that it should refuse")
        yield said[:120]
    finally:
        # What a person writes right; the runbook has it loaded.
        file.write_text(was, "utf-8")


async def _reload(world: World, program: str) -> str:
    """Have a program read its files again; return what it complains of."""
    try:
        await world.call("POST", world.home.url(program, "/-/reload"))
    except aiohttp.ClientError as error:
        return str(error)
    return ""


FAULTS: Mapping[str, Fault | Daily] = {
    "NotificationsFailing": Fault(
        what="the key of the pages is lost, and a page is due each minute",
        cause=pages_refused,
        mend=(
            ByHand(
                does="writes the key anew",
                because="the key is the operator's",
                finds="pagerduty",
            ),
        ),
        level="warning",
        beside={TEST_PAGE: "these are the pages that are due"},
        over_within=Duration(40 * _MINUTE),
        every=Duration(5 * _MINUTE),
    ),
    "AlertsNotDelivered": Fault(
        what="Alertmanager was away for four minutes",
        cause=alertmanager_was_away,
        mend=(
            ByHand(
                does="looks whether an alert was missed",
                because="what was lost is known to nobody; the alert looks back fifteen minutes",
                finds="Alertmanager",
            ),
        ),
        over_within=Duration(20 * _MINUTE),
        every=Duration(5 * _MINUTE),
        beside={HEARTBEAT_MISSING: "meanwhile nobody hears of the heartbeat"},
    ),
    "RuleEvaluationFailing": Fault(
        what="a rule finds two series where it wants one",
        cause=rule_broken,
        mend=(
            ByHand(
                does="takes the rule away again",
                because="what a rule should say only its author knows",
                finds="drill",
            ),
        ),
        over_within=Duration(20 * _MINUTE),
        every=Duration(5 * _MINUTE),
    ),
    "RulesLate": Fault(
        what="Prometheus stands still, again and again",
        cause=prometheus_stands_still,
        mend=(
            ByHand(
                does="gives the machine what it lacks",
                because="what slows the machine only a person can take away",
                finds="late|left out",
            ),
        ),
        misses_evaluations=True,
        over_within=Duration(20 * _MINUTE),
        every=Duration(5 * _MINUTE),
    ),
    "ConfigReloadFailed": Fault(
        what="Alertmanager's new configuration has a mistake",
        cause=configuration_refused,
        mend=(
            ByHand(
                does="writes the file right",
                because="what it should say only its author knows",
                finds="refused its new configuration",
            ),
            Script(),
        ),
        every=Duration(5 * _MINUTE),
    ),
}
