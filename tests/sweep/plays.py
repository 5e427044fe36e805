"""What happens to the bot until it is killed: signals and prices, one after the other, without timers."""

import asyncio
from collections.abc import Awaitable, Callable

from bot.domain.switch import Level
from tests.sweep.hand import PACE, Hand

# Rests below the price of 60000, with one target that goes out with it.
LIMIT = "BUY BTCUSDT 0.1 @ 59800 SL 59000 TP 61000"
# Its near edge is above the price, so that it is filled at once.
ZONE = "BUY BTCUSDT 0.1 @ 60000-60500 SL 59000 TP 61000"
LADDER = "BUY BTCUSDT 0.1 @ 60000-60500 SL 59000 TP 61000 62000 63000 64000"
RESTING_LADDER = "BUY BTCUSDT 0.1 @ 59800 SL 59000 TP 61000 62000"
SHORT = "SELL BTCUSDT 0.05 @ 60000 SL 61000 TP 58000 57000"
SECOND = "BUY BTCUSDT 0.05 @ 60000-60500 SL 59500 TP 61500 62500"
PEPE = "BUY 1000PEPEUSDT 10000000 @ 0.0000081 SL 0.0000079 TP 0.0000084 0.0000086"


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
