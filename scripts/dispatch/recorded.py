"""The generated configuration for a recorder: all receivers are webhooks of one server that writes down."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml
from aiohttp import web

from config.spec.duration import Duration
from observability.dispatch.told import Labels, labels_of
from scripts.stack.ports import HOST

Config = dict[str, Any]
# So long that a timer which is late by a few milliseconds does not come after it.
ANSWER = timedelta(milliseconds=100)
_LONG = 20  # a repeat of more looks than this is not waited for
_SHORT = 3.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a real Alertmanager sent, as Notification has it."""

    at: datetime
    to: str
    group: Labels
    firing: frozenset[Labels]
    resolved: frozenset[Labels]


@dataclass(slots=True, kw_only=True)
class Recorder:
    """Takes every webhook, and answers after a while."""

    port: int = 0
    seen: list[Seen] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        at, body = datetime.now(UTC), await request.json()
        by_status: dict[str, set[Labels]] = {"firing": set(), "resolved": set()}
        for alert in body["alerts"]:
            by_status[alert["status"]].add(labels_of(alert["labels"]))
        self.seen.append(
            Seen(
                at=at,
                to=request.match_info["to"],
                group=labels_of(body["groupLabels"]),
                firing=frozenset(by_status["firing"]),
                resolved=frozenset(by_status["resolved"]),
            )
        )
        await asyncio.sleep(ANSWER.total_seconds())
        return web.Response()


@asynccontextmanager
async def recording() -> AsyncIterator[Recorder]:
    """Run a recorder for as long as the block lasts."""
    recorder = Recorder()
    app = web.Application()
    app.router.add_post("/{to:.+}", recorder.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, 0).start()
        recorder.port = int(runner.addresses[0][1])
        yield recorder
    finally:
        await runner.cleanup()


def for_recorder(config: str, port: int) -> str:
    """Return a configuration whose receivers are webhooks, and whose long repeats are short.

    Routes, groups, other timers, inhibition and time intervals stay. A repeat that takes many looks is cut
    to a few, as a test cannot wait for it.
    """
    data = yaml.safe_load(config)
    data.pop("templates", None)  # a webhook has a form of its own
    data["receivers"] = [_webhooks(receiver, port) for receiver in data["receivers"]]
    for route in (data["route"], *data["route"]["routes"]):
        look, repeat = Duration.parse(route["group_interval"]), Duration.parse(route["repeat_interval"])
        if "active_time_intervals" not in route and repeat.milliseconds > _LONG * look.milliseconds:
            route["repeat_interval"] = str(look.scaled(1 / _SHORT))
    return yaml.safe_dump(data, sort_keys=False)


def _webhooks(receiver: Mapping[str, Any], port: int) -> Config:
    """Return the receiver with a webhook for each integration, which is named as the model names it."""
    ends = [
        config["send_resolved"] for key in receiver if key.endswith("_configs") for config in receiver[key]
    ]
    name = receiver["name"]
    webhooks = [
        {"send_resolved": sends_end, "url": f"http://{HOST}:{port}/{name}/webhook/{index}"}
        for index, sends_end in enumerate(ends)
    ]
    return {"name": name, **({"webhook_configs": webhooks} if webhooks else {})}
