"""Plays api.telegram.org for a bot: takes its messages, and hands out what a person is said to have written.

What is refused, and in which words, is as Telegram documents it; faults are set from outside.
"""

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from scripts.sink.body import BodyError, json_object
from scripts.sink.message import Message
from scripts.sink.store import Store

BOT = "tradewatch_bot"
LONGEST_TEXT = 4096
LONGEST_POLL = 50
_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{30,}")
_SAID = {
    400: "Bad Request: chat not found",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    404: "Not Found",
    409: "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
    500: "Internal Server Error",
}
_EXAMPLE = '{"from": 1001, "chat": 1001, "text": "/status"}'

Told = Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class Fault:
    """How calls of a method, or of all, are answered, for so many times; None: until it is taken away."""

    method: str = ""
    status: int = 0
    retry_after: int = 0
    hang: bool = False
    times: int | None = None


class RefusedError(Exception):
    def __init__(self, status: int, description: str, retry_after: int = 0) -> None:
        super().__init__(description)
        self.status, self.retry_after = status, retry_after


class Telegram:
    def __init__(self, store: Store, *, now: Callable[[], datetime], clock: Callable[[], float]) -> None:
        self._store, self._now, self._clock = store, now, clock
        self._updates: deque[dict[str, Any]] = deque(maxlen=1000)
        self._last_update, self._last_message = 0, 0
        self._said = asyncio.Condition()
        self._polls = 0  # a later one ends those before it
        self._closed = asyncio.Event()
        self._fault: Fault | None = None
        self._wait_until = 0.0
        self._early = 0  # calls before the time was over that a bot was told to wait
        self._methods: dict[str, Callable[[Told], Awaitable[Any]]] = {
            "getMe": self._me,
            "sendMessage": self._send,
            "getUpdates": self._get_updates,
            "getChat": self._chat,
            "getChatMember": self._member,
            "getWebhookInfo": self._webhook,
        }

    def routes(self) -> list[web.RouteDef]:
        return [
            web.route("*", "/bot{token}/{method}", self._called),
            web.post("/telegram/say", self._say),
            web.get("/telegram/faults", self._faults),
            web.post("/telegram/faults", self._set_fault),
            web.delete("/telegram/faults", self._clear_fault),
        ]

    async def close(self) -> None:
        self._closed.set()
        async with self._said:
            self._said.notify_all()

    async def _called(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        try:
            if not _TOKEN.fullmatch(request.match_info["token"]) or method not in self._methods:
                raise RefusedError(404, _SAID[404])
            await self._maybe_fail(method)
            result = await self._methods[method](await _parameters(request))
        except RefusedError as error:
            told = {"ok": False, "error_code": error.status, "description": str(error)}
            if error.retry_after:
                told["parameters"] = {"retry_after": error.retry_after}
            return web.json_response(told, status=error.status)
        return web.json_response({"ok": True, "result": result})

    async def _maybe_fail(self, method: str) -> None:
        left = self._wait_until - self._clock()
        if left > 0 and method == "sendMessage":
            self._early += 1
            raise _too_many(int(left) + 1)
        fault = self._fault
        if fault is None or fault.method not in ("", method):
            return
        if fault.times is not None:
            fault.times -= 1
            self._fault = fault if fault.times else None
        if fault.hang:
            await self._closed.wait()
        if fault.status == 429:
            self._wait_until = self._clock() + fault.retry_after
            raise _too_many(fault.retry_after)
        raise RefusedError(fault.status or 500, _SAID.get(fault.status, _SAID[500]))

    async def _me(self, _: Told) -> Any:
        return {"id": 1, "is_bot": True, "first_name": "Tradewatch", "username": BOT}

    async def _chat(self, told: Told) -> Any:
        chat = _whole(told, "chat_id", 0)
        return {"id": chat, "type": "private" if chat > 0 else "supergroup"}

    async def _member(self, told: Told) -> Any:
        user = {"id": _whole(told, "user_id", 0), "is_bot": True, "first_name": "Tradewatch", "username": BOT}
        return {"user": user, "status": "member"}

    async def _webhook(self, _: Told) -> Any:
        return {"url": "", "has_custom_certificate": False, "pending_update_count": len(self._updates)}

    async def _send(self, told: Told) -> Any:
        chat, text = told.get("chat_id"), told.get("text")
        if not re.fullmatch(r"-?[0-9]+|@\w+", str(chat)):
            raise RefusedError(400, "Bad Request: chat_id is empty" if not chat else _SAID[400])
        if not isinstance(text, str) or not text.strip():
            raise RefusedError(400, "Bad Request: message text is empty")
        if len(text.encode("utf-16-le")) // 2 > LONGEST_TEXT:
            raise RefusedError(400, "Bad Request: message is too long")
        title, _, rest = text.strip().partition("\n")
        await self._store.add(Message(channel="telegram", to=str(chat), title=title, text=rest, raw=told))
        self._last_message += 1
        return {"message_id": self._last_message, "date": self._date(), "chat": {"id": chat}, "text": text}

    async def _get_updates(self, told: Told) -> Any:
        """What is below the offset is taken as read; an empty answer is held back for the timeout."""
        offset, limit = _whole(told, "offset", 0), min(_whole(told, "limit", 100), 100)
        while self._updates and self._updates[0]["update_id"] < offset:
            self._updates.popleft()
        async with self._said:
            self._polls += 1
            mine = self._polls
            self._said.notify_all()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(_whole(told, "timeout", 0), LONGEST_POLL)):
                    await self._said.wait_for(lambda: self._ends(mine))
        if self._polls != mine:
            raise RefusedError(409, _SAID[409])
        return list(self._updates)[:limit]

    def _ends(self, poll: int) -> bool:
        return bool(self._updates) or self._closed.is_set() or self._polls != poll

    async def _say(self, request: web.Request) -> web.Response:
        """A person writes to the bot; `date` in seconds, and `more` fields of the message if wanted."""
        try:
            told = json_object(await request.read())
            who, chat, text = told["from"], told["chat"], told["text"]
        except (BodyError, KeyError):
            return web.json_response({"error": f"say it like {_EXAMPLE}"}, status=400)
        self._last_update += 1
        self._last_message += 1
        message = {
            "message_id": self._last_message,
            "from": {"id": who, "is_bot": False, "first_name": "Somebody"},
            "chat": {"id": chat, "type": "private" if who == chat else "group"},
            "date": told.get("date", self._date()),
            "text": text,
            **told.get("more", {}),
        }
        async with self._said:
            self._updates.append({"update_id": self._last_update, "message": message})
            self._said.notify_all()
        return web.json_response({"status": "ok", "update_id": self._last_update})

    async def _faults(self, _: web.Request) -> web.Response:
        return web.json_response({"failing": self._fault is not None, "early": self._early})

    async def _set_fault(self, request: web.Request) -> web.Response:
        try:
            self._fault = Fault(**json_object(await request.read()))
        except (BodyError, TypeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"status": "ok"})

    async def _clear_fault(self, _: web.Request) -> web.Response:
        self._fault = None
        return web.json_response({"status": "ok"})

    def _date(self) -> int:
        return int(self._now().timestamp())


def _too_many(seconds: int) -> RefusedError:
    return RefusedError(429, f"Too Many Requests: retry after {seconds}", seconds)


async def _parameters(request: web.Request) -> Told:
    if request.content_type != "application/json":
        return {**request.query, **{key: str(value) for key, value in (await request.post()).items()}}
    try:
        return json_object(await request.read())
    except BodyError:
        raise RefusedError(400, "Bad Request: can't parse JSON") from None


def _whole(told: Told, name: str, default: int) -> int:
    try:
        return int(told.get(name, default))
    except (TypeError, ValueError):
        raise RefusedError(400, f"Bad Request: {name} must be a number") from None
