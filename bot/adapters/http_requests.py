"""What a request must be before anybody acts on it, and how an answer looks."""

import hmac
import json
from typing import Any

from aiohttp import web

from bot.domain.signal import clean


class RequestError(Exception):
    """A request that gets an error as its answer."""

    def __init__(self, status: int, error: str, **more: Any) -> None:
        super().__init__(error)
        self.status = status
        self.body = {"error": error, **more}


async def read_object(request: web.Request, known: frozenset[str], example: str) -> dict[str, Any]:
    try:
        body = json.loads(await request.text())
    except (ValueError, RecursionError, LookupError):  # LookupError: a charset that nobody knows
        raise RequestError(400, "the body is no JSON") from None
    if not isinstance(body, dict):
        raise RequestError(400, f"the body must be an object like {example}")
    if unknown := body.keys() - known:
        raise RequestError(400, f"unknown key {sorted(unknown)[0]!r}; known are {', '.join(sorted(known))}")
    return body


def read_text(body: dict[str, Any], name: str, *, longest: int, needed: bool = False) -> str:
    text = body.get(name, "")
    if not isinstance(text, str) or len(text) > longest or (needed and not text.strip()):
        raise RequestError(400, f"{name} must be a text of {'1' if needed else '0'} to {longest} characters")
    return clean(text).strip()


def check_token(request: web.Request, token: str | None, what: str) -> None:
    if token is None:
        raise RequestError(401, f"{what} is off: the bot was started without ADMIN_TOKEN")
    given = request.headers.get("Authorization", "").encode("utf-8", "replace")
    if not hmac.compare_digest(given, f"Bearer {token}".encode()):
        raise RequestError(401, f"{what} needs the header Authorization: Bearer <ADMIN_TOKEN>")


def answer(body: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(
        text=json.dumps(body, indent=2, ensure_ascii=False) + "\n",
        status=status,
        content_type="application/json",
    )
