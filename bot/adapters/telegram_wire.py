"""Telethon's client with an HTTP sender in the place of MTProto: for the simulator, and for nothing else."""

import asyncio
from typing import Any

import aiohttp
from telethon import TelegramClient
from telethon.errors import rpc_message_to_error
from telethon.extensions import BinaryReader
from telethon.sessions import StringSession
from telethon.tl import types

# The sizes are those of the simulator; no answer of it takes long.
PATIENCE = aiohttp.ClientTimeout(total=None, sock_connect=5.0)
PREFIX = 4  # bytes that say how long an update is


class WireClient(TelegramClient):  # type: ignore[misc] # Telethon has no types
    """Everything but the sender is Telethon's own: its dispatcher, its gaps, its flood waits."""

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(StringSession(), 1, "simulator", **options)
        self._sender = HttpSender(url, self._updates_queue)


class HttpSender:
    """What a client asks of telethon.network.MTProtoSender."""

    def __init__(self, url: str, updates: "asyncio.Queue[Any]") -> None:
        self.auth_key = None
        self._url = url
        self._updates = updates
        self._http: aiohttp.ClientSession | None = None
        self._stream: aiohttp.ClientResponse | None = None
        self._listening: asyncio.Task[None] | None = None
        self._asking: dict[asyncio.Task[None], asyncio.Future[Any]] = {}
        self._disconnected: asyncio.Future[None] | None = None

    async def connect(self, _: object) -> bool:
        self._http = aiohttp.ClientSession(timeout=PATIENCE)
        try:
            self._stream = await self._http.get(f"{self._url}/telegram/updates", raise_for_status=True)
        except aiohttp.ClientError as error:
            await self._http.close()
            raise ConnectionError(f"the simulator of Telegram does not answer: {error}") from None
        self._disconnected = asyncio.get_running_loop().create_future()
        self._listening = asyncio.create_task(self._listen(self._stream))
        return True

    def is_connected(self) -> bool:
        return self._disconnected is not None and not self._disconnected.done()

    @property
    def disconnected(self) -> "asyncio.Future[None]":
        if self._disconnected is None:
            self._disconnected = asyncio.get_running_loop().create_future()
            self._disconnected.set_result(None)
        return asyncio.shield(self._disconnected)

    async def disconnect(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
        await self._end(None)

    def send(self, request: Any, ordered: bool = False) -> "asyncio.Future[Any]":
        if not self.is_connected():
            raise ConnectionError("cannot send requests while disconnected")
        answer = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._ask(request, answer))
        self._asking[task] = answer
        task.add_done_callback(self._asking.pop)
        return answer

    def _transport_connected(self) -> bool:
        return self.is_connected()

    def _keepalive_ping(self, _: int) -> None:
        """The stream of updates shows by itself when it ends."""

    async def _ask(self, request: Any, answer: "asyncio.Future[Any]") -> None:
        assert self._http is not None
        url, body = f"{self._url}/telegram/invoke", bytes(request)
        try:
            async with self._http.post(url, data=body, raise_for_status=True) as response:
                told = await response.read()
        except aiohttp.ClientError:
            return  # the connection ends as well, and that tells whoever waits
        if answer.done():
            return
        if told[:4] == types.RpcError.CONSTRUCTOR_ID.to_bytes(4, "little"):
            answer.set_exception(rpc_message_to_error(BinaryReader(told).tgread_object(), request))
        else:
            answer.set_result(request.read_result(BinaryReader(told)))

    async def _listen(self, stream: aiohttp.ClientResponse) -> None:
        try:
            while True:
                size = int.from_bytes(await stream.content.readexactly(PREFIX), "little")
                self._updates.put_nowait(BinaryReader(await stream.content.readexactly(size)).tgread_object())
        except (aiohttp.ClientError, asyncio.IncompleteReadError):
            await self._end(asyncio.IncompleteReadError(b"", PREFIX))

    async def _end(self, error: Exception | None) -> None:
        """Like MTProtoSender: what waits for an answer gets the error, or is cancelled if there is none."""
        for task, answer in self._asking.items():
            task.cancel()
            if error and not answer.done():
                answer.set_exception(error)
            else:
                answer.cancel()
        if self._stream is not None:
            self._stream.close()
        if self._http is not None:
            await self._http.close()
        if self._disconnected is not None and not self._disconnected.done():
            if error:
                self._disconnected.set_exception(error)
            else:
                self._disconnected.set_result(None)
