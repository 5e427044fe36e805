"""Where faults of the exchange are played: the true bot, the true simulator, and what can be seen of both."""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot.desk import Pace
from bot.simulator import faults, switches
from bot.simulator.order import Order
from tests.bot.made_control import control_directory
from tests.bot.play import Bot, Exchange, post, running_bot, until

# The exchange takes a request for as long as it may hide an order, as in earnest, and both are short.
PACE = Pace(
    visibility_window=1.0,
    request_window=1.0,
    protect_after=0.2,
    resend_within=60,
    entry_expiry=3600,
    max_signal_age=120,
    lease=10,
)
MOVED = Decimal("0.5")  # metrics here count, or tell seconds that a fault makes long
ZONE = "BUY BTCUSDT 0.1 @ 59900-60000 SL 59000 TP 61000 62000"
Key = tuple[str, str]  # a symbol, and LONG or SHORT


@dataclass(slots=True, kw_only=True)
class Stage:
    bot: Bot
    exchange: Exchange
    control: Path
    series: str = ""
    before: float | None = None
    moved: bool = False

    def fail(self, **told: Any) -> None:
        """From now on these faults, and no others."""
        self.exchange.simulator.faults = faults.parse(faults.Faults(), told)

    def mend(self) -> None:
        self.exchange.simulator.faults = faults.Faults()

    def turn(self, **told: str) -> None:
        """Switches of the simulator."""
        book = self.exchange.simulator.book
        book.switches = switches.parse(book.switches, told)

    async def signal(self, text: str = ZONE, id_: str = "1") -> Any:
        _, told = await self.bot.order(text, id_)
        return told

    def prices(self, *prices: str, symbol: str = "BTC-USDT") -> None:
        """One after the other, before the bot can do anything."""
        for price in prices:
            self.exchange.simulator.market.set(symbol, Decimal(price))
            self.exchange.simulator.work()

    async def by_hand(self, endpoint: str, **told: str) -> Any:
        return await self._told("foreign", {"endpoint": endpoint, **told})

    async def lose_stop(self) -> None:
        """A person cancels it in the exchange's app."""
        (stop,) = self.open("STOP_MARKET")
        await self.by_hand("cancel_order", symbol=stop.symbol, orderId=str(stop.id))

    async def rests(self) -> None:
        """A signal has become an entry that waits for its price."""
        self.prices("60500")
        await self.signal()
        await self.ends("pending")

    async def fill(self, quantity: str) -> None:
        """So much of the entry that rests."""
        (resting,) = (each for each in self.entries() if each.status in ("PENDING", "PARTIALLY_FILLED"))
        await self._told("fill", {"orderId": resting.id, "quantity": quantity})

    async def _told(self, path: str, body: Any) -> Any:
        status, told = await post(f"{self.exchange.url}/control/{path}", body)
        assert status == 200, told
        return told

    async def held(self, quantity: str = "0.1") -> None:
        """A signal has become a position, with its stop and both of its targets."""
        await self.signal()
        await self.ends("filled")
        await until(lambda: self.positions() == {("BTC-USDT", "LONG"): Decimal(quantity)})
        await until(lambda: self.is_guarded(targets=2))
        await until(self.bot_sees(1))

    # What the exchange has.

    def entries(self) -> list[Order]:
        return [each for each in self.exchange.simulator.book.all() if each.client_id and not each.is_closing]

    def positions(self) -> dict[Key, Decimal]:
        return {(each.symbol, each.side): each.quantity for each in self.exchange.simulator.book.positions()}

    def open(self, kind: str = "") -> list[Order]:
        return [each for each in self.exchange.simulator.book.open() if kind in ("", each.type)]

    def stopped(self) -> dict[Key, Decimal]:
        """How much of each position stops would close."""
        found = dict.fromkeys(self.positions(), Decimal(0))
        for stop in self.open("STOP_MARKET"):
            key = (stop.symbol, "SHORT" if stop.direction == "LONG" else "LONG")
            if key in found and stop.is_closing:
                found[key] += self.positions()[key] if stop.close_position else stop.remaining
        return found

    def is_guarded(self, targets: int | None = None) -> bool:
        """There is a position, each has stops for just what it is, and there are so many targets."""
        counted = targets is None or len(self.open("TAKE_PROFIT_MARKET")) == targets
        return bool(self.positions()) and self.stopped() == self.positions() and counted

    def is_empty(self) -> bool:
        return not self.positions() and not self.open()

    # What the bot says.

    def path(self) -> tuple[str, ...]:
        """The states of the first order, in the sequence in which they came."""
        first = self._lines("signal")[:1]
        name = first[0]["order"] if first else None
        changed = [each["state"] for each in self._lines("order") if each["order"] == name]
        return ("intent", *changed) if name else ()

    def _lines(self, event: str) -> list[dict[str, Any]]:
        lines = map(json.loads, self.bot.log.getvalue().splitlines())
        return [each for each in lines if each["event"] == event]

    def states(self) -> dict[str, str]:
        """Of each order the latest that was stored."""
        return {each["order"]: each["state"] for each in self._lines("order")}

    def unclosed(self) -> set[str]:
        """Orders that were filled, at least in part, and whose position the bot does not count as closed."""
        filled = {each.client_id for each in self.entries() if each.executed}
        return filled - {name for each in self._lines("position closed") for name in each["orders"]}

    def said(self, part: str) -> bool:
        return part in self.bot.log.getvalue()

    async def ends(self, state: str) -> None:
        await until(lambda: self.path()[-1:] == (state,), patience=30)

    def bot_sees(self, count: int, state: str = "open") -> Callable[[], Awaitable[bool]]:
        return self.reads(f'positions{{state="{state}"}}', count)

    def reads(self, series: str, value: float) -> Callable[[], Awaitable[bool]]:
        async def reads() -> bool:
            return await self.bot.metric(series) == value

        return reads

    async def watch(self, series: str) -> None:
        self.series, self.before, self.moved = series, await self.bot.metric(series), False

    async def moves(self) -> None:
        """Returns once the watched series is not what it was."""

        async def moved() -> bool:
            now = await self.bot.metric(self.series)
            return now is not None and abs(now - (self.before or 0)) >= MOVED

        await until(moved, patience=30)
        self.moved = True


Play = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A fault, and what has to come of it. Words stand on the page, the rest is compared."""

    name: str
    fault: str
    does: str
    states: tuple[str, ...]  # of the first order, from intent to its last
    ends: str
    series: str  # of what the bot measures, which has to move
    alert: str  # that looks at it; empty if nothing lasts of which anybody could be told
    orders: int = 1  # entries at the exchange in the end
    play: Play
    pace: Pace = PACE


def _is_ours_guarded(stage: Stage) -> bool:
    """A person made the position larger; what is ours of it has its stop."""
    return stage.stopped() == {("BTC-USDT", "LONG"): Decimal("0.1")} != stage.positions()


ENDS: dict[str, Callable[[Stage], bool]] = {
    "protected": lambda stage: stage.is_guarded() and max(stage.positions().values()) <= Decimal("0.1"),
    "ours protected": _is_ours_guarded,
    "nothing open": Stage.is_empty,
    "rests": lambda stage: not stage.positions() and [each.type for each in stage.open()] == ["LIMIT"],
    "left alone": lambda stage: bool(stage.positions()) and not stage.open(),
}


def case(
    fault: str,
    *,
    does: str,
    states: str,
    series: str,
    alert: str,
    ends: str = "protected",
    orders: int = 1,
    pace: Pace = PACE,
) -> Callable[[Play], Case]:
    def named(play: Play) -> Case:
        return Case(
            name=play.__name__,
            fault=fault,
            does=does,
            states=tuple(states.split()),
            ends=ends,
            series=series,
            alert=alert,
            orders=orders,
            play=play,
            pace=pace,
        )

    return named


async def looked(stage: Stage, times: int = 2) -> None:
    """So often has the bot ended a look at the account: twice, and one began after now."""
    series = "positions_updated_timestamp_seconds"
    for _ in range(times):
        before = await stage.bot.metric(series)

        async def is_newer(before: float | None = before) -> bool:
            return await stage.bot.metric(series) != before

        await until(is_newer)


def read_series(series: str) -> tuple[str, dict[str, str]]:
    """Name and labels of a series as it is exported."""
    name, _, labels = series.partition("{")
    return name, dict(re.findall(r'(\w+)="([^"]*)"', labels))


@asynccontextmanager
async def on_stage(dsn: str, exchange: Exchange, folder: Path, pace: Pace = PACE) -> AsyncIterator[Stage]:
    control = control_directory(folder / "control")
    async with running_bot(dsn, exchange.url, pace=pace, CONTROL_DIR=str(control), TIME_SCALE="10") as bot:
        yield Stage(bot=bot, exchange=exchange, control=control)
