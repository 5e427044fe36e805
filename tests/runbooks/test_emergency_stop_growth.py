"""The emergency stop and positions that grow though no order is listed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from bot.simulator.endpoints import Endpoint
from tests.bot.made_control import control_directory
from tests.bot.play import Exchange, running_simulator
from tests.runbooks.pressing import LONG, STOP, place, press

WHOLE = {name: one for name, one in STOP.items() if name != "quantity"} | {"closePosition": "true"}


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    control_directory(tmp_path / "control")
    async with running_simulator(tmp_path / "exchange") as running:
        yield running


@pytest.mark.parametrize("level", ["1", "2"])
async def test_a_position_that_goes_on_growing_is_no_stop(
    tmp_path: Path, exchange: Exchange, level: str
) -> None:
    """Orders at the market never rest: who has the keys may trade on, and no list of orders shows it."""
    await place(exchange, **LONG)
    await place(exchange, **WHOLE)

    async def trade_on() -> None:
        while True:
            await place(exchange, **LONG | {"quantity": "0.001"})
            await asyncio.sleep(0.01)

    trading = asyncio.create_task(trade_on())
    try:
        pressed = await press(tmp_path, exchange.url, "--level", level, EMERGENCY_SECONDS="3")
    finally:
        trading.cancel()
    assert (pressed.code, "NOT PROVED" in pressed.last) == (9, True), pressed
    assert "a position became larger: BTC-USDT LONG, " in pressed.errors


@pytest.mark.parametrize("level", ["1", "2"])
async def test_a_position_that_grew_once_is_waited_for(
    tmp_path: Path, exchange: Exchange, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry that was filled meanwhile; what becomes smaller is none of this."""
    await place(exchange, **LONG)
    await place(exchange, **WHOLE)
    answer, asked = exchange.simulator.answer, []

    async def growing(endpoint: Endpoint, request: web.Request) -> web.Response:
        told = await answer(endpoint, request)
        if endpoint.name == "positions":
            asked.append(1)
            if len(asked) == 1:
                await place(exchange, **LONG)
            if len(asked) == 2:
                await place(exchange, **LONG | {"side": "SELL"})
        return told

    monkeypatch.setattr(exchange.simulator, "answer", growing)
    pressed = await press(tmp_path, exchange.url, "--level", level)
    assert (pressed.code, len(asked)) == (0, 4), pressed
    assert pressed.errors.count("a position became larger: BTC-USDT LONG, 0.1 before, 0.2 now") == 1
