"""The true bot, halted while database, exchange or control directory are broken around it."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.aiopg_mend import mend
from bot.simulator import faults
from tests.bot.broken_database import Machine
from tests.bot.play import TOKEN, Bot, Exchange, get, post, running_bot, until

SOON = 5.0  # seconds; it waits one for the database, and the machine may be busy


@pytest.fixture
async def dsn(machine: Machine, request: pytest.FixtureRequest) -> str:
    mend()
    return await machine.new(f"test_{abs(hash(request.node.nodeid))}")


def set_faults(exchange: Exchange, **told: Any) -> None:
    exchange.simulator.faults = faults.parse(faults.Faults(), told) if told else faults.Faults()


async def switch(bot: Bot, level: int, **more: Any) -> tuple[int, Any]:
    async with asyncio.timeout(SOON):
        body = {"level": level, "reason": "the reason", "who": "ann", **more}
        return await post(f"{bot.url}/trading", body, TOKEN)


def stands(bot: Bot, level: int) -> Callable[[], Awaitable[bool]]:
    """And not by the HALT file alone."""

    async def stands() -> bool:
        held = (await get(f"{bot.url}/status"))[1]["switch"]
        return held["level"] == level and held["kept"] and held["since"] is not None

    return stands


def trades(bot: Bot) -> Callable[[], Awaitable[bool]]:
    async def trades() -> bool:
        return bool((await get(f"{bot.url}/status"))[1]["accepts_orders"])

    return trades


async def test_with_database_and_exchange_frozen_a_halt_is_quick_and_nothing_leaves_any_more(
    dsn: str, machine: Machine, exchange: Exchange, control: Path
) -> None:
    async with running_bot(dsn, exchange.url, CONTROL_DIR=str(control)) as bot:
        await until(trades(bot))
        await bot.order()
        set_faults(exchange, frozen=True)
        with machine.frozen():
            waiting = [asyncio.create_task(bot.order(id_=str(number))) for number in range(2, 6)]
            await asyncio.sleep(0.1)
            status, told = await switch(bot, 1)
            assert (status, told["kept_by"], len(told["troubles"])) == (200, ["HALT file"], 1)
            set_faults(exchange)
        await asyncio.wait(waiting)
        await until(stands(bot, 1))
        assert (await bot.order(id_="6"))[1]["verdict"] == "refused"
        assert len(exchange.orders) == 1
    async with running_bot(dsn, exchange.url, CONTROL_DIR=str(control)) as bot:
        await until(stands(bot, 1))
        assert set(await bot.states() or {}) <= {"filled", "not_sent"}
    assert len(exchange.orders) == 1


async def test_restarted_after_a_halt_that_the_frozen_database_never_heard_of_it_stays_halted(
    dsn: str, machine: Machine, exchange: Exchange, control: Path
) -> None:
    async with running_bot(dsn, exchange.url, CONTROL_DIR=str(control)) as bot:
        await until(trades(bot))
        with machine.frozen():
            await switch(bot, 2)
            bot.stop.set()
            await asyncio.wait({bot.task})
    async with running_bot(dsn, exchange.url, CONTROL_DIR=str(control)) as bot:
        await until(stands(bot, 2))
        (control / "HALT").unlink()
        status, told = await bot.order()
        assert (status, told["verdict"], exchange.orders) == (422, "refused", [])
    async with running_bot(dsn, exchange.url, CONTROL_DIR=str(control)) as bot:
        await until(stands(bot, 2))


async def test_a_lost_control_directory_closes_until_it_is_back(
    dsn: str, exchange: Exchange, control: Path
) -> None:
    async with running_bot(dsn, exchange.url, CONTROL_DIR=str(control)) as bot:
        await until(trades(bot))
        os.rename(control, f"{control}-lost")
        status, told = await bot.order()
        assert (status, told["reason"].startswith(f"halted: no {control}/tradewatch-control")) == (422, True)
        assert (await get(f"{bot.url}/status"))[1]["accepts_orders"] is False
        assert exchange.orders == []
        os.rename(f"{control}-lost", control)
        assert (await bot.order(id_="2"))[0] == 200
    assert len(exchange.orders) == 1


async def test_a_file_that_a_person_drops_closes_at_once_and_for_good(
    dsn: str, exchange: Exchange, control: Path
) -> None:
    async with running_bot(dsn, exchange.url, CONTROL_DIR=str(control)) as bot:
        await until(trades(bot))
        (control / "HALT").write_text("2 too wild\n")
        assert (await bot.order())[1]["reason"] == f"halted: too wild (file {control}/HALT)"
        await until(stands(bot, 2))
        (control / "HALT").unlink()
        assert (await bot.order(id_="2"))[1]["verdict"] == "refused"
        assert await bot.metric("bot_switch_level") == 2
        assert exchange.orders == []


async def test_it_is_opened_only_when_all_is_well_again(dsn: str, exchange: Exchange, control: Path) -> None:
    async with running_bot(dsn, exchange.url, CONTROL_DIR=str(control)) as bot:
        await until(trades(bot))
        await switch(bot, 1)
        set_faults(exchange, http_status=502)

        async def fails() -> bool:
            return not await bot.is_ready()

        await until(fails)
        status, told = await switch(bot, 0)
        assert status == 409
        assert any(
            reason.startswith("there is a HALT file: the reason, by ann") for reason in told["against"]
        )
        assert any("502" in reason for reason in told["against"])
        (control / "HALT").unlink()
        assert (await switch(bot, 0))[0] == 409
        set_faults(exchange)
        await until(bot.is_ready)
        assert (await switch(bot, 0, size_factor=0.5))[0] == 200
        status, told = await bot.order("BUY BTCUSDT 0.1")
        assert (status, told["order"]["state"]) == (200, "filled")
