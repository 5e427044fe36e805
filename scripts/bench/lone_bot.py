"""The true bot as a process with a throwaway database and a simulator, and nothing else of the stack."""

import asyncio
import json
import os
import resource
import secrets
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from scripts.postgres import free_port
from scripts.stack.home import ROOT

HOST = "127.0.0.1"
# Everything that the bot has imported when it runs, and nothing made of it yet.
_IMPORTED = "import bot.__main__, bot.start; print(open('/proc/self/statm').read().split()[1])"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoneBot:
    """`started` is seconds from the start of the process until it was ready."""

    url: str
    token: str
    process: int
    started: float

    def memory(self) -> int:
        """Bytes of it that are in memory now."""
        return _bytes(Path(f"/proc/{self.process}/statm").read_text().split()[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a bot needs around it."""

    environment: dict[str, str]
    url: str


def _bytes(pages: str) -> int:
    return int(pages) * resource.getpagesize()


async def imported() -> int:
    """Bytes in the memory of a process that has imported what the bot imports."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _IMPORTED, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    out, _ = await process.communicate()
    return _bytes(out.decode())


@asynccontextmanager
async def place(folder: Path, dsn: str) -> AsyncIterator[Place]:
    """Secrets go by files and by the environment, so none is on a command line."""
    key, secret, token = (secrets.token_hex(16) for _ in range(3))
    credentials, control = folder / "credentials", folder / "control"
    credentials.write_text(f"BINGX_API_KEY={key}\nBINGX_SECRET_KEY={secret}\n")
    control.mkdir()
    (control / "tradewatch-control").touch()
    told = ("--port", "0", "--state", str(folder / "simulator"), "--credentials", str(credentials))
    port = free_port()
    async with _running("bot.simulator", *told, stdout=asyncio.subprocess.PIPE) as simulator:
        assert simulator.stdout is not None
        exchange = json.loads(await simulator.stdout.readline())["url"]
        environment = {
            "PATH": os.environ["PATH"],
            "TRADING_ENABLED": "true",
            "DATABASE_URL": dsn,
            "BINGX_BASE_URL": exchange,
            "BINGX_API_KEY": key,
            "BINGX_SECRET_KEY": secret,
            "ADMIN_TOKEN": token,
            "CONTROL_DIR": str(control),
            "HTTP_PORT": str(port),
        }
        yield Place(environment=environment, url=f"http://{HOST}:{port}")


@asynccontextmanager
async def lone_bot(place: Place, log: Path) -> AsyncIterator[LoneBot]:
    async with AsyncExitStack() as stack:
        out = stack.enter_context(log.open("ab"))
        began = time.perf_counter()
        process = await stack.enter_async_context(_running("bot", env=place.environment, stderr=out))
        await _ready(f"{place.url}/readyz", process, log)
        yield LoneBot(
            url=place.url,
            token=place.environment["ADMIN_TOKEN"],
            process=process.pid,
            started=time.perf_counter() - began,
        )


@asynccontextmanager
async def _running(module: str, *words: str, **how: object) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, *words, cwd=ROOT, **how)  # type: ignore[arg-type]
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _end(log: Path) -> str:
    return log.read_text()[-1000:]


async def _ready(url: str, process: asyncio.subprocess.Process, log: Path) -> None:
    async with aiohttp.ClientSession() as session, asyncio.timeout(30):
        while True:
            if process.returncode is not None:
                raise RuntimeError(f"the bot ended:\n{_end(log)}")
            try:
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass  # it does not listen yet
            await asyncio.sleep(0.01)
