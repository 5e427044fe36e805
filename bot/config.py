"""bot.yaml: what the bot trades and how, read by config.spec like every other spec."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from config.spec.duration import Duration
from config.spec.load import Loader
from config.spec.names import did_you_mean
from config.spec.problem import Problem
from config.spec.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Trading:
    """Limits of an order and of all that is held; percents are of the price if not said otherwise."""

    risk_per_trade_percent: Decimal  # of the equity
    max_slippage_percent: Decimal
    stop_slippage_percent: Decimal
    taker_fee_percent: Decimal
    max_price_distance_percent: Decimal
    max_signal_age: Duration
    max_notional_usdt: Decimal
    max_total_notional_usdt: Decimal
    max_positions: int
    max_trades_per_direction: int
    max_leverage: int
    entry_expiry: Duration
    symbols: tuple[str, ...]
    daily_loss_limit_usdt: Decimal
    timezone: str
    default_stop_percent: Decimal | None = None
    symbol_caps_usdt: Mapping[str, Decimal] = field(default_factory=dict)
    source_caps_usdt: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timers:
    """How often the bot looks after things."""

    look: Duration
    money: Duration
    lease: Duration
    refresh_gauges: Duration
    clock_offset: Duration
    visibility_window: Duration
    protect_after: Duration
    resend_within: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramChannel:
    """Its posts are signals of `source`; `name` stands in metrics, alerts and logs."""

    name: str
    id: int
    source: str = "telegram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Telegram:
    """What is read there, and how often the bot looks for what it has not heard."""

    channels: tuple[TelegramChannel, ...]
    gap_check: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class BotConfig:
    """The whole of bot.yaml."""

    trading: Trading
    sources: tuple[str, ...]
    telegram: Telegram
    timers: Timers


def load_bot(config_dir: Path) -> tuple[BotConfig | None, list[Problem]]:
    """Load bot.yaml; None when it has problems."""
    loader = Loader(config_dir)
    bot = loader.document(BotConfig, "bot", "bot.yaml")
    if bot is None:
        return None, loader.problems
    (source,) = loader.sources.values()
    problems = [
        *loader.problems,
        *_unknown_timezone(bot, source),
        *_unknown_names(bot, source),
        *_channels(bot, source),
    ]
    return (None if problems else bot), problems


def _unknown_timezone(bot: BotConfig, source: Source) -> Iterator[Problem]:
    name = bot.trading.timezone
    if not _is_timezone(name):
        text = f"timezone {name!r} is not known{did_you_mean(name, available_timezones())}"
        yield Problem(source.place("trading", "timezone"), text, "bot/timezone")


def _unknown_names(bot: BotConfig, source: Source) -> Iterator[Problem]:
    """A cap on what is never traded is one on something else, mistyped."""
    trading = bot.trading
    for key, caps, listed, known in (
        ("symbol_caps_usdt", trading.symbol_caps_usdt, "trading.symbols", trading.symbols),
        ("source_caps_usdt", trading.source_caps_usdt, "sources", bot.sources),
    ):
        for name in caps:
            if name not in known:
                text = f"{name!r} is not in {listed}{did_you_mean(name, known)}"
                yield Problem(source.key_place("trading", key, name), text, "bot/cap")


def _channels(bot: BotConfig, source: Source) -> Iterator[Problem]:
    names, ids = Counter(each.name for each in bot.telegram.channels), set[int]()
    for number, channel in enumerate(bot.telegram.channels):
        place = ("telegram", "channels", number)
        if channel.source not in bot.sources:
            text = f"{channel.source!r} is not in sources{did_you_mean(channel.source, bot.sources)}"
            yield Problem(source.place(*place, "source"), text, "bot/channel")
        if names[channel.name] > 1:
            yield Problem(source.place(*place, "name"), f"two channels are {channel.name!r}", "bot/channel")
        if channel.id >= 0:
            text = f"the id of a channel begins with -100; did you mean -100{channel.id}?"
            yield Problem(source.place(*place, "id"), text, "bot/channel")
        if channel.id in ids:
            text = f"{channel.id} is another channel's id already"
            yield Problem(source.place(*place, "id"), text, "bot/channel")
        ids.add(channel.id)


def _is_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
