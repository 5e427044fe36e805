"""The HTTP doors of PagerDuty, Amazon SNS, webhooks and heartbeats."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from aiohttp import web

from scripts.sink.body import BodyError, json_object
from scripts.sink.heartbeat import Monitor
from scripts.sink.message import Message
from scripts.sink.pagerduty import event_errors, read_event
from scripts.sink.sns import RefusedError, answer_xml, error_xml, read_publish
from scripts.sink.store import Query, Store
from scripts.sink.webhook import read_webhook


@dataclass(frozen=True, slots=True, kw_only=True)
class Receivers:
    store: Store
    monitor: Monitor
    tell: Callable[[str], None]

    async def pagerduty(self, request: web.Request) -> web.Response:
        try:
            event = json_object(await request.read())
            errors = event_errors(event)
        except BodyError as error:
            event, errors = {}, [str(error)]
        if errors:
            self.tell(f"refused a PagerDuty event: {'; '.join(errors)}")
            refusal = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
            return web.json_response(refusal, status=400)
        event["dedup_key"] = event.get("dedup_key") or uuid.uuid4().hex
        await self.store.add(self._recalled(read_event(event)))
        answer = {"status": "success", "message": "Event processed", "dedup_key": event["dedup_key"]}
        return web.json_response(answer, status=202)

    async def sns(self, request: web.Request) -> web.Response:
        identity = str(uuid.uuid4())
        form = {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
        try:
            await self.store.add(read_publish(form))
        except RefusedError as error:
            self.tell(f"refused an SNS request: {error}")
            return web.Response(status=400, text=error_xml(error, identity), content_type="text/xml")
        return web.Response(text=answer_xml(str(uuid.uuid4()), identity), content_type="text/xml")

    async def webhook(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        try:
            await self.store.add(read_webhook(name, json_object(await request.read())))
        except BodyError as error:
            self.tell(f"refused a webhook for {name}: {error}")
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"status": "ok"})

    async def heartbeat(self, request: web.Request) -> web.Response:
        await self.monitor.beat(request.match_info["name"])
        return web.json_response({"status": "ok"})

    def _recalled(self, message: Message) -> Message:
        """An event that only names its incident (a bare resolve) is of the alert that opened it."""
        if message.alertname:
            return message
        for earlier in reversed(self.store.select(Query(channel="pagerduty"))):
            if earlier.message.alertname and earlier.message.raw.get("dedup_key") == message.raw["dedup_key"]:
                known = earlier.message
                return replace(
                    message, alertname=known.alertname, severity=message.severity or known.severity
                )
        return message
