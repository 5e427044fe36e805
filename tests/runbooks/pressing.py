"""Presses the emergency stop as it is shipped, for an account at the simulator."""

import asyncio
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.simulator.faults import parse
from tests.bot.play import KEYS, Exchange
from tests.bot.simulator_calls import call

ROOT = Path(__file__).parents[2]
SHELLS = {"bash": ("bash",), "posix": ("bash", "--posix"), "dash": ("dash",)}
LONG = {"side": "BUY", "positionSide": "LONG", "type": "MARKET", "quantity": "0.1"}
SHORT = {"side": "SELL", "positionSide": "SHORT", "type": "MARKET", "quantity": "0.1"}
STOP = {
    "side": "SELL",
    "positionSide": "LONG",
    "type": "STOP_MARKET",
    "stopPrice": "59000",
    "quantity": "0.1",
}
# In a test nobody waits: the pauses are short, and so is the time for which the account has to be quiet.
QUICK = {"EMERGENCY_QUIET": "-1", "EMERGENCY_SECONDS": "20", "EXCHANGE_TIMEOUT": "2", "HTTP_PORT": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    code: int
    out: str
    errors: str

    @property
    def last(self) -> str:
        """The verdict, without its time."""
        lines = f"{self.out}{self.errors}".splitlines()
        return next(line[9:] for line in lines if line[9:].startswith(("STOPPED", "NOT ")))


def program(folder: Path) -> Path:
    """The script that is shipped, in a checkout of its own."""
    file = folder / "runbooks" / "emergency_stop.sh"
    file.parent.mkdir(parents=True, exist_ok=True)
    return shutil.copyfile(ROOT / "runbooks" / "emergency_stop.sh", file)


def hurried(folder: Path) -> str:
    """A PATH on which a pause takes a moment."""
    shims = folder / "shims"
    shims.mkdir(exist_ok=True)
    (shims / "sleep").write_text("#!/bin/sh\nexec /bin/sleep 0.02\n")
    (shims / "sleep").chmod(0o755)
    return f"{shims}:{os.environ['PATH']}"


def surroundings(folder: Path, url: str) -> dict[str, str]:
    return QUICK | {
        "PATH": hurried(folder),
        "CONTROL_DIR": str(folder / "control"),
        "BINGX_BASE_URL": url,
        "BINGX_API_KEY": KEYS.api_key,
        "BINGX_SECRET_KEY": KEYS.secret_key,
    }


async def press(
    folder: Path,
    url: str,
    *arguments: str,
    shell: str = "bash",
    without: tuple[str, ...] = (),
    **changes: str,
) -> Pressed:
    environment = surroundings(folder, url) | changes
    for name in without:
        environment.pop(name)
    return await run(environment, *SHELLS[shell], str(program(folder)), *arguments)


async def run(environment: dict[str, str], *command: str) -> Pressed:
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, errors = await process.communicate()
    assert process.returncode is not None
    return Pressed(code=process.returncode, out=out.decode(), errors=errors.decode())


async def done(exchange: Exchange, name: str, **parameters: str) -> Any:
    """Call an endpoint, which must do what it is told."""
    told = await call(
        exchange, name, **({"symbol": "BTC-USDT"} if name != "set_position_mode" else {}), **parameters
    )
    assert told["code"] == 0, told
    return told.get("data")


async def place(exchange: Exchange, **parameters: str) -> None:
    await done(exchange, "place_order", **parameters)


def resting(exchange: Exchange) -> list[str]:
    """Each open order in a word, sorted."""
    found = exchange.simulator.book.open()
    return sorted(f"{each.type} {each.side} {each.position_side}" for each in found)


def held(exchange: Exchange) -> list[str]:
    found = exchange.simulator.book.positions()
    return sorted(f"{each.side} {each.quantity.normalize():f}" for each in found)


def fault(exchange: Exchange, **told: Any) -> None:
    simulator = exchange.simulator
    simulator.faults = parse(simulator.faults, told)
