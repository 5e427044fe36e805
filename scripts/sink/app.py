"""Puts the sink together, opens its two ports and runs until it is told to stop."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import ClientSession, web
from aiosmtpd.smtp import SMTP

from scripts.sink.api import Api
from scripts.sink.dashboards import Dashboards
from scripts.sink.documents import Runbooks
from scripts.sink.heartbeat import Monitor
from scripts.sink.journal import Journal
from scripts.sink.mail import MailHandler
from scripts.sink.markup import Frame
from scripts.sink.oserror import reason
from scripts.sink.receivers import Receivers
from scripts.sink.series import Prometheus
from scripts.sink.store import Store
from scripts.sink.telegram import Telegram

# PagerDuty takes 512 KiB, Amazon SNS 256 KiB.
LARGEST_BODY = 512 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    state: Path
    host: str = "127.0.0.1"
    port: int = 9080
    smtp_port: int = 9025
    runbooks: Path = Path("runbooks")
    dashboards: Path = Path("observability/generated/local/dashboards")
    prometheus: str = "http://127.0.0.1:9090"
    heartbeat_expect: float = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """A running sink; port 0 in the options has become a real one here."""

    store: Store
    monitor: Monitor
    port: int
    smtp_port: int


class StartError(Exception):
    """A port or the state directory cannot be used; the text says which and what to do."""


def utc_now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def running(
    options: Options,
    *,
    tell: Callable[[str], None],
    now: Callable[[], datetime] = utc_now,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Sink]:
    try:
        store = Store(Journal(options.state), now=now, tell=tell)
    except OSError as error:
        raise StartError(f"cannot use {options.state}: {error}; choose another with --state") from error
    monitor = Monitor(store, expect=options.heartbeat_expect, clock=clock, now=now, tell=tell)
    async with AsyncExitStack() as stack:
        smtp = await _listen_smtp(options, store, stack)
        telegram = Telegram(store, now=now, clock=clock)
        http = await _listen_http(options, store, monitor, telegram, smtp.is_serving, tell, now, stack)
        watching = asyncio.create_task(monitor.watch())
        stack.callback(watching.cancel)
        yield Sink(store=store, monitor=monitor, port=http, smtp_port=_port_of(smtp))


async def _listen_smtp(options: Options, store: Store, stack: AsyncExitStack) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    handler = MailHandler(store.add)

    def session() -> SMTP:
        # A name is given because the library would look the machine's own up, which can hang.
        return SMTP(
            handler, hostname="localhost", loop=loop, data_size_limit=LARGEST_BODY, enable_SMTPUTF8=True
        )

    try:
        server = await loop.create_server(session, options.host, options.smtp_port)
    except OSError as error:
        raise _busy(options.host, options.smtp_port, "--smtp-port", error) from error
    stack.callback(server.close)
    return server


async def _listen_http(
    options: Options,
    store: Store,
    monitor: Monitor,
    telegram: Telegram,
    smtp_serves: Callable[[], bool],
    tell: Callable[[str], None],
    now: Callable[[], datetime],
    stack: AsyncExitStack,
) -> int:
    frame = Frame.load()
    app = web.Application(client_max_size=LARGEST_BODY)
    api = Api(store=store, monitor=monitor, frame=frame, now=now, listening=smtp_serves)
    receivers = Receivers(store=store, monitor=monitor, tell=tell)
    runbooks = Runbooks(directory=options.runbooks, frame=frame)
    session = await stack.enter_async_context(ClientSession())
    prometheus = Prometheus(base=options.prometheus, session=session)
    dashboards = Dashboards(directory=options.dashboards, prometheus=prometheus, frame=frame, now=now)
    app.add_routes([*_doors(receivers), *telegram.routes(), *_windows(api, runbooks, dashboards)])

    async def release(_: web.Application) -> None:
        await telegram.close()
        await store.close()  # else every long poll would hold the process until its time is over

    app.on_shutdown.append(release)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    try:
        await web.TCPSite(runner, options.host, options.port).start()
    except OSError as error:
        raise _busy(options.host, options.port, "--port", error) from error
    return int(runner.addresses[0][1])


def _doors(receivers: Receivers) -> list[web.RouteDef]:
    name = r"{name:[\w.-]{1,64}}"
    return [
        web.post("/pagerduty/v2/enqueue", receivers.pagerduty),
        web.post("/sns", receivers.sns),
        web.post("/sns/", receivers.sns),
        web.post(f"/webhook/{name}", receivers.webhook),
        web.post(f"/heartbeat/{name}", receivers.heartbeat),
        web.get(f"/heartbeat/{name}", receivers.heartbeat, allow_head=False),
    ]


def _windows(api: Api, runbooks: Runbooks, dashboards: Dashboards) -> list[web.RouteDef]:
    return [
        web.get("/", api.page),
        web.get("/notifications", api.notifications),
        web.delete("/notifications", api.clear),
        web.get("/heartbeats", api.heartbeats),
        web.get("/health", api.health),
        web.get("/runbooks/", runbooks.index),
        web.get("/runbooks/{name:.+}", runbooks.show),
        web.get("/d/", dashboards.index),
        web.get("/d/{uid}", dashboards.show),
        web.get("/d/{uid}/{slug}", dashboards.show),
    ]


def _port_of(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


def _busy(host: str, port: int, option: str, error: OSError) -> StartError:
    return StartError(f"cannot listen on {host}:{port}: {reason(error)}; choose another port with {option}")
