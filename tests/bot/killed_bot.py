"""A bot that kills itself at a chosen point of its first order: `python -m tests.bot.killed_bot POINT`."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from bot.__main__ import read_configuration
from bot.app import run
from bot.domain.order import Order, Report
from bot.domain.plan import Contract
from bot.log import open_log
from bot.ports import Exchange
from bot.settings import read_settings

BEFORE_SEND, AFTER_SEND = "before-send", "after-send"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadly:
    """The intent is committed when `place` is called, and the new state is not yet when it returns."""

    exchange: Exchange
    point: str

    async def contracts(self) -> Mapping[str, Contract]:
        return await self.exchange.contracts()

    async def prices(self) -> Mapping[str, Decimal]:
        return await self.exchange.prices()

    async def clock_offset(self) -> float:
        return await self.exchange.clock_offset()

    async def place(self, order: Order) -> Report:
        if self.point == BEFORE_SEND:
            os.kill(os.getpid(), signal.SIGKILL)
        await self.exchange.place(order)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("still alive")

    async def find(self, symbol: str, client_id: str) -> Report | None:
        return await self.exchange.find(symbol, client_id)


async def main() -> None:
    settings, problems = read_settings(os.environ)
    assert settings is not None, problems
    configuration, _ = read_configuration(settings.config_dir)
    assert configuration is not None
    await run(
        replace(settings, http_port=0),
        configuration,
        open_log("INFO", "simulator", settings.secrets()),
        asyncio.Event(),
        wrap=lambda exchange: Deadly(exchange=exchange, point=sys.argv[1]),
    )


if __name__ == "__main__":
    asyncio.run(main())
