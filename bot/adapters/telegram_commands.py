"""Commands to the bot in Telegram: /status and /halt from the operators, and never one that opens trading."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.adapters.telegram_notices import BotApi
from bot.desk import Desk
from bot.domain import notice
from bot.domain.switch import MEANING, Level
from bot.notices import answer
from bot.ports import Later, Refused, TryAgain
from bot.switching import Outcome, halt

POLL = 30  # seconds for which Telegram holds back an answer that is empty
BEFORE_START = timedelta(seconds=60)  # a command may be so much older than the bot
RETRY = 1.0
LONGEST_PAUSE = 60.0
MOST_STRANGERS = 1000  # of whom each is told of once
HELP = """/status: what the bot does and holds
/halt [1|2|3] [why]: at 1, or without a number, no new entries;
at 2 those that rest are cancelled, at 3 positions are closed, too
Trading is opened again only where the bot runs: python -m bot resume"""
NOT_HERE = "that is told in the chat of the notices, and to you alone: write to me there"
RESUME = (
    "trading is not opened from here: look at the account, then run `python -m bot resume` where the bot runs"
)

_COMMAND = re.compile(r"/([a-z]+)(?:@(\w+))?\s*(.*)", re.DOTALL | re.IGNORECASE)
_NOT_NEW = ("edit_date", "forward_origin", "forward_date", "reply_to_message", "via_bot", "sender_chat")

_LEVEL = re.compile(r"([123])(?!\w)\W*(.*)", re.DOTALL)

Status = Callable[[], Awaitable[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    who: int
    chat: int
    at: datetime
    name: str
    bot: str  # whom it is for, if that is said
    words: str


def read_command(update: Mapping[str, Any]) -> Command | None:
    """None of all that a person did not just write as a command."""
    told = update.get("message")
    if not isinstance(told, dict) or any(name in told for name in _NOT_NEW):
        return None
    found = _COMMAND.fullmatch(str(told.get("text", "")).strip())
    try:
        who, chat, date = told["from"]["id"], told["chat"]["id"], told["date"]
        at = datetime.fromtimestamp(date, UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return None
    if found is None or type(who) is not int or type(chat) is not int:
        return None
    name, bot, words = found.groups(default="")
    return Command(who=who, chat=chat, at=at, name=name.lower(), bot=bot, words=words.strip())


class Commands:
    def __init__(
        self, desk: Desk, api: BotApi, operators: Collection[int], chat: int, status: Status
    ) -> None:
        self._desk, self._api, self._operators, self._status = desk, api, operators, status
        self._chat = chat  # where notices go
        self._began = desk.wall()
        self._name = ""
        self._next: int | None = None  # above the latest that was taken
        self._strangers: set[int] = set()

    async def listen(self, scale: float) -> None:
        """For ever; what fails is tried again."""
        pause = RETRY / scale
        while True:
            try:
                if not self._name:
                    self._name = await self._own_name()
                await self.take()
            except (TryAgain, Refused) as error:
                self._say(str(error))
                await asyncio.sleep(max(pause, error.after) if isinstance(error, Later) else pause)
                pause = min(2 * pause, LONGEST_PAUSE / scale)
            else:
                self._say("")
                pause = RETRY / scale

    async def _own_name(self) -> str:
        told = await self._api.call("getMe", {})
        return str(told.get("username", "")) if isinstance(told, dict) else ""

    async def take(self) -> None:
        """What came since it was asked last, or comes soon."""
        # Whether it works again is to be known at once.
        held = 0 if "commands" in self._desk.notices.failing else POLL
        asked = {"timeout": held, "allowed_updates": ["message"]}
        asked |= {} if self._next is None else {"offset": self._next}
        told = await self._api.call("getUpdates", asked, patience=POLL + 10.0)
        for update in told if isinstance(told, list) else ():
            if not isinstance(update, dict) or type(update.get("update_id")) is not int:
                continue
            self._next = max(self._next or 0, update["update_id"] + 1)
            command = read_command(update)
            if command is not None and self._is_meant(command):
                await self._obey(command)

    def _is_meant(self, command: Command) -> bool:
        if command.bot and command.bot.lower() != self._name.lower():
            return False
        if command.who not in self._operators:
            if command.who not in self._strangers and len(self._strangers) < MOST_STRANGERS:
                self._strangers.add(command.who)
                self._desk.log.warning("a command of a stranger was ignored", user=command.who)
            return False
        if command.at < self._began - BEFORE_START:
            self._desk.log.warning("a command was too old", command=command.name, at=command.at)
            return False
        return True

    async def _obey(self, command: Command) -> None:
        self._desk.log.info("command", command=command.name, user=command.who)
        if command.name == "halt":
            text = await self._halt(command)
        elif command.name == "status":
            # Others may read along elsewhere; a chat of two has the number of the other.
            is_ours = command.chat in (self._chat, command.who)
            text = notice.status(await self._status()) if is_ours else NOT_HERE
        elif command.name == "resume":
            text = RESUME
        elif command.name in ("help", "start"):
            text = HELP
        else:
            text = f"no such command: /{command.name[:20]}\n{HELP}"
        answer(self._desk, command.chat, text)

    async def _halt(self, command: Command) -> str:
        """Whatever is written behind it, it halts: what is no level is the reason."""
        found = _LEVEL.fullmatch(command.words)
        level = Level(int(found[1])) if found else Level.NO_ENTRIES
        reason = found[2] if found else command.words
        return _done(await halt(self._desk, level, reason, f"telegram:{command.who}"))

    def _say(self, reason: str) -> None:
        if not self._desk.notices.fail("commands", reason):
            return
        if reason:
            self._desk.log.warning("commands are not heard", reason=reason)
        else:
            self._desk.log.info("commands are heard")


def _done(outcome: Outcome) -> str:
    kept = " and ".join(outcome.kept_by) or "this process alone, until it ends"
    lines = [f"halted at level {outcome.level:d}: {MEANING[outcome.level]}", f"kept by: {kept}"]
    return "\n".join([*lines, *outcome.troubles])
