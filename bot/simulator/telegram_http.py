"""Telegram over HTTP: /telegram speaks Telethon's bytes, /control/telegram is for who plays it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from aiohttp import web
from telethon.extensions import BinaryReader
from telethon.helpers import add_surrogate
from telethon.tl import types

from bot.simulator.telegram import Faults, RpcError, Telegram

EXAMPLE = '{"chat": "demo", "text": "LONG BTCUSDT"}'
SHOWN: dict[str, type] = {"down": bool, "revoked": str, "silent": bool, "lost": bool}
KEYS = {"chat": str, "text": str, "links": list, "edit_of": int, "reply_to": int, "date": str}


def add_telegram(app: web.Application, telegram: Telegram) -> None:
    site = Site(telegram)
    app.router.add_post("/telegram/invoke", site.invoke)
    app.router.add_get("/telegram/updates", site.updates)
    app.router.add_get("/control/telegram", _refusing_bad_input(site.shown))
    app.router.add_post("/control/telegram/post", _refusing_bad_input(site.post))
    app.router.add_post("/control/telegram/age", _refusing_bad_input(site.age))
    app.router.add_post("/control/telegram/faults", _refusing_bad_input(site.set_faults))
    app.router.add_delete("/control/telegram/faults", _refusing_bad_input(site.clear_faults))


class Site:
    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram

    async def invoke(self, request: web.Request) -> web.Response:
        await self._telegram.answering.wait()
        try:
            answer = self._telegram.answer(BinaryReader(await request.read()).tgread_object())
        except RpcError as error:
            answer = types.RpcError(error.code, error.message)
        return web.Response(body=_vector(answer) if isinstance(answer, list) else bytes(answer))

    async def updates(self, request: web.Request) -> web.StreamResponse:
        """A connection: while it lasts, each update with its length before it."""
        if self._telegram.faults.down:
            return web.Response(status=503)
        stream = web.StreamResponse()
        await stream.prepare(request)
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._telegram.connections.add(queue)
        try:
            while (update := await queue.get()) is not None:
                await stream.write(len(update).to_bytes(4, "little") + update)
        finally:
            self._telegram.connections.discard(queue)
        if request.transport is not None:
            request.transport.abort()
        return stream

    async def shown(self, _: web.Request) -> Any:
        faults = self._telegram.faults
        return {
            "channels": {
                name: {"chat": each.chat, "messages": len(each.messages), "latest": each.next_id - 1}
                for name, each in self._telegram.channels.items()
            },
            "connections": len(self._telegram.connections),
            "faults": {name: getattr(faults, name) for name in SHOWN}
            | {"frozen": not self._telegram.answering.is_set()},
        }

    async def post(self, request: web.Request) -> Any:
        told = await _object(request, KEYS)
        name, text = self._known(told.get("chat")), told.get("text", "")
        if "edit_of" in told:
            if told["edit_of"] not in self._telegram.channels[name].messages:
                raise ValueError(f"chat {name!r} has no message {told['edit_of']}")
            self._telegram.edit(name, told["edit_of"], text)
            return {"chat": self._telegram.channels[name].chat, "id": told["edit_of"]}
        more: dict[str, Any] = {"entities": [_link(text, url) for url in told.get("links", ())]}
        if "date" in told:
            more["date"] = datetime.fromisoformat(told["date"]).astimezone()
        if "reply_to" in told:
            more["reply_to"] = types.MessageReplyHeader(reply_to_msg_id=told["reply_to"])
        id_ = self._telegram.post(name, text, **more)
        return {"chat": self._telegram.channels[name].chat, "id": id_}

    async def age(self, request: web.Request) -> Any:
        """So many seconds older is what stands in the channel: nobody has written for so long."""
        told = await _object(request, {"chat": str, "seconds": int})
        self._telegram.age(self._known(told.get("chat")), told.get("seconds", 0))
        return await self.shown(request)

    def _known(self, name: object) -> str:
        if not isinstance(name, str) or name not in self._telegram.channels:
            known = ", ".join(self._telegram.channels) or "none"
            raise ValueError(f"chat {name!r} is not known; known are {known}; send an object like {EXAMPLE}")
        return name

    async def set_faults(self, request: web.Request) -> Any:
        told = await _object(request, SHOWN | {"flood": int, "drop": bool, "frozen": bool})
        if told.pop("drop", False) or told.get("down"):
            self._telegram.drop()
        if seconds := told.pop("flood", 0):
            self._telegram.flood(seconds)
        if "frozen" in told:
            self._freeze(told.pop("frozen"))
        for name, value in told.items():
            setattr(self._telegram.faults, name, value)
        return await self.shown(request)

    async def clear_faults(self, request: web.Request) -> Any:
        self._telegram.faults = Faults()
        self._freeze(False)
        return await self.shown(request)

    def _freeze(self, frozen: bool) -> None:
        (self._telegram.answering.clear if frozen else self._telegram.answering.set)()


def _vector(objects: list[Any]) -> bytes:
    return b"\x15\xc4\xb5\x1c" + len(objects).to_bytes(4, "little") + b"".join(map(bytes, objects))


def _link(text: str, url: object) -> types.MessageEntityTextUrl:
    """Behind the whole text; Telegram counts in UTF-16."""
    if not isinstance(url, str):
        raise ValueError("links must be a list of addresses")
    return types.MessageEntityTextUrl(offset=0, length=len(add_surrogate(text)), url=url)


async def _object(request: web.Request, keys: dict[str, type]) -> dict[str, Any]:
    try:
        told = json.loads(await request.text())
    except ValueError:
        raise ValueError("the body is no JSON") from None
    if not isinstance(told, dict):
        raise ValueError(f"send an object like {EXAMPLE}")
    for name, value in told.items():
        if name not in keys or type(value) is not keys[name]:
            listed = ", ".join(f"{key} ({kind.__name__})" for key, kind in keys.items())
            raise ValueError(f"{name!r} is no key, or not of its type; known are {listed}")
    return told


def _refusing_bad_input(
    handler: Callable[[web.Request], Awaitable[Any]],
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def refusing(request: web.Request) -> web.Response:
        try:
            return web.json_response(await handler(request))
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)

    return refusing
