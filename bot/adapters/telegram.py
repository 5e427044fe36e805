"""Telegram by a user's session: connects for ever, tells what it hears, and fetches what was not heard."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

from telethon import TelegramClient, errors, events, helpers
from telethon.tl import types

from bot.log import Log
from bot.ports import Later, Listener, Post, Refused, TryAgain

T = TypeVar("T")

PAGE = 100  # messages; Telegram gives no more at once
PATIENCE = 60.0  # seconds; Telethon itself waits for ever for an answer
UNKNOWN_KEY = 404  # what Telegram's servers say, below all requests, of a key that they do not know any more
SOONEST, LATEST = 1.0, 60.0  # seconds between two attempts to connect
STEADY = 60.0  # seconds after which a connection counts as a good one

STRUCK = "\u0336"  # as people strike letters out where there is no formatting
LOGIN = "log in anew with `python -m bot login`"
# What no new attempt can mend. The numbers are 401 and 406, whatever the name of the error.
_LOST = (errors.UnauthorizedError, errors.AuthKeyError, errors.AuthKeyNotFound)
_FLOOD = (errors.FloodWaitError, errors.FloodPremiumWaitError)


class GivenUpError(Exception):
    """A person has to do what the text says."""


class Telegram:
    """A new client for each connection: nothing of a broken one can linger. Access hashes are kept."""

    def __init__(
        self,
        make_client: Callable[[], TelegramClient],
        chats: Collection[int],
        log: Log,
        patience: float = PATIENCE,
    ) -> None:
        self._make_client = make_client
        self._patience = patience
        self._chats = frozenset(chats)
        self._log = log
        self._client: TelegramClient | None = None
        self._peers: dict[int, Any] = {}
        self._lost: Exception | None = None

    async def run(self, listener: Listener) -> None:
        """Returns when nothing more will be heard."""
        clock, pause = asyncio.get_running_loop().time, SOONEST
        while True:
            began = clock()
            try:
                await self._hear(listener)
                reason, wait = "the connection ended", pause
            except GivenUpError as error:
                listener.given_up(str(error))
                return
            except _FLOOD as error:
                reason, wait = _flooded(error), float(error.seconds)
            except Exception as error:  # noqa: BLE001 - Telethon's own faults must not end what guards positions
                reason, wait = _named(error), pause
            listener.disconnected(reason)
            pause = SOONEST if clock() - began > STEADY else min(LATEST, pause * 2)
            await asyncio.sleep(wait)

    async def _hear(self, listener: Listener) -> None:
        """Connect, and return or raise when the connection is over."""
        client = self._make_client()
        self._lost = None
        try:
            self._listen(client, listener)
            async with asyncio.timeout(self._patience):
                await _unless_ended(client.connect())
                await self._check_account(client)
                await _unless_ended(self._learn_peers(client))
            self._client = client
            listener.connected()
            await _unless_ended(client.run_until_disconnected())
        except _LOST as error:
            raise _lost(error) from None
        except errors.InvalidBufferError as error:
            if error.code == UNKNOWN_KEY:
                raise _lost(error) from None
            raise
        finally:
            self._client = None
            with suppress(Exception):  # it may never have been connected
                await client.disconnect()
                client.disconnected.exception()  # or asyncio complains that nobody has asked for it
        if self._lost is not None:
            raise _lost(self._lost)

    def _listen(self, client: TelegramClient, listener: Listener) -> None:
        async def heard(event: Any) -> None:
            listener.heard(event.chat_id, as_post(event.message))

        async def was_edited(event: Any) -> None:
            if is_edited(event.message):
                listener.was_edited(event.chat_id, event.message.id)

        client.add_event_handler(heard, events.NewMessage(chats=list(self._chats)))
        client.add_event_handler(was_edited, events.MessageEdited(chats=list(self._chats)))

    async def _check_account(self, client: TelegramClient) -> None:
        me = await _unless_ended(client.get_me())
        if me is None:
            raise GivenUpError(f"the session is not logged in, or was ended; {LOGIN}")
        if me.bot:
            raise GivenUpError(f"the session is a bot's, which cannot read channels; {LOGIN} as a person")

    async def _learn_peers(self, client: TelegramClient) -> None:
        """A session kept as a string knows no channel; only the list of dialogs has their access hashes."""
        if self._chats <= self._peers.keys():
            return
        async for dialog in client.iter_dialogs():
            if dialog.id in self._chats:
                self._peers[dialog.id] = dialog.input_entity
            if self._chats <= self._peers.keys():
                return

    async def newest(self, chat: int) -> Post | None:
        async def newest(client: TelegramClient, peer: Any) -> Post | None:
            found = await client.get_messages(peer, limit=1)
            return as_post(found[0]) if found else None

        return await self._ask(chat, newest)

    async def after(self, chat: int, id_: int) -> Sequence[Post]:
        async def after(client: TelegramClient, peer: Any) -> Sequence[Post]:
            found = await client.get_messages(peer, min_id=id_, limit=PAGE, reverse=True)
            return [as_post(each) for each in found if each.id > id_]

        return await self._ask(chat, after)

    async def _ask(self, chat: int, question: Callable[[TelegramClient, Any], Awaitable[T]]) -> T:
        client = self._client
        if client is None:
            raise TryAgain("telegram is not connected")
        try:
            async with asyncio.timeout(self._patience):
                if chat not in self._peers:
                    await _unless_ended(self._learn_peers(client))
                if chat in self._peers:
                    return await _unless_ended(question(client, self._peers[chat]))
        except _FLOOD as error:
            raise Later(_flooded(error), float(error.seconds)) from None
        except _LOST as error:
            self._lost = error
            await client.disconnect()
            raise TryAgain(_named(error)) from None
        except (errors.ChannelPrivateError, errors.ChannelInvalidError) as error:
            del self._peers[chat]  # left, or thrown out
            raise Refused(f"{_not_in(chat)} ({_named(error)})") from None
        except TimeoutError:
            await client.disconnect()  # so silent that a new connection is better
            raise TryAgain(f"no answer from Telegram within {self._patience:g} s") from None
        except Exception as error:  # noqa: BLE001 - as in `run`
            raise TryAgain(_named(error)) from None
        raise Refused(_not_in(chat))


async def _unless_ended(work: Awaitable[T]) -> T:
    """Telethon cancels what waits for an answer when the connection ends: nobody has cancelled us then."""
    task = asyncio.current_task()
    try:
        return await work
    except asyncio.CancelledError:
        if task is not None and task.cancelling():
            raise
        raise ConnectionError("the connection ended before the answer") from None


def as_post(message: Any) -> Post:
    forwarded = getattr(message, "fwd_from", None)
    return Post(
        id=message.id,
        date=message.date or datetime.now(UTC),
        text=_text(message),
        written=min(message.date, forwarded.date) if forwarded and forwarded.date else message.date,
        edited=is_edited(message),
        reply=_is_reply(message.reply_to) or _quotes(message),
        links=tuple(_links(message)),
    )


def _text(message: Any) -> str:
    """What is struck out ends with the mark by which its reader knows that."""
    text = helpers.add_surrogate(message.message or "")  # Telegram counts UTF-16 units
    struck = [each for each in message.entities or () if isinstance(each, types.MessageEntityStrike)]
    for end in sorted({each.offset + each.length for each in struck}, reverse=True):
        text = text[:end] + STRUCK + text[end:]
    return str(helpers.del_surrogate(text))


def is_edited(message: Any) -> bool:
    """By its author: `edit_hide` stands where only reactions or the like have changed."""
    return bool(message.edit_date) and not message.edit_hide


def _is_reply(header: Any) -> bool:
    """Whatever is posted to a topic of a forum names the topic's first message, and answers nothing."""
    if not isinstance(header, types.MessageReplyHeader):
        return header is not None
    within_topic = header.forum_topic and header.reply_to_top_id is None and not header.quote
    return not within_topic


def _quotes(message: Any) -> bool:
    """One that is a quote as a whole is only styled; what somebody says something to may be an old signal."""
    quotes = [each for each in message.entities or () if isinstance(each, types.MessageEntityBlockquote)]
    if not quotes:
        return False
    text = helpers.add_surrogate(message.message or "")
    for each in sorted(quotes, key=lambda each: each.offset, reverse=True):
        text = text[: each.offset] + text[each.offset + each.length :]
    return any(letter.isalnum() for letter in text)


def _links(message: Any) -> Sequence[str]:
    found = message.get_entities_text() if message.entities else ()
    return [
        entity.url if isinstance(entity, types.MessageEntityTextUrl) else text
        for entity, text in found
        if isinstance(entity, types.MessageEntityTextUrl | types.MessageEntityUrl)
    ]


def _lost(error: Exception) -> GivenUpError:
    if isinstance(error, errors.AuthKeyDuplicatedError):
        return GivenUpError(f"the session was used from two places at once, so Telegram ended it; {LOGIN}")
    return GivenUpError(f"Telegram does not take the session any more ({type(error).__name__}); {LOGIN}")


def _not_in(chat: int) -> str:
    return f"the account is in no chat {chat}: join it with that account, or correct its id in bot.yaml"


def _flooded(error: Any) -> str:
    return f"Telegram asks to wait {error.seconds} s before the next request"


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
