"""Channels whose history and messages a test makes, followed by a desk whose clock it moves."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bot.config import TelegramChannel
from bot.domain.reason import Reason
from bot.domain.signal import Reading, Remark
from bot.ports import PageReader, Post
from bot.sources import Feeds
from tests.bot.play import until
from tests.bot.room import Room

CHAT = -1001000000001
LONG = "BUY BTCUSDT 0.1"


@dataclass(slots=True, kw_only=True)
class FakeChats:
    """A history, and what is answered in its place next."""

    room: Room
    posts: dict[int, Post] = field(default_factory=dict)
    fail: list[Exception] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    page: int = 3

    def post(self, id_: int, text: str = LONG, **more: object) -> Post:
        now = self.room.desk.wall()
        self.posts[id_] = Post(**{"id": id_, "date": now, "text": text, "written": now} | more)  # type: ignore[arg-type]
        return self.posts[id_]

    async def newest(self, chat: int) -> Post | None:
        self._answer(0)
        return self.posts[max(self.posts)] if self.posts else None

    async def after(self, chat: int, id_: int) -> Sequence[Post]:
        self._answer(id_)
        return [self.posts[each] for each in sorted(self.posts) if each > id_][: self.page]

    def _answer(self, id_: int) -> None:
        self.asked.append(id_)
        if self.fail:
            raise self.fail.pop(0)


@dataclass(slots=True, kw_only=True)
class Reader:
    """Reads what a post links to as commentary, and remembers what it was asked."""

    asked: list[tuple[str, Sequence[str]]] = field(default_factory=list)

    async def read(self, text: str, links: Sequence[str]) -> Reading:
        self.asked.append((text, links))
        return Remark(reason=Reason.COMMENTARY, text="of the page")


@asynccontextmanager
async def feeding(
    room: Room,
    chats: FakeChats,
    *,
    source: str = "telegram",
    reader: PageReader | None = None,
    wait: bool = True,
) -> AsyncIterator[Feeds]:
    """Connected, and past the first look; leaving it is the bot's sudden end."""
    channels = (TelegramChannel(name="demo", id=CHAT, source=source),)
    feeds = Feeds(room.desk, chats, channels, {"cryptet": reader} if reader else {}, 45)
    task = asyncio.create_task(feeds.run())
    feeds.connected()
    try:
        if wait:
            await passing(room, lambda: len(chats.asked) >= 2 and not chats.fail)
        yield feeds
    finally:
        task.cancel()
        await asyncio.wait({task})


async def passing(room: Room, condition: Callable[[], bool]) -> None:
    """The desk's clock, which stands still else, goes on until it holds."""

    def tick() -> bool:
        room.now += 0.01
        return condition()

    await until(tick)


async def until_read(room: Room, id_: int) -> None:
    await passing(room, lambda: room.store.chats.get(str(CHAT)) == id_)


def handled(room: Room) -> list[int]:
    return [int(id_) for _, _, id_ in room.store.rows]


def trouble(room: Room) -> str:
    assert room.desk.hearing is not None
    return room.desk.hearing.channels[0].trouble
