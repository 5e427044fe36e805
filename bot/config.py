"""bot.yaml: what the bot trades and how, read by config.spec like every other spec."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from config.spec.duration import Duration
from config.spec.load import Loader
from config.spec.names import did_you_mean
from config.spec.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Trading:
    """Limits of an order; percents are of the price, notional is in USDT."""

    max_slippage_percent: Decimal
    max_notional_usdt: Decimal
    max_leverage: int
    entry_expiry: Duration
    symbols: tuple[str, ...]
    daily_loss_limit_usdt: Decimal
    timezone: str
    default_stop_percent: Decimal | None = None


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
class BotConfig:
    """The whole of bot.yaml."""

    trading: Trading
    sources: tuple[str, ...]
    timers: Timers


def load_bot(config_dir: Path) -> tuple[BotConfig | None, list[Problem]]:
    """Load bot.yaml; None when it has problems."""
    loader = Loader(config_dir)
    bot = loader.document(BotConfig, "bot", "bot.yaml")
    if bot is None or _is_timezone(bot.trading.timezone):
        return bot, loader.problems
    (source,) = loader.sources.values()
    near = did_you_mean(bot.trading.timezone, available_timezones())
    text = f"timezone {bot.trading.timezone!r} is not known{near}"
    return None, [*loader.problems, Problem(source.place("trading", "timezone"), text, "bot/timezone")]


def _is_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
