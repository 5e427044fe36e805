"""The bot as a process: killed at bad moments, told to stop, started wrongly, with its database gone."""

import asyncio
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from scripts.postgres import free_port
from tests.bot.play import KEYS, TOKEN, Bot, Exchange, get, running_bot, until

ROOT = Path(__file__).parents[2]
SIGNAL = {"message": "BUY BTCUSDT 0.1", "source": "test", "execute": True, "id": "1"}


def environment(dsn: str, exchange_url: str, **changes: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": dsn,
        "BINGX_BASE_URL": exchange_url,
        "BINGX_API_KEY": KEYS.api_key,
        "BINGX_SECRET_KEY": KEYS.secret_key,
        "ADMIN_TOKEN": TOKEN,
        "TRADING_ENABLED": "true",
        "TIME_SCALE": "50",
        **changes,
    }


@asynccontextmanager
async def child(*words: str, **variables: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python process that does not outlive the test."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        env=variables,
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def url_of(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async for line in process.stderr:
        told = json.loads(line)
        if told["event"] == "listening":
            return str(told["url"])
    raise AssertionError("it ended before it listened")


async def ready_url_of(process: asyncio.subprocess.Process) -> str:
    url = await url_of(process)

    async def is_ready() -> bool:
        return (await get(f"{url}/readyz"))[0] == 200

    await until(is_ready)
    return url


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_told_to_stop_it_ends_well(dsn: str, exchange: Exchange, number: signal.Signals) -> None:
    variables = environment(dsn, exchange.url, HTTP_PORT=str(free_port()))
    async with child("-m", "bot", **variables) as process:
        await ready_url_of(process)
        began = time.monotonic()
        process.send_signal(number)
        _, errors = await process.communicate()
        assert (process.returncode, time.monotonic() - began < 5) == (0, True)
        assert json.loads(errors.splitlines()[-1])["event"] == "stopped"


async def test_wrong_settings_and_config_are_all_named_and_exit_with_2(tmp_path: Path) -> None:
    (tmp_path / "bot.yaml").write_text("trading: {}\n")
    variables = environment("mysql://user:dbpass@host/x", "http://example.com", CONFIG_DIR=str(tmp_path))
    async with child("-m", "bot", **variables) as process:
        _, errors = await process.communicate()
    lines = errors.decode().splitlines()
    assert process.returncode == 2
    assert lines[0] == "DATABASE_URL must begin with postgresql://"
    assert lines[1].startswith("BINGX_BASE_URL")
    assert any(
        "'max_slippage_percent' is a required property" in line or "bot.yaml" in line for line in lines
    )
    assert "dbpass" not in errors.decode()
    assert "Traceback" not in errors.decode()


async def test_a_busy_port_is_said_and_exits_with_1(dsn: str, exchange: Exchange) -> None:
    port = exchange.url.rpartition(":")[2]
    async with child("-m", "bot", **environment(dsn, exchange.url, HTTP_PORT=port)) as process:
        _, errors = await process.communicate()
    assert process.returncode == 1
    assert "address already in use" in json.loads(errors.splitlines()[-1])["reason"]


async def test_the_database_may_come_late_go_and_come_back(tmp_path: Path, exchange: Exchange) -> None:
    port, password = free_port(), tmp_path / "password"
    password.write_text(secrets.token_hex(8))
    where = ("--data", str(tmp_path / "data"), "--port", str(port), "--password-file", str(password))
    words = ("-m", "scripts.postgres", "run", *where)
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    dsn = f"postgresql://postgres:{password.read_text()}@127.0.0.1:{port}/trading_bot"
    async with running_bot(dsn, exchange.url, wait=False) as bot:
        await until(lambda: _says(bot, 503, "Connection refused"))
        async with child(*words, **variables):
            await until(bot.is_ready, patience=20)
            assert (await bot.order())[0] == 200
        status, told = await bot.order(id_="2")
        assert (status, told["error"].startswith("nothing was ordered")) == (503, True)
        await until(lambda: _says(bot, 503, ""))
        assert (await get(f"{bot.url}/status"))[1]["orders"] is None
        async with child(*words, **variables):
            await until(bot.is_ready, patience=20)
            status, told = await bot.order()
            assert (status, told["duplicate"], told["order"]["state"]) == (200, True, "filled")
            assert (await bot.order(id_="3"))[0] == 200
    assert len(exchange.orders) == 2


async def _says(bot: Bot, status: int, reason: str) -> bool:
    told, health = await get(f"{bot.url}/health")
    return told == status and reason in health["checks"]["database"]["reason"]
