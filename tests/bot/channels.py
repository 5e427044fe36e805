"""Channels of a simulated Telegram that a desk follows with the true client, and messages to post there."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.adapters.telegram import Telegram
from bot.adapters.telegram_clients import for_simulator
from bot.config import TelegramChannel
from bot.simulator.telegram import Telegram as World
from bot.simulator.telegram_http import add_telegram
from bot.sources import Feeds
from tests.bot.play import until
from tests.bot.room import Room

DEMO, OTHER = -1001000000001, -1001000000002
GAP_CHECK = 0.05


@dataclass(slots=True, kw_only=True)
class Followed:
    room: Room
    world: World
    url: str
    channels: tuple[TelegramChannel, ...] = (
        TelegramChannel(name="demo", id=DEMO),
        TelegramChannel(name="other", id=OTHER),
    )

    def say(self, text: str, channel: str = "demo", **more: Any) -> int:
        """Now, as the desk's clock has it."""
        return self.world.post(channel, text, **{"date": self.room.desk.wall()} | more)

    def handled(self, channel: int = DEMO) -> list[int]:
        """In the order in which they were stored."""
        return [int(id_) for _, chat, id_ in self.room.store.rows if chat == str(channel)]

    def verdict(self, id_: int, channel: int = DEMO) -> str:
        return str(self.room.store.rows["telegram", str(channel), str(id_)].verdict)

    def reason(self, id_: int, channel: int = DEMO) -> str:
        return (self.room.store.rows["telegram", str(channel), str(id_)].reason or "").partition(":")[0]

    async def until_handled(self, *ids: int, channel: int = DEMO) -> None:
        await until(lambda: set(ids) <= set(self.handled(channel)))

    def has_read(self, id_: int, channel: int = DEMO) -> bool:
        return self.room.store.chats.get(str(channel)) == id_

    async def until_read(self, id_: int, channel: int = DEMO) -> None:
        await until(lambda: self.has_read(id_, channel))

    def log(self) -> str:
        (handler,) = logging.getLogger().handlers[:1]
        assert isinstance(handler, logging.StreamHandler)
        return str(handler.stream.getvalue())

    async def later(self, condition: Callable[[], bool]) -> None:
        """Time goes on until it holds: the looks for what was not heard come due."""

        def tick() -> bool:
            self.room.now += GAP_CHECK
            return condition()

        await until(tick)

    def gaps(self, channel: str = "demo") -> float:
        name = "telegram_gap_messages_total"
        return self.room.registry.get_sample_value(name, {"channel": channel}) or 0

    @property
    def connected(self) -> bool:
        return self.room.registry.get_sample_value("telegram_connected") == 1

    @asynccontextmanager
    async def bot(self, *, wait: bool = True, patience: float = 5.0) -> AsyncIterator["asyncio.Task[None]"]:
        """What follows the channels; leaving it is its sudden end."""
        self.world.asked.clear()
        chats, log = [each.id for each in self.channels], self.room.desk.log
        telegram = Telegram(for_simulator(self.url), chats, log, patience)
        feeds = Feeds(self.room.desk, telegram, self.channels, {}, GAP_CHECK)
        tasks = [asyncio.create_task(telegram.run(feeds)), asyncio.create_task(feeds.run())]
        try:
            if wait:
                await until(lambda: self.connected)
                # Each channel was asked for its latest, and for what comes after that.
                await until(lambda: self.world.asked.count("GetHistoryRequest") >= 2 * len(self.channels))
            yield tasks[0]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


@asynccontextmanager
async def serving(world: World) -> AsyncIterator[str]:
    """The URL at which it is played."""
    app = web.Application()
    add_telegram(app, world)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        world.answering.set()
        world.drop()
        await runner.cleanup()


@asynccontextmanager
async def telegram_for(room: Room) -> AsyncIterator[Followed]:
    world = World({"demo": DEMO, "other": OTHER}, first_id=1, clock=lambda: room.now)
    async with serving(world) as url:
        yield Followed(room=room, world=world, url=url)
