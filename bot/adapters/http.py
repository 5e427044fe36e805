"""The bot over HTTP: health, status and metrics for anybody here, orders and the switch with the token."""

import asyncio
import re
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest

from bot.adapters import http_config, http_operator, http_status
from bot.adapters import http_views as views
from bot.adapters.http_requests import RequestError, answer, check_token, read_object
from bot.adapters.http_views import About
from bot.desk import Desk, is_ready
from bot.domain import signal as signals
from bot.domain.reason import Verdict
from bot.intake import decide, on_signal
from bot.log import Log
from bot.ports import Incoming, OutcomeUnknown, SignalRow, TryAgain

LARGEST_BODY = 64 * 1024
SHOWN_SIGNALS = 10
DATABASE_PATIENCE = 1.0  # seconds; without the database there is less to show, but not nothing
_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_KEYS = frozenset({"message", "source", "execute", "id"})
_EXAMPLE = '{"message": "BUY BTCUSDT 0.1", "source": "test"}'
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The body of POST /debug/signal, checked."""

    message: str
    source: str
    execute: bool
    id: str


def make_app(desk: Desk, about: About, registry: CollectorRegistry, log: Log) -> web.Application:
    app = web.Application(client_max_size=LARGEST_BODY, middlewares=[_errors_as_json(log)])

    async def health(_: web.Request) -> web.Response:
        return answer(views.health(desk), 200 if is_ready(desk) else 503)

    async def livez(_: web.Request) -> web.Response:
        return answer({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        ready = is_ready(desk)
        return answer({"ready": ready}, 200 if ready else 503)

    async def status(_: web.Request) -> web.Response:
        return answer(await read_status(desk, about))

    async def config(_: web.Request) -> web.Response:
        return answer(http_config.shown(about))

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": _METRICS_TYPE})

    async def debug_signal(request: web.Request) -> web.Response:
        asked = _asked(await read_object(request, _KEYS, _EXAMPLE), about)
        if not asked.execute:
            return _previewed(desk, asked)
        check_token(request, about.admin_token, "execute")
        return await _executed(desk, asked)

    async def trading(request: web.Request) -> web.Response:
        check_token(request, about.admin_token, "POST /trading")
        return await http_operator.trading(request, desk)

    async def adopt(request: web.Request) -> web.Response:
        check_token(request, about.admin_token, "POST /adopt")
        return await http_operator.adoption(request, desk)

    app.router.add_get("/health", health)
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/status", status)
    app.router.add_get("/config", config)
    app.router.add_get("/metrics", metrics)
    app.router.add_post("/debug/signal", debug_signal)
    app.router.add_post("/trading", trading)
    app.router.add_post("/adopt", adopt)
    return app


async def read_status(desk: Desk, about: About) -> dict[str, Any]:
    now = datetime.now(UTC)
    try:
        async with asyncio.timeout(DATABASE_PATIENCE):
            counts = await desk.store.counts()
            rows = await desk.store.latest(SHOWN_SIGNALS)
    except (TryAgain, TimeoutError):
        return http_status.status(desk, about, now, None, [])
    return http_status.status(desk, about, now, counts, rows)


def _asked(body: dict[str, Any], about: About) -> Asked:
    message, source = body.get("message"), body.get("source")
    execute, name = body.get("execute", False), body.get("id", "")
    if not isinstance(message, str) or not message.strip():
        raise RequestError(400, "message must be a text that is not empty")
    if not isinstance(source, str) or source not in about.sources:
        raise RequestError(400, f"source must be one of {', '.join(about.sources)}")
    if not isinstance(execute, bool):
        raise RequestError(400, "execute must be true or false")
    if not isinstance(name, str) or (name and not _ID.fullmatch(name)):
        raise RequestError(400, "id must be 1 to 64 letters, digits or any of . _ : -")
    if execute and not name:
        raise RequestError(400, "execute needs an id: the same id is never ordered twice")
    return Asked(message=message, source=source, execute=execute, id=name)


def _previewed(desk: Desk, asked: Asked) -> web.Response:
    decision = decide(desk, _incoming(asked))
    told = views.decision(decision)
    if decision.plan:
        return answer(told)
    return answer({"error": decision.reason, **told}, 422)


def _incoming(asked: Asked) -> Incoming:
    return Incoming(source=asked.source, chat="http", message_id=asked.id, text=asked.message)


async def _executed(desk: Desk, asked: Asked) -> web.Response:
    try:
        verdict, row = await on_signal(desk, _incoming(asked))
    except TryAgain as error:
        raise RequestError(503, f"nothing was ordered: {error}") from error
    except OutcomeUnknown as error:
        raise RequestError(
            503,
            f"the signal may be stored, and then be ordered: send the same id again to learn it ({error})",
        ) from error
    return _result(asked, verdict, row)


def _result(asked: Asked, verdict: Verdict, row: SignalRow) -> web.Response:
    duplicate = verdict is Verdict.DUPLICATE
    if duplicate and row.incoming.text != signals.clean(asked.message)[: signals.LONGEST]:
        raise RequestError(409, f"id {asked.id} was used for another message: {row.incoming.text[:80]!r}")
    told = {"duplicate": duplicate, **views.signal(row)}
    if row.verdict is Verdict.ACCEPTED:
        return answer(told)
    return answer({"error": f"{row.verdict}: {row.reason}", **told}, 422)


def _errors_as_json(log: Log) -> Any:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except RequestError as error:
            return answer(error.body, error.status)
        except web.HTTPException as error:
            return answer({"error": error.reason.lower()}, error.status)
        except Exception as error:  # noqa: BLE001 - one bad request must not end the others
            where = "".join(traceback.format_exception(error))
            log.error("request failed", path=request.path, error=repr(error), traceback=where)
            return answer({"error": "internal error, see the log"}, 500)

    return middleware
