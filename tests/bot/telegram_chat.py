"""The Bot API as the tests of notices play it: the true sink over HTTP, and a bot that writes to it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.desk import Pace
from scripts.sink.app import Options, running
from tests.bot.play import Bot, Exchange, get, post, running_bot, until

TOKEN = "1000000001:sentinel-token-that-nobody-may-ever-see"
CHAT, OPERATOR, STRANGER = 5001, 1001, 1002


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    url: str

    async def heard(self) -> list[tuple[str, str]]:
        """To whom, and what; the oldest first."""
        _, told = await get(f"{self.url}/notifications?channel=telegram")
        return [(each["to"], each["raw"]["text"]) for each in told]

    async def notices(self) -> list[str]:
        return [text for chat, text in await self.heard() if chat == str(CHAT)]

    async def answers(self) -> list[str]:
        return [text for chat, text in await self.heard() if chat == str(OPERATOR)]

    async def fail(self, **fault: Any) -> None:
        assert (await post(f"{self.url}/telegram/faults", fault))[0] == 200

    async def mend(self) -> None:
        await self.fail(status=500, method="nothing")

    async def early(self) -> int:
        return int((await get(f"{self.url}/telegram/faults"))[1]["early"])

    async def say(self, text: str, who: int = OPERATOR, **more: Any) -> None:
        said = {"from": who, "chat": who, "text": text, **more}
        assert (await post(f"{self.url}/telegram/say", said))[0] == 200

    async def told(self, pattern: str) -> str:
        """The first notice or answer that the pattern fits, once there is one."""
        found: list[str] = []

        async def is_there() -> bool:
            found[:] = [text for _, text in await self.heard() if re.search(pattern, text, re.DOTALL)]
            return bool(found)

        await until(is_there, patience=20)
        return found[0]


@asynccontextmanager
async def playing(folder: Path) -> AsyncIterator[Chat]:
    options = Options(state=folder / "sink", port=0, smtp_port=0)
    async with running(options, tell=lambda _: None) as sink:
        yield Chat(url=f"http://127.0.0.1:{sink.port}")


def variables(chat: Chat) -> dict[str, str]:
    return {
        "TELEGRAM_BOT_TOKEN": TOKEN,
        "TELEGRAM_NOTICE_CHAT": str(CHAT),
        "TELEGRAM_OPERATORS": f"{OPERATOR}, 1003",
        "TELEGRAM_API_URL": chat.url,
    }


@asynccontextmanager
async def telling_bot(
    dsn: str, exchange: Exchange, chat: Chat, *, pace: Pace | None = None, wait: bool = True, **changes: str
) -> AsyncIterator[Bot]:
    given = variables(chat) | changes
    async with running_bot(dsn, exchange.url, pace=pace, wait=wait, **given) as bot:
        yield bot
