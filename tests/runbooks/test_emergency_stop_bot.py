"""The emergency stop and the bot: one that is frozen and comes back, and one that does not obey."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from scripts.postgres import free_port
from tests.bot.broken_database import Machine
from tests.bot.made_control import control_directory
from tests.bot.play import TOKEN, Exchange, get, post, running_simulator, until
from tests.bot.test_process import SIGNAL, child, environment, ready_url_of
from tests.runbooks.pressing import held, press, resting

pytestmark = pytest.mark.stack

ENTRY = SIGNAL | {"message": "SELL BTCUSDT 0.1 @ 62000 SL 63500 TP 59000", "id": "2"}
GUARDS = ["STOP_MARKET SELL LONG"]


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    control_directory(tmp_path / "control")
    async with running_simulator(tmp_path / "exchange") as running:
        yield running


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path / "machine")
    (tmp_path / "machine").mkdir()
    made.start()
    yield made
    made.stop()


@asynccontextmanager
async def bot(
    machine: Machine, exchange: Exchange, folder: Path
) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """A bot as a process, with a position that has its stop, and an entry that rests."""
    control = {"CONTROL_DIR": str(folder / "control"), "HTTP_PORT": str(free_port())}
    variables = environment(await machine.new("bot"), exchange.url, **control)
    async with child("-m", "bot", **variables) as process:
        url = await ready_url_of(process)
        for each in (SIGNAL | {"message": "BUY BTCUSDT 0.1 SL 59000"}, ENTRY):
            status, told = await post(f"{url}/debug/signal", each, TOKEN)
            assert status == 200, told
        await until(lambda: resting(exchange) == ["LIMIT SELL SHORT", *GUARDS])
        try:
            yield url, process
        finally:
            process.send_signal(signal.SIGCONT)


async def test_a_bot_that_is_frozen_without_a_database_trades_no_more(
    tmp_path: Path, machine: Machine, exchange: Exchange
) -> None:
    async with bot(machine, exchange, tmp_path) as (url, process):
        port = {"HTTP_PORT": str(urlsplit(url).port), "ADMIN_TOKEN": TOKEN}
        process.send_signal(signal.SIGSTOP)
        with machine.frozen():
            pressed = await press(tmp_path, exchange.url, "--level", "2", **port)
            assert (pressed.code, resting(exchange)) == (0, GUARDS), pressed
            assert "the bot does not answer, and the latch holds it" in pressed.last
            process.send_signal(signal.SIGCONT)
            # It was told while it slept, and reads the latch besides.
            pressed = await press(tmp_path, exchange.url, "--level", "2", **port)
            assert (pressed.code, pressed.last[-20:]) == (0, "the bot is at level 2"[-20:]), pressed
        await until(lambda: answers(url))
        _, told = await post(f"{url}/debug/signal", SIGNAL | {"id": "3"}, TOKEN)
        assert "halted" in str(told), told
        assert (resting(exchange), len(held(exchange))) == (GUARDS, 1)
        pressed = await press(tmp_path, exchange.url, "--level", "3", "--confirm", "simulator", **port)
        assert (pressed.code, resting(exchange), held(exchange)) == (0, [], []), pressed
        assert pressed.last.endswith("the bot is at level 3")


async def answers(url: str) -> bool:
    return (await get(f"{url}/readyz"))[0] == 200


async def test_a_bot_that_reads_another_directory_is_no_proof(tmp_path: Path, exchange: Exchange) -> None:
    """It answers, refuses the token, and its switch is open."""
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        if request.path == "/trading":
            return web.json_response({"error": "no token"}, status=401)
        return web.json_response({"switch": {"level": 0, "halt_file": None}})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = {"HTTP_PORT": str(runner.addresses[0][1]), "ADMIN_TOKEN": TOKEN}
        pressed = await press(tmp_path, exchange.url, **port)
    finally:
        await runner.cleanup()
    assert (pressed.code, "bot at level 0" in pressed.last) == (9, True), pressed
    assert "bot: HTTP 401 no token" in pressed.errors
    assert "is perhaps not its own CONTROL_DIR" in pressed.errors
    assert "/trading" in asked
