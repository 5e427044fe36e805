"""Telegram as one account sees it: channels, their history, and answers to what a reader requests."""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from telethon.tl import functions, types

CHANNELS_BELOW = 1_000_000_000_000  # the id of a channel for its readers is -100... and its own
# What Telegram answers whoever is not logged in.
OF_NOBODY = (
    functions.InvokeWithLayerRequest,
    functions.InitConnectionRequest,
    functions.help.GetConfigRequest,
)
LONGEST_DIFFERENCE = 100  # updates; a reader who missed more gets none of them


class RpcError(Exception):
    """A refusal with Telegram's own number and word."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(slots=True, kw_only=True)
class Faults:
    """What is wrong with Telegram now."""

    down: bool = False  # takes no connection, and has ended those that were there
    revoked: str = ""  # the word with which every request is refused, such as SESSION_REVOKED
    silent: bool = False  # sends no updates, but knows that it owes them
    lost: bool = False  # sends none, and never will
    flood_until: float = 0.0  # no history until then


@dataclass(slots=True, kw_only=True)
class Channel:
    name: str
    chat: int
    next_id: int
    pts: int = 1
    messages: dict[int, Any] = field(default_factory=dict)
    updates: list[Any] = field(default_factory=list)  # all that count

    @property
    def peer(self) -> types.PeerChannel:
        return types.PeerChannel(-self.chat - CHANNELS_BELOW)

    def shown(self) -> types.Channel:
        began = datetime(2026, 1, 1, tzinfo=UTC)
        return types.Channel(
            id=self.peer.channel_id,
            title=self.name,
            photo=types.ChatPhotoEmpty(),
            date=began,
            access_hash=self.peer.channel_id ^ 77,
            broadcast=True,
        )


class Telegram:
    """`first_id` counts up from start to start, because a reader remembers what it has read."""

    def __init__(self, channels: dict[str, int], *, first_id: int, clock: Callable[[], float]) -> None:
        self.channels = {
            name: Channel(name=name, chat=chat, next_id=first_id) for name, chat in channels.items()
        }
        self.me = types.User(id=1, is_self=True, first_name="the reader", access_hash=1)
        self.faults = Faults()
        self.answering = asyncio.Event()  # while it is not set, no request is answered
        self.answering.set()
        self.connections: set[asyncio.Queue[Any]] = set()
        self.asked: list[str] = []  # names of requests
        self._clock = clock
        for name in self.channels:  # in life, too, it is the first that stands in a channel
            self.post(name, "", service=True)
        self._answers: dict[type, Callable[[Any], Any]] = {
            functions.InvokeWithLayerRequest: lambda request: self.answer(request.query),
            functions.InitConnectionRequest: lambda request: self.answer(request.query),
            functions.help.GetConfigRequest: lambda _: _config(),
            functions.users.GetUsersRequest: lambda _: [self.me],
            functions.updates.GetStateRequest: lambda _: _state(),
            functions.updates.GetDifferenceRequest: lambda _: types.updates.DifferenceEmpty(_now(), 0),
            functions.updates.GetChannelDifferenceRequest: self._difference,
            functions.messages.GetDialogsRequest: self._dialogs,
            functions.messages.GetHistoryRequest: self._history,
        }

    def answer(self, request: Any) -> Any:
        self.asked.append(type(request).__name__)
        if self.faults.revoked == "AUTH_KEY_DUPLICATED":
            raise RpcError(406, self.faults.revoked)
        if self.faults.revoked and not isinstance(request, OF_NOBODY):
            raise RpcError(401, self.faults.revoked)
        known = self._answers.get(type(request))
        if known is None:
            raise RpcError(400, "METHOD_NOT_SIMULATED")
        return known(request)

    def flood(self, seconds: float) -> None:
        self.faults.flood_until = self._clock() + seconds

    def post(self, name: str, text: str, **more: Any) -> int:
        """`more` is what types.Message takes; `service` posts what is no message of anybody."""
        channel = self.channels[name]
        given = {"id": channel.next_id, "peer_id": channel.peer, "date": _now(), "post": True} | more
        if given.pop("service", False):
            message = types.MessageService(**given, action=types.MessageActionChannelCreate(name))
        else:
            message = types.Message(**{"message": text, "entities": []} | given, out=False)
        channel.next_id = message.id + 1
        channel.messages[message.id] = message
        self._update(channel, types.UpdateNewChannelMessage, message)
        return int(message.id)

    def edit(self, name: str, id_: int, text: str) -> None:
        channel = self.channels[name]
        message = channel.messages[id_]
        message.message, message.entities, message.edit_date = text, [], _now()
        self._update(channel, types.UpdateEditChannelMessage, message)

    def age(self, name: str, seconds: float) -> None:
        """Let all in a channel be older; who has read it knows nothing of that until they read it again."""
        for message in self.channels[name].messages.values():
            message.date -= timedelta(seconds=seconds)

    def push(self, name: str, *ids: int) -> None:
        """What stands there once more, and without a number by which a client would know it."""
        channel = self.channels[name]
        for id_ in ids:
            self._send(channel, types.UpdateNewChannelMessage(channel.messages[id_], 0, 0))

    def drop(self) -> None:
        """End all connections; a client may come back at once."""
        for connection in self.connections:
            connection.put_nowait(None)
        self.connections.clear()

    def _update(self, channel: Channel, kind: type, message: Any) -> None:
        if self.faults.lost:
            return
        channel.pts += 1
        update = kind(message, channel.pts, 1)
        channel.updates.append(update)
        if not self.faults.silent:
            self._send(channel, update)

    def _send(self, channel: Channel, update: Any) -> None:
        told = types.Updates(updates=[update], users=[], chats=[channel.shown()], date=_now(), seq=0)
        for connection in self.connections:
            connection.put_nowait(bytes(told))

    def _of(self, peer: Any) -> Channel:
        for channel in self.channels.values():
            if channel.peer.channel_id == getattr(peer, "channel_id", None):
                return channel
        raise RpcError(400, "CHANNEL_INVALID")

    def _dialogs(self, _: Any) -> Any:
        channels = list(self.channels.values())
        return types.messages.Dialogs(
            dialogs=[_dialog(each) for each in channels],
            messages=[each.messages[max(each.messages)] for each in channels if each.messages],
            chats=[each.shown() for each in channels],
            users=[],
        )

    def _history(self, request: Any) -> Any:
        """The newest first: from `offset_id` downwards, moved by `add_offset`, so many as the limit."""
        if (left := self.faults.flood_until - self._clock()) > 0:
            raise RpcError(420, f"FLOOD_WAIT_{math.ceil(left)}")
        channel = self._of(request.peer)
        ids = sorted(channel.messages, reverse=True)
        start = sum(1 for id_ in ids if request.offset_id and id_ >= request.offset_id) + request.add_offset
        chosen = ids[max(start, 0) : max(start + request.limit, 0)]
        return types.messages.ChannelMessages(
            pts=channel.pts,
            count=len(ids),
            messages=[channel.messages[id_] for id_ in chosen],
            topics=[],
            chats=[channel.shown()],
            users=[],
        )

    def _difference(self, request: Any) -> Any:
        channel = self._of(request.channel)
        missed = [each for each in channel.updates if each.pts > request.pts]
        if not missed:
            return types.updates.ChannelDifferenceEmpty(pts=channel.pts, final=True)
        chats = [channel.shown()]
        if len(missed) > LONGEST_DIFFERENCE:
            return types.updates.ChannelDifferenceTooLong(
                dialog=_dialog(channel), messages=[], chats=chats, users=[], final=True
            )
        new, other = _sorted(missed)
        return types.updates.ChannelDifference(
            pts=channel.pts, new_messages=new, other_updates=other, chats=chats, users=[], final=True
        )


def _sorted(updates: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    new = [each for each in updates if isinstance(each, types.UpdateNewChannelMessage)]
    return [each.message for each in new], [each for each in updates if each not in new]


def _dialog(channel: Channel) -> types.Dialog:
    return types.Dialog(
        peer=channel.peer,
        top_message=max(channel.messages, default=0),
        read_inbox_max_id=0,
        read_outbox_max_id=0,
        unread_count=0,
        unread_mentions_count=0,
        unread_reactions_count=0,
        unread_poll_votes_count=0,
        notify_settings=types.PeerNotifySettings(),
        pts=channel.pts,
    )


def _state() -> types.updates.State:
    return types.updates.State(pts=1, qts=0, date=_now(), seq=0, unread_count=0)


def _config() -> types.Config:
    """Nobody reads it; the numbers are there because the type has them."""
    texts = {"dc_txt_domain_name": "", "me_url_prefix": ""}
    given = {"date": _now(), "expires": _now(), "test_mode": True, "this_dc": 2, "dc_options": []} | texts
    names = types.Config.__init__.__annotations__
    return types.Config(**{name: 0 for name, kind in names.items() if kind is int} | given)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
