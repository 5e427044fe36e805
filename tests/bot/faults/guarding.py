"""Faults while a position is held: it is covered by its stop again soon, or closed."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.bot.faults.stage import PACE, Stage, case, looked
from tests.bot.play import until

WITHOUT_STOP = 'positions{state="without_stop"}'
REPLACED = 'positions_without_stop_found_total{answer="stop_placed"}'
CLOSED = 'positions_without_stop_found_total{answer="closed"}'
OPEN = 'positions{state="open"}'
BUSY: Any = {"place_order": {"code": 109500, "msg": "busy"}}
PATIENT = replace(PACE, protect_after=1.5)


async def _lost(stage: Stage) -> None:
    """Held, without its stop, and the exchange takes no other for now."""
    await stage.held()
    stage.fail(errors=BUSY)
    await stage.lose_stop()
    await stage.moves()


@case(
    "the stop is gone",
    does="places one for just what is not covered",
    states="intent filled",
    series=REPLACED,
    alert="StopReplaced",
    pace=PATIENT,
)
async def stop_lost(stage: Stage) -> None:
    await stage.held()
    await stage.lose_stop()
    await stage.moves()


@case(
    "the stop is gone, and others are refused (109500)",
    does="tries again as often as the exchange could hide one that it took",
    states="intent filled",
    series='reconciliation_differences{kind="stop_missing"}',
    alert="ReconciliationDifference",
)
async def stop_refused(stage: Stage) -> None:
    await _lost(stage)
    errors = 'bingx_api_errors_total{endpoint="place_order",kind="business"}'
    await until(stage.reads(errors, 2))
    stage.mend()


@case(
    "the stop is gone, and the answer to the next one is lost",
    does="looks whether it is there before it places another",
    states="intent filled",
    series=WITHOUT_STOP,
    alert="PositionWithoutStop",
    pace=PATIENT,
)
async def stop_unanswered(stage: Stage) -> None:
    await stage.held()
    orders = stage.exchange.simulator.book.history
    placed = len(orders())
    stage.fail(drop_after=1, hide_orders=0.7)
    await stage.lose_stop()
    await stage.moves()
    await until(lambda: stage.is_guarded(targets=2))
    await until(stage.bot_sees(0, "without_stop"))
    assert len(orders()) == placed + 1


@case(
    "the stop is gone while orders are banned",
    does="tries it as soon as the ban that it was told is over",
    states="intent filled",
    series="bingx_ban_until_timestamp_seconds",
    alert="ExchangeBan",
)
async def stop_banned(stage: Stage) -> None:
    await stage.held()
    simulator = stage.exchange.simulator
    simulator.limits.ban("place_order", simulator.now() + 2500, 100410)
    await stage.lose_stop()
    await stage.moves()


@case(
    "the price is past the stop, and there is none",
    does="closes the position at the market",
    states="intent filled",
    series=WITHOUT_STOP,
    alert="PositionWithoutStop",
    ends="nothing open",
)
async def past_the_stop(stage: Stage) -> None:
    await _lost(stage)
    stage.prices("58900")
    stage.mend()


@case(
    "the stop is refused since the price is past it (110411)",
    does="closes the position at the market",
    states="intent filled",
    series=WITHOUT_STOP,
    alert="PositionWithoutStop",
    ends="nothing open",
    pace=PATIENT,
)
async def stop_past_price(stage: Stage) -> None:
    await stage.held()
    stage.fail(errors={"place_order": {"code": 110411, "msg": "below the price", "times": 1}})
    await stage.lose_stop()
    await stage.moves()


@case(
    "the answer to a close is lost",
    does="sends the close of the same position under the same id",
    states="intent filled",
    series=WITHOUT_STOP,
    alert="PositionWithoutStop",
    ends="nothing open",
)
async def close_unanswered(stage: Stage) -> None:
    await _lost(stage)
    stage.prices("58900")
    stage.fail(drop_after=1, hide_positions=0.8)
    await until(stage.bot_sees(0))


@case(
    "a triggered stop fails, and the price stays past it",
    does="closes what is left at the market",
    states="intent filled",
    series=CLOSED,
    alert="StopReplaced",
    ends="nothing open",
    pace=PATIENT,
)
async def stop_failed(stage: Stage) -> None:
    stage.turn(oversized_stop="fails")
    await stage.held()
    stage.prices("61000", "58900")
    assert (stage.stopped(), stage.positions()) == (_btc("0"), _btc("0.05"))
    await stage.moves()


@case(
    "a triggered stop fails, and the price comes back",
    does="places another for what is left",
    states="intent filled",
    series=REPLACED,
    alert="StopReplaced",
    pace=PATIENT,
)
async def stop_failed_for_a_moment(stage: Stage) -> None:
    stage.turn(oversized_stop="fails")
    await stage.held()
    stage.prices("61000", "58900", "60500")
    assert (stage.stopped(), stage.positions()) == (_btc("0"), _btc("0.05"))
    await stage.moves()


@case(
    "a triggered stop is filled in parts",
    does="counts what is left of the stop, and lets it work",
    states="intent filled",
    series=OPEN,
    alert="",
    ends="nothing open",
)
async def stop_in_parts(stage: Stage) -> None:
    await stage.held()
    await stage.watch(OPEN)
    placed = len(stage.exchange.simulator.book.history())
    stage.fail(partial_fill=0.3)
    for left in ("0.07", "0.04", "0.01"):
        stage.prices("58900")
        assert stage.stopped() == stage.positions() == _btc(left)
        await looked(stage)
    stage.prices("58900")
    await until(stage.bot_sees(0))
    assert len(stage.exchange.simulator.book.history()) == placed


def _btc(quantity: str) -> dict[tuple[str, str], Decimal]:
    return {("BTC-USDT", "LONG"): Decimal(quantity)}


CASES = (
    stop_lost,
    stop_refused,
    stop_unanswered,
    stop_banned,
    past_the_stop,
    stop_past_price,
    close_unanswered,
    stop_failed,
    stop_failed_for_a_moment,
    stop_in_parts,
)
