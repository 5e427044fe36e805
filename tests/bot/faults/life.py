"""A whole life of orders, long and short, in each market and mode, and what brings each switch to bear."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from unittest import mock

from bot.domain.plan import worst_price
from bot.domain.signal import Side
from bot.simulator.order import Order
from bot.simulator.switches import Switches
from tests.bot.faults.stage import Stage
from tests.bot.play import post, until

SLIPPAGE = Decimal("0.5")  # percent, as in config/bot.yaml
SEND_AND_ASK = ["place_order", "query_order"]
# The bot always names the side, rounds before it sends, and sends no id with a stop.
NEVER_ASKED = {"beyond_precision", "empty_side", "stop_client_id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Prices in the sequence in which a long meets them: between, entry, first target, stop."""

    symbol: str
    name: str  # as signals write it
    between: str
    entry: str
    target: str
    stop: str
    quantity: str
    part: str
    long: str
    short: str


BTC = Market(
    symbol="BTC-USDT",
    name="BTCUSDT",
    between="60500",
    entry="60000",
    target="61000",
    stop="59000",
    quantity="0.01",
    part="0.004",
    long="@ 59900-60000 SL 59000 TP 61000 62000",
    short="@ 61000-61100 SL 62000 TP 60000 59500",
)
PEPE = Market(
    symbol="1000PEPE-USDT",
    name="1000PEPEUSDT",
    between="0.0000081",
    entry="0.0000080",
    target="0.0000090",
    stop="0.0000070",
    quantity="3000001",
    part="1000000",
    long="@ 0.0000079-0.0000080 SL 0.0000070 TP 0.0000090 0.0000100",
    short="@ 0.0000082-0.0000083 SL 0.0000090 TP 0.0000075 0.0000070",
)
MARKETS = {"BTC": BTC, "PEPE": PEPE}


class Asked:
    """The switches, and which of them the simulator has looked at."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self.names: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.names.add(name)
        return getattr(self._switches, name)


@dataclass(slots=True, kw_only=True)
class Life:
    stage: Stage
    market: Market
    messages: int = 0
    signals: int = 0  # that were accepted

    def price(self, *prices: str) -> None:
        self.stage.prices(*prices, symbol=self.market.symbol)

    async def signal(self, side: str = "BUY") -> Any:
        """One that is accepted, as soon as the bot is done with the position before it."""
        zone = self.market.long if side == "BUY" else self.market.short
        text = f"{side} {self.market.name} {self.market.quantity} {zone}"
        answers: list[Any] = []

        async def is_accepted() -> bool:
            self.messages += 1
            answers.append(await self.stage.signal(text, str(self.messages)))
            accepted: bool = answers[-1]["verdict"] == "accepted"
            assert accepted or answers[-1]["reason"].startswith("closing:"), answers[-1]
            return accepted

        await until(is_accepted)
        self.signals += 1
        return answers[-1]

    async def seen(self, price: str) -> None:
        """The price is this, and the bot knows it: a plan without a zone says what it would still accept."""
        self.price(price)
        contract = self.stage.exchange.simulator.market.contracts[self.market.symbol]
        wanted = worst_price(Side.BUY, Decimal(price), SLIPPAGE, contract.tick)
        text = {"message": f"BUY {self.market.name} {self.market.quantity}", "source": "test"}

        async def is_seen() -> bool:
            _, told = await post(f"{self.stage.bot.url}/debug/signal", text)
            return bool(told.get("plan") and Decimal(told["plan"]["price"]) == wanted)

        await until(is_seen)

    async def rest(self, side: str = "BUY") -> None:
        await self.seen(self.market.between)
        await self.signal(side)
        await until(lambda: [each.type for each in self.stage.open()] == ["LIMIT"])

    async def hold(self) -> None:
        """An entry is filled at once, and gets its stop and its targets."""
        await self.seen(self.market.entry)
        await self.signal()
        await self.guarded(targets=2)

    async def guarded(self, targets: int | None = None) -> None:
        await until(lambda: self.stage.is_guarded(targets), patience=30)

    async def hold_unseen(self) -> None:
        """What becomes of the position from now on is shown late."""
        await self.hold()
        simulator, late = self.stage.exchange.simulator, 1.5
        (position,) = simulator.book.positions()
        await until(lambda: simulator.now() - position.updated > late * 1000)
        self.stage.fail(hide_positions=late)

    async def lose(self) -> None:
        """The price falls to the stop; then nothing is left, and the bot knows it."""
        self.price(self.market.stop)
        await self.closed()

    async def closed(self) -> None:
        await until(self.stage.is_empty, patience=30)
        await until(self.stage.bot_sees(0), patience=30)
        await until(lambda: not self.stage.unclosed(), patience=30)

    @property
    def at_hand(self) -> Mapping[str, str]:
        """What an order that closes half of the long has to say, if a person places it."""
        hedge = self.stage.exchange.simulator.book.account.hedge
        sides = {"positionSide": "LONG"} if hedge else {"positionSide": "BOTH", "reduceOnly": "true"}
        return {"symbol": self.market.symbol, "side": "SELL", "type": "MARKET", **sides}


async def live(life: Life) -> None:
    """Rests, is filled in part, and whole; a target is reached, then the stop; and a short is flattened."""
    stage, market = life.stage, life.market
    await life.rest()
    await stage.fill(market.part)
    await life.guarded()
    await stage.fill(str(Decimal(market.quantity) - Decimal(market.part)))
    await life.guarded(targets=2)
    life.price(market.target)
    await life.guarded(targets=1)
    await life.lose()


async def be_flattened(life: Life) -> None:
    """Trading is halted at level 3 while a short entry is filled in part."""
    await life.rest("SELL")
    await life.stage.fill(life.market.part)
    await life.guarded()
    (life.stage.control / "HALT").write_text("3 the end")
    await life.closed()


async def _clock(life: Life) -> None:
    unread = {"server_time": {"code": 109500, "msg": "busy"}}
    life.stage.fail(clock_skew=7, errors=unread)
    await until(lambda: "gateway_status" in _asked(life), patience=30)
    life.stage.fail(clock_skew=7)
    await life.hold()
    await life.lose()
    life.stage.mend()


async def _ban(life: Life) -> None:
    simulator = life.stage.exchange.simulator
    code = int(simulator.book.switches.rate_code)
    simulator.limits.ban("place_order", simulator.now() + 1500, code)
    await life.seen(life.market.entry)
    told = await life.signal()
    assert told["order"]["state"] == "not_sent", told
    until_ = await life.stage.bot.metric("bingx_ban_until_timestamp_seconds")
    assert until_ is not None
    await until(lambda: time.time() > until_)
    await life.hold()
    await life.lose()


async def _duplicate(life: Life) -> None:
    await life.seen(life.market.between)
    life.stage.fail(drop_after=1, hide_orders=300)
    await life.rest()
    await until(life.stage.reads('reconciliation_differences{kind="order_missing"}', 1), patience=30)
    life.stage.mend()
    life.price(life.market.entry)
    await life.guarded(targets=2)
    await life.lose()


async def _no_margin(life: Life) -> None:
    book = life.stage.exchange.simulator.book
    place = book.place

    def placed_without_money(*arguments: Any) -> Order:
        # Gone for the one look: the bot reads the balance all the time, and would refuse by itself.
        had, book.account.balance = book.account.balance, Decimal("0.01")
        try:
            return place(*arguments)
        finally:
            book.account.balance = had

    await life.seen(life.market.entry)
    with mock.patch.object(book, "place", placed_without_money):
        told = await life.signal()
    assert told["order"]["state"] == "rejected", told


async def _closed_unseen(life: Life) -> None:
    await life.hold_unseen()
    await life.stage.by_hand("close_all", symbol=life.market.symbol)
    await life.stage.by_hand("cancel_all", symbol=life.market.symbol)
    await until(lambda: "no_position" in _asked(life), patience=30)
    await life.closed()
    life.stage.mend()


async def _shrunk_unseen(life: Life) -> None:
    await life.hold_unseen()
    await life.stage.by_hand("place_order", **life.at_hand, quantity=life.market.part)
    await life.stage.by_hand("cancel_all", symbol=life.market.symbol)
    await until(lambda: "too_much" in _asked(life), patience=30)
    await life.guarded()
    life.stage.mend()
    await life.lose()


async def _cancel(life: Life) -> None:
    """The price runs away from an entry, whose cancel is on its way for a while."""
    await life.rest()
    life.stage.fail(delay_before=0.5, only=["cancel_order"])
    life.price(life.market.target)
    calls = 'bingx_api_calls_total{endpoint="cancel_order"}'
    before = await life.stage.bot.metric(calls) or 0
    await until(life.stage.reads(calls, before + 1), patience=30)


async def _hidden_while_cancelled(life: Life) -> None:
    await _cancel(life)
    life.stage.fail(hide_orders=300)
    await until(lambda: "cancel_absent" in _asked(life), patience=30)
    life.stage.mend()
    await life.closed()


async def _filled_while_cancelled(life: Life) -> None:
    await _cancel(life)
    life.price(life.market.entry)
    await until(lambda: "cancel_closed" in _asked(life), patience=30)
    life.stage.mend()
    await life.guarded(targets=2)
    await life.lose()


async def _shown_late(life: Life) -> None:
    await life.seen(life.market.entry)
    life.stage.fail(drop_after=1, hide_orders=0.7)
    await life.signal()
    await life.guarded(targets=2)
    life.stage.mend()
    await life.lose()


async def _many_unanswered(life: Life) -> None:
    """So many that the bot asks for a list."""
    await life.seen(life.market.entry)
    life.stage.fail(drop_after=True, only=SEND_AND_ASK)
    await asyncio.gather(*(life.signal() for _ in range(6)))
    life.stage.mend()
    await until(lambda: "history" in _asked(life), patience=30)
    await life.guarded()
    await life.lose()


async def _oversized(life: Life) -> None:
    await life.hold()
    life.price(life.market.target, life.market.stop)
    await life.closed()


def _asked(life: Life) -> set[str]:
    switches: Any = life.stage.exchange.simulator.book.switches
    names: set[str] = switches.names
    return names


# What the plain life does not come to.
PROVOKED: Mapping[str, Callable[[Life], Awaitable[None]]] = {
    "gateway_status": _clock,
    "rate_code": _ban,
    "duplicate": _duplicate,
    "margin": _no_margin,
    "no_position": _closed_unseen,
    "too_much": _shrunk_unseen,
    "cancel_absent": _hidden_while_cancelled,
    "cancel_closed": _filled_while_cancelled,
    "hidden": _shown_late,
    "history": _many_unanswered,
    "oversized_stop": _oversized,
}
