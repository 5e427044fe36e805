"""Puts the bot together and runs it; the only place that names concrete classes."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry

from bot import loops, notices
from bot.adapters.bingx import Access, BingX
from bot.adapters.bingx_check import examine
from bot.adapters.bingx_probe import Finding, Probe
from bot.adapters.bingx_transport import Transport
from bot.adapters.control import ControlDirectory
from bot.adapters.cryptet import Site as CryptetSite
from bot.adapters.cryptet import opened as cryptet_opened
from bot.adapters.http import make_app, read_status
from bot.adapters.http_config import overview
from bot.adapters.http_views import About
from bot.adapters.postgres import Postgres
from bot.adapters.telegram_commands import Commands
from bot.adapters.telegram_notices import BotApi
from bot.config import BotConfig, Trading
from bot.desk import Desk, Pace
from bot.domain import health
from bot.domain.ledger import Day
from bot.domain.mode import Mode
from bot.domain.notice import Kind
from bot.domain.plan import Limits
from bot.domain.reason import Reason, Verdict
from bot.identity import Identity
from bot.ledger import read_money
from bot.log import Log
from bot.metrics import Metrics, instruments
from bot.outbox import Outbox
from bot.ports import OutcomeUnknown, PageReader, TryAgain
from bot.settings import Settings
from bot.sources import Feeds
from bot.terms import read_terms
from bot.trader import refresh_signals
from config.spec.model import Metric

DRAIN = 3.5  # seconds that orders on their way get when the bot is told to stop
EXCHANGE_PATIENCE = aiohttp.ClientTimeout(total=3.0, sock_connect=1.0)
# The exchange takes a request for at most five seconds; less than one and a slow machine is refused.
REQUEST_WINDOW = (1.0, 5.0)
SHORTEST_LEASE = 5.0
ERROR_WINDOW = 480.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What config/ says, and a hash of it."""

    bot: BotConfig
    catalogue: Sequence[Metric]
    version: str
    hash: str


async def run(
    settings: Settings,
    configuration: Configuration,
    log: Log,
    stop: asyncio.Event,
    *,
    pace: Pace | None = None,
    listening: Callable[[str], None] = lambda url: None,
) -> None:
    """Runs until `stop` is set; `pace` is what the configuration says unless it is given."""
    pace = pace or make_pace(configuration.bot, settings.time_scale)
    registry = CollectorRegistry()
    metrics = instruments(configuration.catalogue, registry)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(_store(settings, metrics, log))
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=EXCHANGE_PATIENCE))
        exchange = BingX(session, _access(settings, pace), metrics, trace=log.trace)
        desk = _desk(settings, configuration.bot, metrics, log, store, exchange, pace)
        site = make_app(desk, _about(settings, configuration), registry, log)
        url = await _serve(stack, settings, site)
        log.info(
            "listening", url=url, trading_enabled=settings.trading_enabled, version=configuration.version
        )
        listening(url)
        telling = await stack.enter_async_context(aiohttp.ClientSession())
        people = _people(settings, desk, telling, lambda: read_status(desk, _about(settings, configuration)))
        pages = await stack.enter_async_context(cryptet_opened(_cryptet(settings)))
        channels = _channels(settings, configuration.bot, desk, {"cryptet": pages})
        await _work(settings, configuration.bot, desk, url, stop, (*people, *channels))


async def _work(
    settings: Settings,
    config: BotConfig,
    desk: Desk,
    url: str,
    stop: asyncio.Event,
    people: Sequence[Coroutine[Any, Any, None]],
) -> None:
    timers, scale, pace = config.timers, settings.time_scale, desk.pace
    # The port is ours alone on this machine, so the same instance started again holds the same lease.
    holder = f"{socket.gethostname()} {url}"
    work = (
        loops.forever(desk, min(1.0, pace.lease / 3), loops.keep_database(holder)),
        loops.forever(desk, loops.IDENTITY_EVERY, loops.know_account(Identity(armed_uid=settings.armed_uid))),
        loops.forever(desk, loops.TERMS_EVERY, read_terms),
        loops.keep_account(desk, timers.look.seconds / scale),
        loops.forever(desk, loops.every(timers.money.seconds, scale), read_money(_day(config))),
        loops.forever(desk, loops.every(loops.PRICES_EVERY, scale), loops.read_prices),
        loops.forever(desk, loops.CONTRACTS_EVERY, loops.read_contracts),
        loops.forever(desk, timers.clock_offset.seconds / scale, loops.read_clock),
        loops.keep_gauges(desk, timers.refresh_gauges.seconds / scale),
        loops.forever(desk, timers.refresh_gauges.seconds / scale, refresh_signals),
        *people,
    )
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(loop) for loop in work]
        await stop.wait()
        desk.leaving = True
        desk.log.info("stopping", orders_on_their_way=len(desk.sends))
        await _drain(desk)
        for task in tasks:
            task.cancel()
    with suppress(TryAgain, OutcomeUnknown):
        await desk.store.give_lease_back(holder)


def _cryptet(settings: Settings) -> CryptetSite:
    cookies = settings.cryptet_cookies.reveal() if settings.cryptet_cookies else ""
    return CryptetSite(cookies=cookies, base_url=settings.cryptet_base_url)


def _channels(
    settings: Settings, config: BotConfig, desk: Desk, readers: Mapping[str, PageReader]
) -> Sequence[Coroutine[Any, Any, None]]:
    """What reads the channels of Telegram; nothing while that is off."""
    told, api_hash, session = settings.telegram, settings.telegram_api_hash, settings.telegram_session
    if told is None:
        desk.log.info("telegram is off", how="set TELEGRAM_API_ID, TELEGRAM_API_HASH and TELEGRAM_SESSION")
        return ()
    # Telethon takes half a second and 25 MB, which a bot that reads no channel need not pay.
    from bot.adapters.telegram import Telegram
    from bot.adapters.telegram_clients import for_reading, for_simulator

    make_client = (
        for_reading(told.api_id, api_hash.reveal(), session.reveal())
        if api_hash and session
        else for_simulator(told.simulator_url)
    )
    channels = config.telegram.channels
    telegram = Telegram(make_client, [each.id for each in channels], desk.log)
    feeds = Feeds(desk, telegram, channels, readers, config.telegram.gap_check.seconds / settings.time_scale)
    return feeds.run(), telegram.run(feeds)


def _people(
    settings: Settings,
    desk: Desk,
    session: aiohttp.ClientSession,
    status: Callable[[], Awaitable[Mapping[str, Any]]],
) -> Sequence[Coroutine[Any, Any, None]]:
    """What tells people what happens, and takes their commands; nothing without a token."""
    told, token, scale = settings.notices, settings.telegram_bot_token, settings.time_scale
    if told is None or token is None:
        return ()
    api = BotApi(session, told.url, token.reveal())
    work = [
        notices.deliver(desk, api, told.chat, scale),
        loops.forever(desk, notices.RESULTS_EVERY / scale, notices.tell_results(scale)),
    ]
    if told.operators:
        work.append(Commands(desk, api, told.operators, told.chat, status).listen(scale))
    return work


async def _drain(desk: Desk) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN):
            while under_way := {*desk.accepting.values(), *desk.sends.values()}:
                await asyncio.wait(under_way)


def _day(config: BotConfig) -> Day:
    return Day(timezone=ZoneInfo(config.trading.timezone), loss_limit=config.trading.daily_loss_limit_usdt)


async def log_in(
    api_id: int,
    api_hash: str,
    ask: Callable[[str], str],
    ask_secret: Callable[[str], str],
    say: Callable[[str], None],
) -> tuple[str | None, str]:
    """A session of Telegram, or why there is none."""
    from bot.adapters import telegram_login
    from bot.adapters.telegram_clients import for_login

    person = telegram_login.Person(ask=ask, ask_secret=ask_secret, say=say)
    try:
        return await telegram_login.log_in(for_login(api_id, api_hash), person), ""
    except telegram_login.LoginError as error:
        return None, str(error)


@asynccontextmanager
async def exchange_alone(settings: Settings, configuration: Configuration) -> AsyncIterator[BingX]:
    """For what is done beside the running bot, or before it runs."""
    metrics = instruments(configuration.catalogue, CollectorRegistry())
    access = _access(settings, make_pace(configuration.bot, settings.time_scale))
    async with aiohttp.ClientSession(timeout=EXCHANGE_PATIENCE) as session:
        yield BingX(session, access, metrics)


async def try_exchange(settings: Settings, configuration: Configuration) -> tuple[str, Sequence[Finding]]:
    """Why it ended early, if it did; and what was found out until then."""
    metrics = instruments(configuration.catalogue, CollectorRegistry())
    access = _access(settings, make_pace(configuration.bot, settings.time_scale))
    asset = "VST" if settings.mode is Mode.VST else "USDT"
    async with aiohttp.ClientSession(timeout=EXCHANGE_PATIENCE) as session:
        probe = Probe(transport=Transport(session, access, metrics), http=session, access=access)
        return await examine(probe, configuration.bot.trading.symbols, asset), probe.findings


def make_pace(config: BotConfig, scale: float) -> Pace:
    least, most = REQUEST_WINDOW
    timers = config.timers
    window = timers.visibility_window.seconds / scale
    return Pace(
        # Not shorter than a request stays good, or absence would prove nothing.
        visibility_window=max(window, least),
        request_window=min(most, max(least, window)),
        protect_after=timers.protect_after.seconds / scale,
        resend_within=timers.resend_within.seconds / scale,
        entry_expiry=config.trading.entry_expiry.seconds / scale,
        max_signal_age=config.trading.max_signal_age.seconds / scale,
        # A machine that is busy for a moment must not lose it.
        lease=max(timers.lease.seconds / scale, SHORTEST_LEASE),
    )


def _desk(
    settings: Settings,
    config: BotConfig,
    metrics: Metrics,
    log: Log,
    store: Postgres,
    exchange: BingX,
    pace: Pace,
) -> Desk:
    desk = Desk(
        exchange=exchange,
        account=exchange,
        store=store,
        control=ControlDirectory(settings.control_dir),
        metrics=metrics,
        log=log,
        mode=settings.mode,
        limits=make_limits(config.trading),
        trading_enabled=settings.trading_enabled,
        sources=config.sources,
        pace=pace,
        notices=Outbox(metrics=metrics if settings.notices else None),
    )
    names = ("database", "lease", "exchange", "account", "money")
    desk.checks |= {name: health.first(name, desk.clock()) for name in names}
    for source, reason in product(config.sources, ("none", *Reason)):
        verdicts = (reason.verdict,) if isinstance(reason, Reason) else (Verdict.ACCEPTED, Verdict.DUPLICATE)
        for verdict in verdicts:
            metrics.signal_verdicts_total.labels(source=source, verdict=verdict.value, reason=reason)
    for kind in Kind:
        metrics.notices_total.labels(kind=kind.value)
    metrics.notices_failing.set(False)
    for mode in Mode:
        metrics.bot_trading_mode.labels(mode=mode.value).set(mode is settings.mode)
    loops.show_readiness(desk)
    return desk


def make_limits(trading: Trading) -> Limits:
    return Limits(
        symbols=frozenset(trading.symbols),
        risk_per_trade_percent=trading.risk_per_trade_percent,
        default_stop_percent=trading.default_stop_percent,
        max_slippage_percent=trading.max_slippage_percent,
        stop_slippage_percent=trading.stop_slippage_percent,
        taker_fee_percent=trading.taker_fee_percent,
        max_price_distance_percent=trading.max_price_distance_percent,
        max_notional=trading.max_notional_usdt,
        max_total_notional=trading.max_total_notional_usdt,
        max_positions=trading.max_positions,
        max_trades_per_direction=trading.max_trades_per_direction,
        max_leverage=trading.max_leverage,
        symbol_caps=trading.symbol_caps_usdt,
        source_caps=trading.source_caps_usdt,
    )


def _access(settings: Settings, pace: Pace) -> Access:
    return Access(
        mode=settings.mode,
        base_url=settings.bingx_base_url,
        simulator_host=settings.simulator_host,
        api_key=settings.bingx_api_key.reveal(),
        secret_key=settings.bingx_secret_key.reveal(),
        window=pace.request_window,
        error_window=ERROR_WINDOW / settings.time_scale,
        time_scale=settings.time_scale,
    )


def _store(settings: Settings, metrics: Metrics, log: Log) -> Postgres:
    url, size = settings.database_url.reveal(), settings.database_pool_size
    return Postgres(url, size=size, echo=settings.sql_echo, metrics=metrics, log=log)


def _about(settings: Settings, configuration: Configuration) -> About:
    return About(
        version=configuration.version,
        config_hash=configuration.hash,
        sources=configuration.bot.sources,
        admin_token=settings.admin_token.reveal() if settings.admin_token else None,
        overview=overview(settings, configuration.bot, configuration.version, configuration.hash),
    )


async def _serve(stack: AsyncExitStack, settings: Settings, site: web.Application) -> str:
    runner = web.AppRunner(site, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    listener = web.TCPSite(runner, settings.http_host, settings.http_port)
    await listener.start()
    host, port = runner.addresses[0][:2]
    return f"http://{host}:{port}"
