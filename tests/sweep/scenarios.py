"""What happens to the bot until it is killed: signals and prices, one after the other, without timers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.domain.switch import Level
from tests.sweep.hand import BETWEEN_LOOKS, PACE, Hand

# Rests below the price of 60000, with one target that goes out with it.
LIMIT = "BUY BTCUSDT 0.1 @ 59800 SL 59000 TP 61000"
# Its near edge is above the price, so that it is filled at once.
ZONE = "BUY BTCUSDT 0.1 @ 60000-60500 SL 59000 TP 61000"
LADDER = "BUY BTCUSDT 0.1 @ 60000-60500 SL 59000 TP 61000 62000 63000 64000"
RESTING_LADDER = "BUY BTCUSDT 0.1 @ 59800 SL 59000 TP 61000 62000"
SHORT = "SELL BTCUSDT 0.05 @ 60000 SL 61000 TP 58000 57000"
SECOND = "BUY BTCUSDT 0.05 @ 60000-60500 SL 59500 TP 61500 62500"
PEPE = "BUY 1000PEPEUSDT 10000000 @ 0.0000081 SL 0.0000079 TP 0.0000084 0.0000086"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`end` is where the price goes at last, so that every position meets its stop."""

    name: str
    play: Callable[[Hand], Awaitable[None]] | None  # none: the whole application, by its own timers
    switches: Mapping[str, str] = field(default_factory=dict)
    hedge: bool = True
    symbol: str = "BTC-USDT"
    begin: str = "60000"
    away: float = 0.0  # seconds from the kill to the next start
    meanwhile: tuple[str, ...] = ()  # prices
    end: tuple[str, ...] = ("58000",)
    from_start: bool = False  # also the steps by which the bot starts are killed
    pace: float = BETWEEN_LOOKS  # seconds between two looks
    lag: int = 0  # looks more until all that changed is shown
    most: int | None = None  # points, drawn evenly from all: it runs by true time, and so for long


async def alone(hand: Hand) -> None:
    await hand.signal(ZONE)


async def limit(hand: Hand) -> None:
    await hand.signal(LIMIT)
    await hand.look(2)
    hand.venue.price("59700")
    await hand.look(3)


async def zone(hand: Hand) -> None:
    await hand.signal(ZONE)
    await hand.look(3)


async def start(hand: Hand) -> None:
    await hand.look()
    await hand.signal(ZONE)
    await hand.look(2)


async def twice(hand: Hand) -> None:
    """The source delivers the message again while it is under way, and again after that."""
    await asyncio.gather(hand.signal(ZONE), hand.signal(ZONE))
    await hand.signal(ZONE)
    await hand.look(2)


async def ladder(hand: Hand) -> None:
    await hand.signal(LADDER)
    await hand.look(4)


async def partial(hand: Hand) -> None:
    await hand.signal(RESTING_LADDER)
    await hand.look()
    hand.venue.fill(hand.id_of(), "0.04")
    await hand.look(4)
    hand.venue.fill(hand.id_of(), "0.06")
    await hand.look(5)


async def partial_then_expiry(hand: Hand) -> None:
    await hand.signal(RESTING_LADDER)
    hand.venue.fill(hand.id_of(), "0.04")
    await hand.look(3)
    hand.skip(PACE.entry_expiry)
    hand.note("unwanted")
    await hand.look(5)


async def expiry(hand: Hand) -> None:
    await hand.signal(LIMIT)
    await hand.look()
    hand.skip(PACE.entry_expiry)
    hand.note("unwanted")
    await hand.look(3)


async def late_expiry(hand: Hand) -> None:
    """By then the exchange does not find it by its id any more."""
    await hand.signal(LIMIT)
    await hand.look()
    hand.skip(3 * 3600)
    hand.note("unwanted")
    await hand.look(3)


async def target_first(hand: Hand) -> None:
    await hand.signal(LIMIT)
    await hand.look()
    hand.venue.price("61000")
    hand.note("unwanted")
    await hand.look(3)


async def stop_first(hand: Hand) -> None:
    """Part of the entry was filled; then its stop, which the rest of it must not outlive."""
    await hand.signal(RESTING_LADDER)
    hand.venue.fill(hand.id_of(), "0.04")
    await hand.look(3)
    hand.venue.price("58900")
    await hand.look(5)


async def person_cancels(hand: Hand) -> None:
    await hand.signal(LIMIT)
    await hand.look()
    hand.venue.cancel(hand.id_of())
    hand.note("unwanted")
    await hand.look(2)


async def stopped(hand: Hand) -> None:
    await hand.signal(LADDER)
    await hand.look(4)
    hand.venue.price("58900")
    await hand.look(5)


async def targets(hand: Hand) -> None:
    await hand.signal(LADDER)
    await hand.look(4)
    for price in ("61000", "62000", "63500", "64000"):
        hand.venue.price(price)
        await hand.look(2)
    await hand.look(3)


def halted(level: Level) -> Callable[[Hand], Awaitable[None]]:
    async def play(hand: Hand) -> None:
        await hand.signal(ZONE, "1")
        await hand.signal(LIMIT, "2")
        await hand.signal(SHORT, "3")
        await hand.look(3)
        await hand.halt(level)
        await hand.look(6)

    return play


async def lost_after(hand: Hand) -> None:
    hand.venue.fault(drop_after=1)
    await hand.signal(ZONE)
    await hand.look(3)


async def lost_after_resting(hand: Hand) -> None:
    hand.venue.fault(drop_after=1)
    await hand.signal(LIMIT)
    await hand.look(3)


async def lost_and_hidden(hand: Hand) -> None:
    hand.venue.fault(drop_after=1, hide_orders=4, hide_positions=4)
    await hand.signal(ZONE)
    await hand.look(5)


async def lost_before(hand: Hand) -> None:
    """Goes out again, under its own id."""
    hand.venue.fault(drop_before=1)
    await hand.signal(ZONE)
    await hand.look(7)


async def lost_for_good(hand: Hand) -> None:
    """The price has left before it may go out again."""
    hand.venue.fault(drop_before=1)
    await hand.signal(ZONE)
    hand.venue.price("60900")
    await hand.look(6)


async def stop_lost(hand: Hand) -> None:
    """Of the part that is filled; the exchange took the stop, and it has no id to ask for."""
    await hand.signal(RESTING_LADDER)
    hand.venue.fill(hand.id_of(), "0.04")
    await hand.look()
    hand.venue.fault(drop_after=1)
    await hand.look(5)


async def stop_hidden(hand: Hand) -> None:
    hand.venue.fault(hide_orders=4.5, hide_positions=4.5)
    await hand.signal(RESTING_LADDER)
    hand.venue.fill(hand.id_of(), "0.04")
    await hand.look(12)
    hand.venue.fill(hand.id_of(), "0.06")
    await hand.look(10)


async def targets_lost(hand: Hand) -> None:
    await hand.signal(LADDER)
    hand.venue.fault(drop_after=2)
    await hand.look(6)


async def cancel_lost(hand: Hand) -> None:
    await hand.signal(LIMIT)
    await hand.look()
    hand.venue.fault(drop_after=1, only=["cancel_order"])
    hand.skip(PACE.entry_expiry)
    hand.note("unwanted")
    await hand.look(3)


async def closes_lost(hand: Hand) -> None:
    await hand.signal(ZONE, "1")
    await hand.signal(SHORT, "3")
    await hand.look(2)
    hand.venue.fault(drop_after=2)
    await hand.halt(Level.FLATTEN)
    await hand.look(6)


async def two_trades(hand: Hand) -> None:
    await hand.signal(ZONE, "1")
    await hand.signal(SECOND, "2")
    await hand.look(3)
    hand.venue.price("59400")
    await hand.look(4)


async def file_halts(hand: Hand) -> None:
    await hand.signal(ZONE, "1")
    await hand.signal(LIMIT, "2")
    await hand.look()
    hand.write_halt("2 a person stops it")
    hand.note("halted 2")
    await hand.look(3)


async def short(hand: Hand) -> None:
    await hand.signal(SHORT)
    await hand.look(3)
    hand.venue.price("58000")
    await hand.look(3)


async def adopting(hand: Hand) -> None:
    hand.note("person 0.02")
    hand.venue.person(symbol="BTC-USDT", side="BUY", positionSide="LONG", type="MARKET", quantity="0.02")
    await hand.look()
    await hand.adopt("59000", "61000", "62000")
    await hand.look(4)


async def pepe(hand: Hand) -> None:
    await hand.signal(PEPE)
    await hand.look(4)
    hand.venue.price("0.0000084", "1000PEPE-USDT")
    await hand.look(2)


TWO_HOURS = {"client_id_window": "2h"}
BOTH_STOPS = ("58000", "62000")
SCENARIOS = (
    Scenario(name="order alone", play=alone),
    Scenario(name="start", play=start, from_start=True),
    Scenario(name="limit", play=limit),
    Scenario(name="zone", play=zone),
    Scenario(name="message twice", play=twice),
    Scenario(name="ladder of four", play=ladder),
    Scenario(name="ladder, one-way", play=ladder, hedge=False),
    Scenario(name="partial, stop grows", play=partial),
    Scenario(name="partial, stop when done", play=partial, switches={"partial_stop": "when_done"}),
    Scenario(name="partial and expiry", play=partial_then_expiry),
    Scenario(
        name="partial and expiry, late stop", play=partial_then_expiry, switches={"partial_stop": "when_done"}
    ),
    Scenario(name="expiry", play=expiry),
    Scenario(name="expiry after hours", play=late_expiry, switches=TWO_HOURS),
    Scenario(name="target first", play=target_first),
    Scenario(name="stop first", play=stop_first),
    Scenario(name="stop first, late stop", play=stop_first, switches={"partial_stop": "when_done"}),
    Scenario(name="person cancels", play=person_cancels),
    Scenario(name="exit by stop", play=stopped),
    Scenario(name="exit by targets", play=targets),
    Scenario(name="halt 1", play=halted(Level.NO_ENTRIES), end=BOTH_STOPS),
    Scenario(name="halt 2", play=halted(Level.CANCEL_ENTRIES), end=BOTH_STOPS),
    Scenario(name="halt 3, flatten", play=halted(Level.FLATTEN), end=BOTH_STOPS),
    Scenario(name="answer lost", play=lost_after),
    Scenario(name="answer lost, resting", play=lost_after_resting),
    Scenario(name="answer lost, hidden", play=lost_and_hidden, lag=2),
    Scenario(name="request lost", play=lost_before),
    Scenario(name="request lost for good", play=lost_for_good),
    Scenario(name="stop lost", play=stop_lost, switches={"partial_stop": "when_done"}),
    Scenario(name="stop hidden", play=stop_hidden, switches={"partial_stop": "when_done"}, pace=1.0, lag=10),
    Scenario(name="targets lost", play=targets_lost),
    Scenario(name="cancel lost", play=cancel_lost),
    Scenario(name="closes lost", play=closes_lost, end=BOTH_STOPS),
    Scenario(name="two trades", play=two_trades),
    Scenario(name="HALT file", play=file_halts),
    Scenario(name="exit, large stops fail", play=targets, switches={"oversized_stop": "fails"}),
    Scenario(
        name="short, one-way", play=short, hedge=False, switches={"one_way_side": "both"}, end=("62000",)
    ),
    Scenario(name="filled while dead", play=limit, meanwhile=("59700",)),
    Scenario(name="stopped while dead", play=ladder, meanwhile=("58900",)),
    Scenario(name="target while dead", play=ladder, meanwhile=("61500",)),
    Scenario(name="dead for hours", play=limit, switches=TWO_HOURS, away=3 * 3600, meanwhile=("59700",)),
    Scenario(name="answer lost for hours", play=lost_after, switches=TWO_HOURS, away=3 * 3600),
    Scenario(name="adopt", play=adopting),
    Scenario(name="1000PEPE", play=pepe, symbol="1000PEPE-USDT", begin="0.0000081", end=("0.0000078",)),
    Scenario(name="whole application", play=None, most=100),
)

# Of these the recovery is killed, too: after so much of the first life, as a share of its points.
RECOVERIES: Mapping[str, Sequence[float]] = {
    "zone": (0.1, 0.3, 0.5),
    "partial, stop when done": (0.5, 0.7, 0.9),
    "exit by targets": (0.4, 0.8),
    "halt 3, flatten": (0.5, 0.7, 0.9),
    "answer lost, hidden": (0.3, 0.6),
    "request lost": (0.5,),
    "stop lost": (0.8,),
    "closes lost": (0.8,),
    "stopped while dead": (0.5,),
    "adopt": (0.5,),
}
