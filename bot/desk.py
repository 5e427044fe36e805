"""What the use cases work with, what they remember between calls, and whether an entry may leave now."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.domain.health import Check
from bot.domain.hearing import Hearing
from bot.domain.ledger import Money
from bot.domain.market import Market
from bot.domain.mode import Mode
from bot.domain.notice import Kind, Notice, stopped
from bot.domain.order import Order
from bot.domain.picture import Picture
from bot.domain.plan import Limits
from bot.domain.switch import Level, Switch
from bot.log import Log
from bot.metrics import Metrics
from bot.outbox import Outbox
from bot.ports import Account, Control, Exchange, OrderStore

OLDEST_PRICE = 5.0  # seconds; an older price is no base for a limit
OLDEST_PICTURE = 30.0  # seconds; an older look at the account shows nothing about now

# It goes on while the machine is suspended, where the system has it: a lease must not look young after that.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

Key = tuple[str, bool]  # a symbol, and whether its position is long


def since_boot() -> float:
    return time.clock_gettime(_CLOCK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds, already divided by the scale of time."""

    visibility_window: float  # for so long the exchange may not show what it took
    request_window: float  # for so long it takes a request
    protect_after: float  # a position may be without its stop for so long, because lists lag
    resend_within: float  # an entry proved absent goes out again only while its signal is younger
    entry_expiry: float  # for so long an entry may rest
    max_signal_age: float  # an older message opens nothing
    lease: float


@dataclass(slots=True, kw_only=True)
class Desk:
    exchange: Exchange
    account: Account
    store: OrderStore
    control: Control
    metrics: Metrics
    log: Log
    mode: Mode
    limits: Limits
    trading_enabled: bool
    sources: tuple[str, ...]
    pace: Pace
    clock: Callable[[], float] = since_boot
    wall: Callable[[], datetime] = lambda: datetime.now(UTC)
    market: Market = field(default_factory=Market)
    notices: Outbox = field(default_factory=Outbox)
    leaving: bool = False  # told to stop: takes no new signals
    stopped: str = ""  # why trading stopped until a person restarts the bot
    switch: Switch | None = None  # as last read or set here, the stricter of both
    switch_kept: bool = True  # whether the database knows it
    switching: asyncio.Lock = field(default_factory=asyncio.Lock)  # around what the database is told of it
    epoch: int | None = None
    lease_until: float = 0.0  # monotonic
    follows: bool = False  # another instance holds the lease: this one looks on
    hedged: bool | None = None
    money: Money | None = None
    live: dict[str, Order] = field(default_factory=dict)  # by client id, as last known
    picture: Picture | None = None  # the account as the last look found it
    intended: dict[str, Order] = field(default_factory=dict)  # decided on, and being committed
    accepting: dict[str, "asyncio.Task[Any]"] = field(default_factory=dict)
    sends: dict[str, "asyncio.Task[Order]"] = field(default_factory=dict)
    unstored: set[str] = field(default_factory=set)  # messages whose decision could not be stored so far
    was_ready: asyncio.Event = field(default_factory=asyncio.Event)  # once since the start
    changed: asyncio.Event = field(default_factory=asyncio.Event)  # some order's state is not what it was
    look_now: asyncio.Event = field(default_factory=asyncio.Event)  # the account is not what it was
    asked: int = 0
    checks: dict[str, Check] = field(default_factory=dict)
    hearing: Hearing | None = None  # of Telegram, unless it is off; orders of other sources need none of it
    clock_offset: float | None = None
    failed_in_a_row: int = 0
    leverages: dict[Key, int] = field(default_factory=dict)
    isolated: set[str] = field(default_factory=set)
    setting_terms: asyncio.Lock = field(default_factory=asyncio.Lock)  # one order after the other
    absent_since: dict[str, tuple[float, int]] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)  # orders that changed since the database was last read
    filled_before: set[str] = field(default_factory=set)  # orders, before positions were last read
    given_up: set[str] = field(default_factory=set)  # orders that ended as not sent, as far as we know
    missing: set[str] = field(default_factory=set)  # orders that rested and that the exchange does not know
    uncovered_since: dict[Key, float] = field(default_factory=dict)
    flat_since: dict[Key, float] = field(default_factory=dict)
    denied: dict[Key, int] = field(default_factory=dict)  # how often no order had closed what is not listed
    closing: set[Key] = field(default_factory=set)  # flat in two looks, and not cleared yet
    empty_since: float | None = None  # the whole account
    settling_until: dict[Key, float] = field(default_factory=dict)  # nothing is added to what protects it
    flattening_until: dict[Key, float] = field(default_factory=dict)  # it is not closed once more

    def orders(self) -> dict[str, Order]:
        """Also those that are only being committed, so that no two at once pass the same cap."""
        return self.intended | self.live

    def allowed(self) -> Limits:
        """What the file allows, and what the switch narrows of it."""
        switch = self.switch
        return self.limits.narrowed(switch.size_factor, switch.symbols) if switch else self.limits

    def level(self) -> Level:
        """The strictest of all that can close."""
        halt = self.control.read()
        levels = [halt.level] if halt else []
        levels += [self.switch.level] if self.switch else [Level.NO_ENTRIES]
        levels += [] if self.trading_enabled and not self.stopped else [Level.NO_ENTRIES]
        return max(levels)

    def holds_lease(self) -> bool:
        return self.epoch is not None and self.clock() < self.lease_until

    def unseen(self) -> str:
        """Why nothing is known about the account as it is now; empty if it was looked at lately."""
        if self.picture is None:
            return "not reconciled with the exchange yet"
        age = self.clock() - self.picture.asked_at
        return f"the account was last read {age:.0f} s ago" if age > OLDEST_PICTURE else ""

    def closed(self) -> str:
        """Why no entry may leave now, as bot.domain.reason.told makes it; empty if one may.

        Asked last before every entry is sent.
        """
        return next((reason for reason in self._reasons() if reason), "")

    def _reasons(self) -> "tuple[str, ...]":
        halt = self.control.read()
        return (
            f"stopped: {self.stopped}" if self.stopped else "",
            "" if self.trading_enabled else "halted: TRADING_ENABLED is not true",
            f"halted: {halt.reason}" if halt else "",
            self._switched_off(),
            "" if self.holds_lease() else "halted: this instance does not hold the lease",
            f"halted: {unseen}" if (unseen := self.unseen()) else "",
            f"exchange_errors: {errors}" if (errors := self.account.entries_halted()) else "",
        )

    def _switched_off(self) -> str:
        if self.switch is None:
            return "halted: the switch was not read yet"
        if self.switch.level is Level.OPEN:
            return ""
        return f"halted: {self.switch.reason} (level {self.switch.level:d}, by {self.switch.who})"


def is_ready(desk: Desk) -> bool:
    """Whether everything that is needed to trade answers; the operator's switch is another matter."""
    return (
        not desk.stopped
        and not desk.leaving
        and bool(desk.checks)
        and all(check.ok for check in desk.checks.values())
    )


def stop_trading(desk: Desk, reason: str) -> None:
    if not desk.stopped:  # once, though every question after it may be answered like that
        desk.log.error("trading stopped until a restart", reason=reason)
        desk.notices.put(Notice(kind=Kind.HALTED, text=stopped(reason), at=desk.wall()))
    desk.stopped = desk.stopped or reason
