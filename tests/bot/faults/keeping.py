"""Faults while an entry is filled in part or cancelled, and while the account cannot be read or closed."""

from dataclasses import replace

from tests.bot.faults.guarding import BUSY, OPEN, PATIENT, WITHOUT_STOP
from tests.bot.faults.stage import PACE, Stage, case
from tests.bot.play import until

EXPIRING = replace(PACE, entry_expiry=0.5)


@case(
    "an entry is filled in part, and its stop grows with it",
    does="lets the stop be",
    states="intent pending filled",
    series=OPEN,
    alert="",
)
async def filled_in_part(stage: Stage) -> None:
    await stage.rests()
    await stage.fill("0.04")
    await stage.moves()
    assert stage.is_guarded(targets=0)
    await stage.fill("0.06")
    await until(lambda: stage.is_guarded(targets=2))


@case(
    "an entry is filled in part, and its stop comes only at its end",
    does="places a stop for the part, and at the end keeps no more than one for all of it",
    states="intent pending filled",
    series=WITHOUT_STOP,
    alert="PositionWithoutStop",
    pace=PATIENT,
)
async def filled_in_part_uncovered(stage: Stage) -> None:
    stage.turn(partial_stop="when_done")
    await stage.rests()
    await stage.fill("0.04")
    await stage.moves()
    await until(stage.is_guarded)
    await stage.fill("0.06")
    await until(lambda: stage.is_guarded(targets=2))


@case(
    "an entry cannot be cancelled when its time is over",
    does="tries again; what was filled of it is covered meanwhile",
    states="intent pending cancelled",
    series="entries_past_expiry",
    alert="EntryPastExpiry",
    pace=EXPIRING,
)
async def not_cancelled(stage: Stage) -> None:
    stage.fail(errors={"cancel_order": {"code": 109500, "msg": "busy"}})
    await stage.rests()
    await stage.fill("0.04")
    await stage.moves()
    await until(stage.is_guarded)
    stage.mend()


@case(
    "cancels are not answered: not done at first, then done",
    does="asks what became of the entry",
    states="intent pending cancelled",
    series="entries_past_expiry",
    alert="EntryPastExpiry",
    ends="nothing open",
    pace=EXPIRING,
)
async def cancel_unanswered(stage: Stage) -> None:
    stage.fail(drop_before=True, only=["cancel_order"])
    await stage.rests()
    await stage.moves()
    stage.fail(drop_after=True, only=["cancel_order"])


@case(
    "an entry is filled while it is cancelled",
    does="takes the refused cancel as no answer, asks, and protects what was filled",
    states="intent pending filled",
    series='bingx_api_errors_total{endpoint="cancel_order",kind="business"}',
    alert="",
    pace=EXPIRING,
)
async def filled_while_cancelled(stage: Stage) -> None:
    stage.fail(delay_before=0.5, only=["cancel_order"])
    await stage.rests()
    await until(stage.reads('bingx_api_calls_total{endpoint="cancel_order"}', 1))
    stage.prices("60000")
    stage.mend()


@case(
    "positions are shown late",
    does="takes a position that is not shown yet for no closed one",
    states="intent filled",
    series=OPEN,
    alert="",
)
async def positions_late(stage: Stage) -> None:
    stage.fail(hide_positions=0.7)
    await stage.signal()
    await stage.moves()
    assert not stage.said("position closed")


@case(
    "positions are not shown for longer than that",
    does="believes that one is closed only if orders closed it, so it keeps the stop",
    states="intent filled",
    series=OPEN,
    alert="",
)
async def positions_hidden(stage: Stage) -> None:
    await stage.held()
    await stage.watch(OPEN)
    simulator = stage.exchange.simulator
    (position,) = simulator.book.positions()
    stage.fail(hide_positions=(simulator.now() - position.updated) / 1000 + 3)
    await stage.moves()
    await until(lambda: stage.said("no order closed it"))
    assert stage.is_guarded(targets=2)
    await until(stage.bot_sees(1))
    assert not stage.said("position closed")


@case(
    "positions cannot be read",
    does="counts itself as not ready; stops stay as they are",
    states="intent filled",
    series="bot_ready",
    alert="BotNotReady",
)
async def positions_unread(stage: Stage) -> None:
    await stage.held()
    await stage.watch("bot_ready")
    stage.fail(http_status=502, only=["positions"])
    await stage.moves()
    stage.mend()
    await until(stage.bot.is_ready)


@case(
    "the exchange answers nothing while the stop does its work",
    does="closes its books once it hears of it",
    states="intent filled",
    series='bingx_api_errors_total{endpoint="positions",kind="transport"}',
    alert="ExchangeAPIDown",
    ends="nothing open",
)
async def frozen(stage: Stage) -> None:
    await stage.held()
    stage.fail(frozen=True)
    await stage.moves()
    stage.prices("58900")
    stage.mend()


@case(
    "a position cannot be closed when trading is halted at level 3",
    does="tries again; the stop stays until there is no position",
    states="intent filled",
    series="bot_switch_level",
    alert="TradingHalted",
    ends="nothing open",
)
async def not_flattened(stage: Stage) -> None:
    await stage.held()
    stage.fail(errors=BUSY)
    (stage.control / "HALT").write_text("3 for a test")
    await stage.moves()
    await until(stage.reads('bingx_api_errors_total{endpoint="place_order",kind="business"}', 2))
    assert stage.is_guarded()
    stage.mend()


CASES = (
    filled_in_part,
    filled_in_part_uncovered,
    not_cancelled,
    cancel_unanswered,
    filled_while_cancelled,
    positions_late,
    positions_hidden,
    positions_unread,
    frozen,
    not_flattened,
)
