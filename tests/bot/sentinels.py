"""A value of its own for each secret setting, and an exchange that repeats all it is told."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from aiohttp import web

from bot.settings import read_settings
from tests.bot.test_docs import Recording

# What a setting has to look like, where not anything will do.
SHAPES = {
    "TELEGRAM_BOT_TOKEN": "123456789:{}",
    "TELEGRAM_SESSION": "1" + 11 * "{0}",
    "CRYPTET_COOKIES": "session={}",
}
# What has to be set where they are.
BESIDE = {
    "TELEGRAM_API_ID": "12345",
    "TELEGRAM_NOTICE_CHAT": "-1001234567890",
    "TELEGRAM_API_URL": "http://127.0.0.1:1",
}
# With these a running bot would call Telegram itself.
FAR = ("TELEGRAM_API_ID", "TELEGRAM_API_HASH", "TELEGRAM_SESSION")


def secret_settings() -> list[str]:
    """By what the settings ask for: each secret may be in a file, too."""
    environment = Recording()
    read_settings(environment)
    return sorted(name for name in environment.asked if f"{name}_FILE" in environment.asked)


def marks() -> dict[str, str]:
    """A word by which each of them is known, even by a piece of it."""
    return {name: f"5ec4e7{number:02x}" for number, name in enumerate(secret_settings())}


def sentinels() -> dict[str, str]:
    return {name: SHAPES.get(name, "{}").format(mark * 4) for name, mark in marks().items()}


def leaks(text: str, *others: str) -> list[str]:
    """Whose mark stands in the text, if only once."""
    found = [name for name, mark in marks().items() if mark in text]
    return found + [each for each in others if each in text] + re.findall(r"signature=\w+", text)


@asynccontextmanager
async def parrot() -> AsyncIterator[str]:
    """Answers every call in another wrong way, each with the call's URL and headers in it."""
    turns = count()

    async def answer(request: web.Request) -> web.StreamResponse:
        told = f"{request.raw_path} {dict(request.headers)} {await request.text()}"
        refusal = {"code": 100413, "msg": told, "data": {"error": told}}
        answers = (
            lambda: web.json_response(refusal),
            lambda: web.json_response(refusal, status=401),
            lambda: web.Response(text=f"<html>{told}</html>", content_type="text/html"),
            lambda: web.Response(text=f"<html>{told}</html>", content_type="text/html", status=502),
            lambda: web.Response(body=told.encode() + b"\xff\x00", content_type="application/json"),
            lambda: web.json_response({"code": 0, "msg": told, "data": told}),
            lambda: web.json_response({"code": told, "msg": told}),
            lambda: web.json_response([told]),
            lambda: web.Response(status=302, text=told, headers={"Location": f"/{request.raw_path}"}),
            lambda: web.json_response({**refusal, "code": 100410}, status=429),
        )
        return answers[next(turns) % len(answers)]()

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
