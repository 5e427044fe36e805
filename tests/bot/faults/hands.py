"""What a person does at the exchange, or the exchange by itself, behind the bot's back."""

from dataclasses import replace

from tests.bot.faults.stage import PACE, Stage, case
from tests.bot.play import until

OPEN = 'positions{state="open"}'
LONG = {"symbol": "BTC-USDT", "positionSide": "LONG"}


@case(
    "a person opens a position",
    does="leaves it alone, and refuses signals in its symbol",
    states="",
    series='positions{state="foreign"}',
    alert="ForeignPosition",
    ends="left alone",
    orders=0,
)
async def foreign_position(stage: Stage) -> None:
    await stage.by_hand("place_order", **LONG, side="BUY", type="MARKET", quantity="0.05")
    await stage.moves()
    told = await stage.signal()
    assert (told["verdict"], told["reason"].partition(":")[0]) == ("refused", "foreign_position")


@case(
    "a person places an order",
    does="leaves it alone",
    states="",
    series='reconciliation_differences{kind="order_foreign"}',
    alert="ForeignOrder",
    ends="rests",
    orders=0,
)
async def foreign_order(stage: Stage) -> None:
    await stage.by_hand("place_order", **LONG, side="BUY", type="LIMIT", quantity="0.05", price="50000")
    await stage.moves()


@case(
    "a person makes our position larger",
    does="covers what is its own",
    states="intent filled",
    series='reconciliation_differences{kind="position_size"}',
    alert="ReconciliationDifference",
    ends="ours protected",
)
async def made_larger(stage: Stage) -> None:
    await stage.held()
    await stage.by_hand("place_order", **LONG, side="BUY", type="MARKET", quantity="0.05")
    await stage.moves()


@case(
    "a person closes part of our position",
    does="puts one stop for the whole position in the place of those that are too large",
    states="intent filled",
    series='bingx_api_calls_total{endpoint="cancel_order"}',
    alert="",
)
async def closed_in_part(stage: Stage) -> None:
    await stage.held()
    await stage.by_hand("place_order", **LONG, side="SELL", type="MARKET", quantity="0.06")
    await stage.moves()


@case(
    "a person closes our position",
    does="cancels what is left of its stops and targets",
    states="intent filled",
    series=OPEN,
    alert="",
    ends="nothing open",
)
async def closed_by_hand(stage: Stage) -> None:
    await stage.held()
    await stage.watch(OPEN)
    await stage.by_hand("close_all", symbol="BTC-USDT")
    await stage.moves()
    await until(lambda: stage.said("position closed"))


@case(
    "a person cancels all our orders",
    does="places stop and targets again",
    states="intent filled",
    series='positions{state="without_stop"}',
    alert="PositionWithoutStop",
    pace=replace(PACE, protect_after=1.5),
)
async def cancelled_all(stage: Stage) -> None:
    await stage.held()
    await stage.by_hand("cancel_all", symbol="BTC-USDT")
    await stage.moves()
    await until(lambda: stage.is_guarded(targets=2))


@case(
    "a person cancels our entry",
    does="takes it as cancelled",
    states="intent pending cancelled",
    series='orders_by_status{status="cancelled"}',
    alert="",
    ends="nothing open",
)
async def entry_cancelled(stage: Stage) -> None:
    await stage.rests()
    (entry,) = stage.entries()
    await stage.by_hand("cancel_order", symbol=entry.symbol, orderId=str(entry.id))
    await stage.moves()


@case(
    "the exchange forgets an entry that rested",
    does="believes neither that it is there nor that it is not, and tells a person",
    states="intent pending",
    series='reconciliation_differences{kind="order_missing"}',
    alert="ReconciliationDifference",
    ends="rests",
)
async def forgotten(stage: Stage) -> None:
    await stage.rests()
    stage.fail(hide_orders=300)
    await stage.moves()
    assert stage.path() == ("intent", "pending")
    stage.mend()
    await until(stage.reads(stage.series, 0))


@case(
    "a person takes the account out of hedge mode",
    does="sends nothing while it cannot set leverage, until it has read the mode again, each minute",
    states="intent not_sent",
    series='orders_failed_total{reason="not_sent",source="test"}',
    alert="HighOrderFailureRate",
    ends="nothing open",
    orders=0,
)
async def mode_changed(stage: Stage) -> None:
    await stage.by_hand("set_position_mode", dualSidePosition="false")
    await stage.signal()
    await stage.moves()


CASES = (
    foreign_position,
    foreign_order,
    made_larger,
    closed_in_part,
    closed_by_hand,
    cancelled_all,
    entry_cancelled,
    forgotten,
    mode_changed,
)
