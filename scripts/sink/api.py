"""What people and drills ask the sink: the page, the notifications as JSON, the heartbeats, its health."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from scripts.sink.heartbeat import Monitor
from scripts.sink.markup import Frame
from scripts.sink.message import CHANNELS
from scripts.sink.pages import notifications_page
from scripts.sink.store import Query, Store

LONGEST_WAIT = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    store: Store
    monitor: Monitor
    frame: Frame
    now: Callable[[], datetime]
    listening: Callable[[], bool]

    async def page(self, request: web.Request) -> web.Response:
        channel = request.query.get("channel", "")
        beats = self.monitor.states()
        main = notifications_page(
            self.store.newest_first(),
            beats,
            now=self.now(),
            channel=channel if channel in CHANNELS else "",
            last_id=self.store.last_id,
        )
        missing = sum(beat["status"] == "missing" for beat in beats)
        title = "Notifications" if not missing else f"({missing} missing) Notifications"
        return self.frame.page(title, main, live=True)

    async def notifications(self, request: web.Request) -> web.Response:
        asked = request.query
        try:
            query = Query(
                after=int(asked.get("after", "0")),
                channel=asked.get("channel", ""),
                alertname=asked.get("alertname", ""),
                status=asked.get("status", ""),
            )
            seconds = float(asked.get("wait", "0"))
        except ValueError:
            return web.json_response({"error": "after and wait must be numbers"}, status=400)
        if not math.isfinite(seconds) or not 0 <= seconds <= LONGEST_WAIT:
            return web.json_response({"error": f"wait must be 0 to {LONGEST_WAIT:g} seconds"}, status=400)
        found = await self.store.wait(query, seconds)
        return web.json_response([notification.to_json() for notification in found])

    async def clear(self, request: web.Request) -> web.Response:
        await self.store.clear()
        return web.json_response({"status": "ok"})

    async def heartbeats(self, request: web.Request) -> web.Response:
        return web.json_response(self.monitor.states())

    async def health(self, request: web.Request) -> web.Response:
        if self.listening():
            return web.json_response({"status": "ok"})
        return web.json_response({"status": "a port is closed"}, status=503)
