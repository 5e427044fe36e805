"""What of a message of Telegram the bot goes by; and which failures no new attempt mends."""

import struct
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from telethon import errors
from telethon.tl import types

from bot.adapters.telegram import Telegram, as_post
from bot.domain.parser import parse
from bot.domain.signal import Signal
from bot.ports import Post
from tests.bot.room import Room

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PEER = types.PeerChannel(1)


def post(**given: Any) -> Post:
    return as_post(types.Message(**{"id": 7, "peer_id": PEER, "date": NOW, "message": "LONG"} | given))


def test_a_plain_message() -> None:
    assert post() == Post(id=7, date=NOW, text="LONG", written=NOW)


def test_only_its_author_edits_a_message() -> None:
    assert post(edit_date=NOW).edited
    assert not post(edit_date=NOW, edit_hide=True).edited


@pytest.mark.parametrize(
    ("header", "is_reply"),
    [
        (types.MessageReplyHeader(reply_to_msg_id=1), True),
        (types.MessageReplyHeader(reply_to_msg_id=1, quote=True, quote_text="LONG"), True),
        (types.MessageReplyHeader(reply_to_peer_id=PEER, reply_to_msg_id=1), True),
        (types.MessageReplyStoryHeader(peer=PEER, story_id=1), True),
        (types.MessageReplyHeader(reply_to_msg_id=1, forum_topic=True), False),
        (types.MessageReplyHeader(reply_to_msg_id=2, reply_to_top_id=1, forum_topic=True), True),
        (types.MessageReplyHeader(reply_to_msg_id=1, forum_topic=True, quote=True), True),
    ],
)
def test_a_post_to_a_topic_is_no_answer(header: Any, is_reply: bool) -> None:
    assert post(reply_to=header).reply is is_reply


def test_a_forwarded_message_is_as_old_as_what_it_forwards() -> None:
    old = NOW.replace(year=2025)
    forwarded = post(fwd_from=types.MessageFwdHeader(date=old))
    assert (forwarded.written, forwarded.date) == (old, NOW)
    assert post(fwd_from=types.MessageFwdHeader(date=NOW.replace(year=2027))).written == NOW


def test_links_stand_in_the_text_or_behind_it() -> None:
    text = "😀 BTC/USDT https://example.org/1"
    entities = [
        types.MessageEntityTextUrl(offset=3, length=8, url="https://cryptet.com/signals/one"),
        types.MessageEntityUrl(offset=12, length=21),
        types.MessageEntityBold(offset=0, length=2),
    ]
    found = post(message=text, entities=entities).links
    assert found == ("https://cryptet.com/signals/one", "https://example.org/1")


@pytest.mark.parametrize(
    ("text", "struck"),
    [
        ("😀 LONG BTC/USDT\nEntry: 60000\nTP: 62000\nSL: 59000", (3, 13)),
        ("LONG BTC/USDT\nEntry: 60000 60500\nTP: 62000\nSL: 59000", (21, 5)),
        ("LONG BTC/USDT\nEntry: 60000\nTP: 62000\nSL: 59000", (0, 47)),
        ("BUY BTCUSDT 0.1", (0, 15)),
        ("BUY BTCUSDT 0.1", (0, 3)),
    ],
)
def test_what_is_struck_out_is_no_signal(text: str, struck: tuple[int, int]) -> None:
    assert isinstance(parse(post(message=text).text), Signal)
    offset, length = struck
    told = post(message=text, entities=[types.MessageEntityStrike(offset=offset, length=length)])
    assert told.text.replace("\u0336", "") == text
    assert not isinstance(parse(told.text), Signal)


SIGNAL = "LONG BTC/USDT\nEntry: 60000\nTP: 62000\nSL: 59000"


@pytest.mark.parametrize(
    ("text", "quoted", "is_reply"),
    [
        (SIGNAL, None, False),
        (SIGNAL, (0, len(SIGNAL)), False),
        (f"😀\n{SIGNAL}", (3, len(SIGNAL)), False),
        (f"{SIGNAL}\nWhat a trade that was", (0, len(SIGNAL)), True),
        (f"😀 Look:\n{SIGNAL}", (9, len(SIGNAL)), True),
    ],
    ids=["no quote", "all of it", "all but a sign", "talk behind", "talk before"],
)
def test_who_says_something_to_a_quote_answers_it(
    text: str, quoted: tuple[int, int] | None, is_reply: bool
) -> None:
    entities = [types.MessageEntityBlockquote(offset=quoted[0], length=quoted[1])] if quoted else []
    assert post(message=text, entities=entities).reply is is_reply


def test_what_telegram_itself_posts_has_no_text() -> None:
    service = types.MessageService(id=7, peer_id=PEER, date=NOW, action=types.MessageActionPinMessage())
    assert as_post(service).text == ""


@dataclass(slots=True, kw_only=True)
class Client:
    """One that fails like this when it connects."""

    error: Exception

    def add_event_handler(self, *_: object) -> None: ...

    async def connect(self) -> None:
        raise self.error

    async def disconnect(self) -> None: ...


@dataclass(slots=True, kw_only=True)
class Ear:
    """Ends what it listens to at the first disconnection."""

    heard: list[str] = field(default_factory=list)

    def connected(self) -> None: ...

    def disconnected(self, reason: str) -> None:
        self.heard.append(f"disconnected: {reason}")
        raise EOFError

    def given_up(self, reason: str) -> None:
        self.heard.append(f"given up: {reason}")


def transport_error(code: int) -> Exception:
    return errors.InvalidBufferError(struct.pack("<i", -code))  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (transport_error(404), "given up: Telegram does not take the session any more"),
        (errors.AuthKeyNotFound(), "given up: Telegram does not take the session any more"),
        (errors.AuthKeyDuplicatedError(request=None), "given up: the session was used from two places"),
        (
            errors.UserDeactivatedBanError(request=None),
            "given up: Telegram does not take the session any more",
        ),
        (transport_error(429), "disconnected: InvalidBufferError"),
        (ConnectionError("no route"), "disconnected: ConnectionError: no route"),
        (errors.FloodWaitError(request=None, capture=9), "disconnected: Telegram asks to wait 9 s"),
        (AssertionError("a bug of the library"), "disconnected: AssertionError"),
    ],
)
async def test_only_a_person_mends_a_lost_session(room: Room, error: Exception, said: str) -> None:
    ear = Ear()
    telegram = Telegram(lambda: Client(error=error), [1], room.desk.log)
    with suppress(EOFError):
        await telegram.run(ear)  # type: ignore[arg-type]
    (heard,) = ear.heard
    assert heard.startswith(said)
