"""The account's money since local midnight, and what its balance should be; pure arithmetic."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from bot.domain.account import Balance, Income
from bot.domain.mode import Mode

ZERO = Decimal(0)
LATE = timedelta(hours=1)  # for so long after a movement of money the exchange may first tell of it

# Play money goes by either name.
ASSETS = {Mode.SIMULATOR: ("VST", "USDT"), Mode.VST: ("VST", "USDT"), Mode.LIVE: ("USDT",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """Where a day begins, and the loss at which trading stops for the rest of it."""

    timezone: ZoneInfo
    loss_limit: Decimal

    def began(self, now: datetime) -> datetime:
        """Where clocks jump over midnight the day begins with the jump."""
        today = now.astimezone(self.timezone).date()
        return datetime.combine(today, time(), self.timezone).astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """What the balance was or should have been at a midnight, before anything that moved at it or later."""

    amount: Decimal
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Every movement from `since` on of which the exchange told up to `until`, each once."""

    since: datetime
    until: datetime
    rows: frozenset[Income] = frozenset()

    def ask_from(self, since: datetime) -> datetime:
        """From when on to ask in order to know all from `since` on."""
        return since if since < self.since else max(since, self.until - LATE)

    def told(self, rows: Iterable[Income], since: datetime, until: datetime) -> "Book":
        """With these rows, and without those before `since`."""
        kept = frozenset(row for row in self.rows.union(rows) if row.at >= since)
        return replace(self, since=since, until=until, rows=kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """The account as last read, in USDT; the difference is None until it is known what should be there."""

    balance: Decimal
    equity: Decimal
    available: Decimal  # margin that nothing binds
    unrealised: Decimal
    realised_today: Decimal
    btc: Decimal
    anchor: Anchor | None
    difference: Decimal | None
    loss_limit: Decimal
    book: Book
    measured_at: float  # monotonic

    @property
    def loss_today(self) -> Decimal:
        """Zero on a day of profit. What open positions had lost before today counts until they are closed."""
        return max(-(self.realised_today + self.unrealised), ZERO)


def main_balance(mode: Mode, balances: Iterable[Balance]) -> Balance | None:
    """That of the asset that margins and profits are counted in."""
    by_asset = {each.asset: each for each in balances}
    return next((by_asset[asset] for asset in ASSETS[mode] if asset in by_asset), None)


def moved(rows: Iterable[Income], since: datetime, until: datetime | None = None) -> Decimal:
    """By how much the balance changed: every kind of movement, transfers too."""
    return sum((row.amount for row in rows if since <= row.at and (until is None or row.at < until)), ZERO)


def realised(rows: Iterable[Income], since: datetime) -> Decimal:
    """Profits, losses, fees and funding."""
    return moved((row for row in rows if row.is_result), since)


def carried(anchor: Anchor, rows: Iterable[Income], to: datetime) -> Anchor:
    return Anchor(amount=anchor.amount + moved(rows, anchor.at, to), at=to)
