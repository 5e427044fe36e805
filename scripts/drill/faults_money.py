"""Faults of money and positions."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal

from config.spec.duration import Duration
from scripts.drill import hand
from scripts.drill.causes import order_of, shown
from scripts.drill.fault import ByHand, Daily, Fault, Script
from scripts.drill.world import World

_LEFT = Decimal(50)
_TAKEN = Decimal(40)
_FALL = Decimal("0.986")  # nearly to the stops, which stand 1.5 % below what was paid
_BUYS = 10  # of 9000 USDT each, so that the fall costs more than the 1000 of a day
_WALK = 0.0002  # how far prices go in a second, unless they stand still
_BAN_SECONDS = 60  # real ones: the bot believes in it for longer than the drill takes
_MEME = "1000PEPE-USDT"
_OTHERS = "LTC-USDT"  # the bot does not trade it


@asynccontextmanager
async def money_withdrawn(world: World) -> AsyncIterator[str]:
    out = await hand.balance(world) - _LEFT
    await hand.moved(world, -out, told=True)
    try:
        yield f"{out:.0f} USDT were withdrawn, and {_LEFT} are left"
    finally:
        await hand.moved(world, out, told=True)


@asynccontextmanager
async def money_taken(world: World) -> AsyncIterator[str]:
    await hand.moved(world, -_TAKEN, told=False)
    try:
        yield f"{_TAKEN} USDT are gone, and the exchange tells of no transfer"
    finally:
        status = await world.bot("GET", "/status")
        # Who took the balance as it is would find too much now.
        if abs(Decimal(status["money"]["difference_usdt"] or 0)) > _TAKEN / 2:
            await hand.moved(world, _TAKEN, told=False)


@asynccontextmanager
async def price_fallen(world: World) -> AsyncIterator[str]:
    """The price stops short of the stops: what is lost meanwhile is not lost for good."""
    await world.simulator("POST", "walk", json={"volatility": 0})
    before = await hand.price(world, "ETH-USDT")
    try:
        for _ in range(_BUYS):
            order_of(await world.send_signal("BUY ETHUSDT 3"), "filled", "pending")
        await world.simulator("POST", "prices", json={"ETH-USDT": f"{before * _FALL:.2f}"})
        lost = "the day's loss is more than its limit"
        await shown(world, lambda status: Decimal(status["money"]["loss_today_usdt"]) > 1000, lost)
        yield f"ETH fell by {(1 - _FALL) * 100:.1f} %, and {lost}"
    finally:
        await world.simulator("POST", "prices", json={"ETH-USDT": f"{before:f}"})
        await hand.sold(world, "ETH-USDT")  # so large that any other loss of it would do the same again
        await world.simulator("POST", "walk", json={"volatility": _WALK})


@asynccontextmanager
async def stop_lost_in_a_ban(world: World) -> AsyncIterator[str]:
    """The exchange has told the bot of a ban, and then lifts it: nobody else is kept from placing stops."""
    order_of(await world.send_signal("BUY SOLUSDT 1"), "filled", "pending")
    await shown(world, lambda status: _held(status, "SOL-USDT"), "the position is there")
    await world.simulator("POST", "bans", json={"place_order": _BAN_SECONDS})
    try:
        at = await hand.stop_cancelled(world, "SOL-USDT")
        await shown(world, lambda status: status["ban_seconds"] > 0, "the bot is told of the ban")
    finally:
        await world.simulator("DELETE", "bans")
    # A ban that the bot was told of ends by itself.
    yield f"the stop of SOL-USDT at {at} is cancelled, and the bot believes that it may place none"


@asynccontextmanager
async def stop_cancelled(world: World) -> AsyncIterator[str]:
    order_of(await world.send_signal("BUY SOLUSDT 1"), "filled", "pending")
    await shown(world, lambda status: _held(status, "SOL-USDT"), "the position is there")
    yield f"a person cancelled the stop of SOL-USDT at {await hand.stop_cancelled(world, 'SOL-USDT')}"


@asynccontextmanager
async def position_of_others(world: World) -> AsyncIterator[str]:
    await hand.opened(world, _OTHERS, "1")
    try:
        yield f"a person bought 1 {_OTHERS}"
    finally:
        await hand.sold(world, _OTHERS, "1")


@asynccontextmanager
async def leverage_raised(world: World) -> AsyncIterator[str]:
    order_of(await world.send_signal(f"BUY {_MEME.replace('-', '')} 10000"), "filled", "pending")
    await shown(world, lambda status: _held(status, _MEME), "the position is there")
    told = {"endpoint": "set_leverage", "symbol": _MEME, "side": "LONG"}
    await hand.foreign(world, **told, leverage="125")
    try:
        yield f"a person raised the leverage of {_MEME} to 125"
    finally:
        await hand.foreign(world, **told, leverage="10")


def _held(status: Mapping[str, object], symbol: str) -> bool:
    positions = status["positions"]
    assert isinstance(positions, list)
    return any(each["symbol"] == symbol for each in positions)


_SOMEBODY = "only people know what they did, and only the account's owner may undo it there"

FAULTS: Mapping[str, Fault | Daily] = {
    "LowExchangeBalance": Fault(
        what="nearly all money is withdrawn",
        cause=money_withdrawn,
        mend=(
            ByHand(
                does="pays in again",
                because="it is the owner's money",
                finds=r"the account holds less than 200 USDT: 50\.",
            ),
        ),
        every=None,
    ),
    "DailyLoss": Fault(
        what="the price of what is held falls, and the day's loss reaches its limit",
        cause=price_fallen,
        mend=(
            ByHand(
                does="waits until the price is back",
                because="prices are the market's; at the limit the bot has halted by itself",
                finds=r"today's loss of [0-9.]+ USDT is 1[0-9]{2} % of its limit of 1000",
            ),
        ),
        every=None,
        beside={"TradingHalted": "at the limit the bot halts"},
    ),
    "PositionWithoutStop": Fault(
        what="a stop is cancelled while the bot may place none",
        cause=stop_lost_in_a_ban,
        mend=(Script(arguments=("--confirm", "stops")),),
        every=None,
        beside={
            "ExchangeBan": "it is the ban that keeps the bot from placing the stop",
            "ReconciliationDifference": "a stop that is missing is one",
        },
    ),
    "StopReplaced": Fault(
        what="a person cancels a stop, and the bot places it again",
        cause=stop_cancelled,
        mend=(
            ByHand(
                does="agrees with the others that nobody cancels stops; the alert looks at an hour",
                because="the stop is back already, and only people know who took it away",
                finds="stop_placed",
            ),
        ),
    ),
    "ForeignPosition": Fault(
        what="a person opens a position by hand",
        cause=position_of_others,
        mend=(
            ByHand(
                does="closes it in the exchange's app",
                because=_SOMEBODY,
                finds=f"{_OTHERS}",
            ),
        ),
        every=None,
        beside={"PositionWithoutStop": "who opened it placed no stop either"},
    ),
    "LiquidationNear": Fault(
        what="a person raises the leverage of a position to 125",
        cause=leverage_raised,
        mend=(Script(arguments=("--set", f"close={_MEME}/long", "--confirm", f"{_MEME}/long")),),
    ),
    "BalanceDiffersFromFills": Fault(
        what="money is gone of which the exchange's history does not tell",
        cause=money_taken,
        mend=(Script(arguments=("--set", "accept=yes", "--confirm", "expected_balance")),),
        calm=Duration(300_000),
        beside={
            "BotDown": "the runbook restarts the bot, which takes as many seconds at any speed of time",
            "BotNotReady": "so does its start",
        },
    ),
}
