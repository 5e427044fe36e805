"""Telethon's own connection to a server that ends it, is silent, or forgot the key: what is made of it."""

import asyncio
import gc
import os
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
from telethon.crypto import AuthKey
from telethon.sessions import StringSession

from bot.adapters.telegram import Telegram
from bot.adapters.telegram_clients import for_reading
from bot.ports import Post
from tests.bot.room import Room

Play = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def ends(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(64)


async def is_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def forgot_the_key(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(64)
    packet = struct.pack("<iii", 16, 0, -404)
    writer.write(packet + struct.pack("<I", zlib.crc32(packet)))
    await reader.read()


@dataclass(slots=True, kw_only=True)
class Ear:
    """Ends what it listens to at the second disconnection."""

    told: list[str] = field(default_factory=list)

    def connected(self) -> None: ...

    def disconnected(self, reason: str) -> None:
        self.told.append(reason)
        if len(self.told) == 2:
            raise EOFError

    def given_up(self, reason: str) -> None:
        self.told.append(f"given up: {reason}")

    def heard(self, chat: int, post: Post) -> None: ...

    def was_edited(self, chat: int, id_: int) -> None: ...


@asynccontextmanager
async def listening(play: Play) -> AsyncIterator[str]:
    """A session of which that server is the home."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await play(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    session = StringSession()
    session.set_dc(2, "127.0.0.1", server.sockets[0].getsockname()[1])
    session.auth_key = AuthKey(os.urandom(256))
    try:
        yield session.save()
    finally:
        server.close()


@pytest.mark.parametrize(
    ("play", "told"),
    [
        (ends, ["IncompleteReadError", "IncompleteReadError"]),
        (is_silent, ["TimeoutError", "TimeoutError"]),
        (forgot_the_key, ["given up"]),
    ],
)
async def test_it_tries_again_but_not_with_a_key_that_nobody_knows(
    room: Room, play: Play, told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    ear = Ear()
    async with listening(play) as session:
        telegram = Telegram(for_reading(1, "h", session), [1], room.desk.log, patience=0.3)
        with suppress(EOFError):
            await telegram.run(ear)
    assert [each.partition(":")[0] for each in ear.told] == told
    gc.collect()
    assert [
        record for record in caplog.records if record.name == "asyncio" and record.levelname == "ERROR"
    ] == []
    assert not any("Automatic reconnection" in record.getMessage() for record in caplog.records)
