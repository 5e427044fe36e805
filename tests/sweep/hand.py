"""The bot driven by hand: its true parts with a clock that can be moved on, and no timers."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TextIO

import aiohttp
from prometheus_client import CollectorRegistry

from bot import loops
from bot.adapters.bingx import Access, BingX
from bot.adapters.control import ControlDirectory
from bot.adapters.postgres import Postgres
from bot.desk import Desk, Pace, stop_trading
from bot.domain import health
from bot.domain.mode import Mode
from bot.domain.order import client_id
from bot.domain.reason import Verdict
from bot.domain.switch import Level
from bot.identity import Identity
from bot.intake import on_signal
from bot.keeper import look
from bot.log import open_log
from bot.metrics import instruments
from bot.ports import Incoming, OutcomeUnknown, Refused, StopTrading, TryAgain
from bot.positions import adopt
from bot.switching import Outcome, set_level
from tests.bot import desks
from tests.bot.play import KEYS
from tests.sweep.place import Place
from tests.sweep.venue import Venue

HOLDER = "the one instance"
SOURCE = {"source": "test", "chat": "http"}  # as those that come over HTTP
BETWEEN_LOOKS = 3.0
PACE = Pace(
    visibility_window=5,
    request_window=5,
    protect_after=2,
    resend_within=30,
    entry_expiry=600,
    max_signal_age=120,
    lease=60,
)
LIMITS = replace(desks.LIMITS, symbols=frozenset({"BTC-USDT", "1000PEPE-USDT"}))
Action = Callable[[Desk], Awaitable[None]]


@dataclass(slots=True)
class Clock:
    """This machine's clocks, moved on by what was skipped."""

    skipped: float = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.skipped

    def seconds(self) -> float:
        return time.time() + self.skipped

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds(), UTC)


@dataclass(slots=True, kw_only=True)
class Hand:
    desk: Desk
    venue: Venue
    control: Path
    clock: Clock
    note: Callable[[str], None]
    holder: str
    pace: float
    troubles: list[str] = field(default_factory=list)  # of the last look, as a running bot would log them

    async def look(self, times: int = 1) -> None:
        """What the bot's loops do between two looks, one after the other."""
        for _ in range(times):
            self.skip(self.pace)
            self.troubles.clear()
            desk = self.desk
            await self._tried(loops.keep_database(self.holder))
            if not desk.market.contracts:
                await self._tried(loops.read_contracts)
            await self._tried(loops.read_prices)
            if desk.hedged is None:
                await self._tried(loops.know_account(Identity(armed_uid=None)))
            if desk.hedged is not None:
                await self._tried(look)

    async def signal(self, text: str, id_: str = "1") -> Verdict | None:
        """None if the source has to deliver it again."""
        self.note(f"delivered {id_} {text}")
        told = Incoming(**SOURCE, message_id=id_, text=text)
        try:
            verdict, _ = await on_signal(self.desk, told)
        except (TryAgain, OutcomeUnknown) as error:
            self.troubles.append(str(error))
            return None
        self.note(f"answered {id_} {verdict}")
        return verdict

    async def halt(self, level: Level) -> Outcome:
        outcome = await set_level(self.desk, level, "a test", "somebody")
        self.note(f"halted {int(level)}")
        return outcome

    def write_halt(self, text: str) -> None:
        (self.control / "HALT").write_text(text)

    async def adopt(self, stop: str, *targets: str) -> None:
        prices = tuple(map(Decimal, targets))
        await adopt(self.desk, "BTC-USDT", True, Decimal(stop), prices, "a test")
        self.note("adopted")

    def id_of(self, message: str = "1") -> str:
        """The client id of the entry that a message becomes."""
        return client_id(mode=Mode.SIMULATOR, **SOURCE, message=message, leg=0, attempt=0)

    def skip(self, seconds: float) -> None:
        self.clock.skipped += seconds
        self.venue.fault(clock_skew=self.clock.skipped)

    async def _tried(self, action: Action) -> None:
        try:
            await action(self.desk)
        except (TryAgain, OutcomeUnknown, Refused) as error:
            self.troubles.append(str(error))
        except StopTrading as error:
            stop_trading(self.desk, str(error))


@asynccontextmanager
async def at_work(
    place: Place, log: TextIO, note: Callable[[str], None], holder: str, pace: float
) -> AsyncIterator[Hand]:
    """Knows nothing of what another process remembered."""
    metrics, venue = instruments(place.configuration.catalogue, CollectorRegistry()), place.venue
    clock, logger = Clock(venue.skew()), open_log("DEBUG", "simulator", [], log)
    access = Access(
        mode=Mode.SIMULATOR,
        base_url=venue.url,
        api_key=KEYS.api_key,
        secret_key=KEYS.secret_key,
        window=PACE.request_window,
    )
    store = Postgres(place.dsn, size=5, echo=False, log=logger, metrics=metrics)
    async with store, aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        exchange = BingX(session, access, metrics, clock.seconds, clock.monotonic)
        desk = Desk(
            exchange=exchange,
            account=exchange,
            store=store,
            control=ControlDirectory(place.control),
            metrics=metrics,
            log=logger,
            mode=Mode.SIMULATOR,
            limits=LIMITS,
            trading_enabled=True,
            sources=("test",),
            pace=PACE,
            clock=clock.monotonic,
            wall=clock.now,
            money=desks.RICH,  # of what is read of it nothing is killed here
        )
        names = ("database", "lease", "exchange", "account")
        desk.checks |= {name: health.first(name, desk.clock()) for name in names}
        place.broken(desk)
        yield Hand(
            desk=desk, venue=venue, control=place.control, clock=clock, note=note, holder=holder, pace=pace
        )
