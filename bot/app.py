"""Puts the bot together and runs it; the only place that names concrete classes."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry

from bot.adapters.bingx import Access, BingX
from bot.adapters.http import make_app
from bot.adapters.http_views import About
from bot.adapters.postgres import Postgres
from bot.config import BotConfig
from bot.domain import health
from bot.domain.mode import Mode
from bot.domain.plan import Limits
from bot.log import Log
from bot.metrics import Metrics, instruments
from bot.ports import Exchange, OutcomeUnknown, Refused, StopTrading, TryAgain
from bot.settings import Settings
from bot.trader import OLDEST_PRICE, Desk, is_ready, refresh_gauges, resolve, stop_trading
from config.spec.model import Metric

PRICES_EVERY = 1.0
CONTRACTS_EVERY = 3600.0
GAUGES_APART = 0.1  # seconds at least between two refreshes, however much happens
RETRY_AFTER = 1.0
DRAIN = 3.5  # seconds that orders on their way get when the bot is told to stop
EXCHANGE_PATIENCE = aiohttp.ClientTimeout(total=3.0, sock_connect=1.0)
# The exchange takes a request for at most five seconds; less than one and a slow machine is refused.
REQUEST_WINDOW = (1.0, 5.0)


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
    wrap: Callable[[Exchange], Exchange] = lambda exchange: exchange,
    listening: Callable[[str], None] = lambda url: None,
) -> None:
    """Runs until `stop` is set. `wrap` may put something between the bot and its exchange."""
    registry = CollectorRegistry()
    metrics = instruments(configuration.catalogue, registry)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(_store(settings, log))
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=EXCHANGE_PATIENCE))
        exchange = wrap(BingX(session, _access(settings, configuration.bot), metrics))
        desk = _desk(settings, configuration.bot, metrics, log, store, exchange)
        site = make_app(desk, _about(settings, configuration), registry, log)
        url = await _serve(stack, settings, site)
        log.info(
            "listening", url=url, trading_enabled=settings.trading_enabled, version=configuration.version
        )
        listening(url)
        await _work(settings, configuration.bot, desk, store, stop)


async def _work(
    settings: Settings, config: BotConfig, desk: Desk, store: Postgres, stop: asyncio.Event
) -> None:
    timers, scale = config.timers, settings.time_scale
    loops = (
        _forever(desk, timers.resolve_unknown.seconds / scale, _tend_orders(desk, store)),
        _forever(desk, PRICES_EVERY, _read_prices(desk)),
        _forever(desk, CONTRACTS_EVERY, _read_contracts(desk)),
        _forever(desk, timers.clock_offset.seconds / scale, _read_clock(desk)),
        _keep_gauges(desk, timers.refresh_gauges.seconds / scale),
    )
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(loop) for loop in loops]
        await stop.wait()
        desk.leaving = True
        desk.log.info("stopping", orders_on_their_way=len(desk.sends))
        if desk.sends:
            await asyncio.wait(desk.sends.values(), timeout=DRAIN)
        for task in tasks:
            task.cancel()


async def _forever(desk: Desk, seconds: float, action: Callable[[], Awaitable[None]]) -> None:
    """Again and again; sooner after a failure of the world outside, and our own bugs end the process."""
    failing = ""
    while True:
        wait = seconds
        try:
            await action()
            failing = _say_change(desk.log, action.__name__, failing, "")
        except (TryAgain, OutcomeUnknown, Refused) as error:
            failing = _say_change(desk.log, action.__name__, failing, str(error))
            wait = min(seconds, RETRY_AFTER)
        except StopTrading as error:
            stop_trading(desk, str(error))
        _show_readiness(desk)
        await asyncio.sleep(wait)


def _say_change(log: Log, what: str, before: str, now: str) -> str:
    """One line when something begins to fail, fails otherwise, or works again; not one a second."""
    if now and now != before:
        log.warning("failing, will try again", what=what, reason=now)
    if before and not now:
        log.info("works again", what=what, failed_before=before)
    return now


def _tend_orders(desk: Desk, store: Postgres) -> Callable[[], Awaitable[None]]:
    async def tend_orders() -> None:
        try:
            await store.prepare()
            await resolve(desk)
        except (TryAgain, OutcomeUnknown) as error:
            desk.checks["database"] = health.failed(desk.checks["database"], str(error), desk.clock())
            raise
        desk.checks["database"] = health.passed(desk.checks["database"], desk.clock())

    return tend_orders


def _read_prices(desk: Desk) -> Callable[[], Awaitable[None]]:
    async def read_prices() -> None:
        try:
            prices = await desk.exchange.prices()
        except (TryAgain, OutcomeUnknown, Refused, StopTrading) as error:
            priced_at = desk.market.priced_at
            if priced_at is None or desk.clock() - priced_at > OLDEST_PRICE:
                desk.checks["exchange"] = health.failed(desk.checks["exchange"], str(error), desk.clock())
            raise
        desk.market = replace(desk.market, prices=prices, priced_at=desk.clock())
        _mark_exchange(desk)

    return read_prices


def _mark_exchange(desk: Desk) -> None:
    if desk.market.contracts and desk.market.prices:
        desk.checks["exchange"] = health.passed(desk.checks["exchange"], desk.clock())


def _read_contracts(desk: Desk) -> Callable[[], Awaitable[None]]:
    async def read_contracts() -> None:
        contracts = await desk.exchange.contracts()
        desk.market = replace(desk.market, contracts=contracts)
        _mark_exchange(desk)

    return read_contracts


def _read_clock(desk: Desk) -> Callable[[], Awaitable[None]]:
    async def read_clock() -> None:
        desk.clock_offset = await desk.exchange.clock_offset()
        desk.metrics.bingx_clock_offset_seconds.set(desk.clock_offset)
        desk.metrics.bingx_clock_offset_updated_timestamp_seconds.set(time.time())

    return read_clock


async def _keep_gauges(desk: Desk, seconds: float) -> None:
    """The states of orders: at each change, and every so often in any case."""
    while True:
        desk.changed.clear()
        try:
            await refresh_gauges(desk, time.time())
        except TryAgain as error:
            desk.log.debug("gauges not refreshed", reason=str(error))
        await asyncio.sleep(min(GAUGES_APART, seconds))
        try:
            async with asyncio.timeout(seconds):
                await desk.changed.wait()
        except TimeoutError:
            continue


def _show_readiness(desk: Desk) -> None:
    desk.metrics.bot_ready.set(is_ready(desk))
    desk.metrics.bot_trading_enabled.set(not desk.closed())


def _desk(
    settings: Settings, config: BotConfig, metrics: Metrics, log: Log, store: Postgres, exchange: Exchange
) -> Desk:
    window = config.timers.visibility_window.seconds / settings.time_scale
    desk = Desk(
        exchange=exchange,
        store=store,
        metrics=metrics,
        log=log,
        mode=settings.mode,
        limits=Limits(
            symbols=frozenset(config.trading.symbols),
            max_slippage_percent=config.trading.max_slippage_percent,
            max_notional=config.trading.max_notional_usdt,
            default_stop_percent=config.trading.default_stop_percent,
        ),
        trading_enabled=settings.trading_enabled,
        # Not shorter than a request stays good, or absence would prove nothing.
        visibility_window=max(window, _access(settings, config).window),
    )
    desk.checks |= {name: health.first(name, desk.clock()) for name in ("database", "exchange")}
    for mode in Mode:
        metrics.bot_trading_mode.labels(mode=mode.value).set(mode is settings.mode)
    _show_readiness(desk)
    return desk


def _access(settings: Settings, config: BotConfig) -> Access:
    least, most = REQUEST_WINDOW
    return Access(
        mode=settings.mode,
        base_url=settings.bingx_base_url,
        simulator_host=settings.simulator_host,
        api_key=settings.bingx_api_key.reveal(),
        secret_key=settings.bingx_secret_key.reveal(),
        window=min(most, max(least, config.timers.visibility_window.seconds / settings.time_scale)),
    )


def _store(settings: Settings, log: Log) -> Postgres:
    return Postgres(
        settings.database_url.reveal(), size=settings.database_pool_size, echo=settings.sql_echo, log=log
    )


def _about(settings: Settings, configuration: Configuration) -> About:
    return About(
        version=configuration.version,
        config_hash=configuration.hash,
        sources=configuration.bot.sources,
        admin_token=settings.admin_token.reveal() if settings.admin_token else None,
    )


async def _serve(stack: AsyncExitStack, settings: Settings, site: web.Application) -> str:
    runner = web.AppRunner(site, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    listener = web.TCPSite(runner, settings.http_host, settings.http_port)
    await listener.start()
    host, port = runner.addresses[0][:2]
    return f"http://{host}:{port}"
