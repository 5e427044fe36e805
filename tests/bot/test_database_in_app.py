"""The true bot while its database fails: a signal ends as one order or none, and positions stay protected."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.bot.broken_database import Machine, wired
from tests.bot.faults.stage import PACE, Stage
from tests.bot.play import Bot, Exchange, running_bot, until

ROUNDS, AT_ONCE = 12, 3
SHORT = "BUY BTCUSDT 0.001"


async def test_wherever_the_database_breaks_off_a_signal_ends_as_one_order_or_none(
    dsn: str, exchange: Exchange
) -> None:
    dice = random.Random(5)
    async with wired(dsn) as wire, running_bot(wire.dsn, exchange.url, pace=PACE) as bot:
        names = [f"{turn}.{each}" for turn in range(ROUNDS) for each in range(AT_ONCE)]
        for turn in range(ROUNDS):
            sending = [asyncio.create_task(bot.order(SHORT, f"{turn}.{each}")) for each in range(AT_ONCE)]
            setattr(wire, dice.choice(("up", "down")), dice.randrange(1, 3000))
            await asyncio.gather(*sending)
            wire.heal()
        await until(bot.is_ready)
        orders: dict[str, str] = {}
        for name in names:
            await until(_has_ended(bot, name, orders))
    placed = Counter(each.client_id for each in exchange.simulator.book.all() if not each.is_closing)
    assert set(placed.values()) == {1}
    assert {name for name, state in orders.items() if state == "filled"} == set(placed)
    assert set(orders.values()) <= {"filled", "not_sent"}


async def test_while_the_database_is_frozen_nothing_is_ordered_and_positions_stay_protected(
    exchange: Exchange, tmp_path: Path
) -> None:
    machine = Machine(tmp_path)
    machine.start()
    try:
        async with running_bot(await machine.new("frozen"), exchange.url, pace=PACE) as bot:
            stage = Stage(bot=bot, exchange=exchange, control=tmp_path)
            await stage.held()
            with machine.frozen():
                await stage.lose_stop()
                await until(stage.is_guarded)
                status, told = await bot.order(SHORT, "frozen")
                assert (status, told["error"].partition(":")[0]) == (503, "nothing was ordered")
                assert len(stage.entries()) == 1
            await until(bot.is_ready)
            await until(_has_ended(bot, "frozen", {}))
            assert len(stage.entries()) <= 2
    finally:
        machine.stop()


def _has_ended(bot: Bot, name: str, orders: dict[str, str]) -> Callable[[], Awaitable[bool]]:
    """Told again, a signal says what it became; one that was never stored becomes an order now."""

    async def has_ended() -> bool:
        status, told = await bot.order(SHORT, name)
        order = told.get("order") if status == 200 else None
        if order:
            orders[order["client_id"]] = order["state"]
        return status == 200 and (order is None or order["state"] in ("filled", "not_sent"))

    return has_ended
