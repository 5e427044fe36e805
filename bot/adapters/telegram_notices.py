"""Telegram's Bot API: sends texts, and asks what people wrote to the bot; a bot cannot read what was before.

The token stands in the address of each call, so nothing that aiohttp says of a failure is repeated.
"""

import json
from collections.abc import Mapping
from typing import Any

import aiohttp
from yarl import URL

from bot.ports import Later, Refused, TryAgain

PATIENCE = 10.0  # seconds for an answer, but for those that Telegram holds back on purpose
LONGEST_REASON = 200
LONGEST_WAIT = 3600.0


class BotApi:
    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self._session, self._base, self._token = session, url, token

    async def send(self, chat: int, text: str) -> None:
        preview = {"is_disabled": True}
        await self.call("sendMessage", {"chat_id": chat, "text": text, "link_preview_options": preview})

    async def call(self, method: str, parameters: Mapping[str, Any], patience: float = PATIENCE) -> Any:
        """The result; raises TryAgain, Later or Refused."""
        status, told = await self._asked(method, parameters, patience)
        if status == 200 and told.get("ok") is True and "result" in told:
            return told["result"]
        said = told.get("description")
        why = f"Telegram answers {method} with {status}: {_shown(said)}"
        after = _seconds(told.get("parameters"))
        if after is not None:
            raise Later(why, after)
        # A wrong token or chat may be put right while the bot runs; a text that is refused stays so.
        raise Refused(why) if status == 400 else TryAgain(why)

    async def _asked(
        self, method: str, parameters: Mapping[str, Any], patience: float
    ) -> tuple[int, dict[str, Any]]:
        address = URL(f"{self._base}/bot{self._token}/{method}", encoded=True)
        try:
            async with self._session.post(
                address,
                json=dict(parameters),
                timeout=aiohttp.ClientTimeout(total=patience),
                allow_redirects=False,
            ) as response:
                return response.status, _read(await response.read())
        except (aiohttp.ClientError, OSError, ValueError) as error:
            failure = type(error).__name__
        # Here, so that the error with the address in it is not even its cause.
        raise TryAgain(f"Telegram did not answer {method}: {failure}")


def _read(body: bytes) -> dict[str, Any]:
    """Empty if it is no object, as the page of a proxy in between."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _shown(said: object) -> str:
    text = said if isinstance(said, str) else "no description"
    return "".join(letter if letter.isprintable() else " " for letter in text)[:LONGEST_REASON]


def _seconds(parameters: object) -> float | None:
    after = parameters.get("retry_after") if isinstance(parameters, dict) else None
    return min(float(after), LONGEST_WAIT) if isinstance(after, int | float) and after >= 0 else None
