"""Channels of Telegram, followed by the true client: nothing is missed, doubled, or out of order."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from telethon.tl import types

from bot.config import TelegramChannel
from bot.ports import TryAgain
from tests.bot.channels import DEMO, GAP_CHECK, OTHER, Followed, telegram_for
from tests.bot.play import until
from tests.bot.room import Room

LONG = "BUY BTCUSDT 0.1"


@pytest.fixture
async def followed(room: Room) -> AsyncIterator[Followed]:
    async with telegram_for(room) as made:
        yield made


async def test_a_message_becomes_an_order(followed: Followed) -> None:
    async with followed.bot():
        id_ = followed.say(LONG)
        await followed.until_read(id_)
    assert (followed.verdict(id_), len(followed.room.exchange.sent)) == ("accepted", 1)
    assert followed.gaps() == 0


async def test_of_a_channel_that_was_never_read_nothing_old_is_traded(followed: Followed) -> None:
    old = followed.say(LONG)
    async with followed.bot():
        await followed.until_read(old)
        new = followed.say("SELL BTCUSDT 0.1")
        await followed.until_read(new)
    assert followed.handled() == [new]


async def test_what_was_posted_while_the_bot_was_away_is_read_in_order(followed: Followed) -> None:
    async with followed.bot():
        await followed.until_read(followed.say(LONG))
    missed = [followed.say(f"hello {n}") for n in range(5)]
    async with followed.bot():
        await followed.until_read(missed[-1])
    assert followed.handled()[1:] == missed
    assert followed.gaps() == 5


async def test_what_was_posted_while_the_connection_was_down_is_read(followed: Followed) -> None:
    async with followed.bot():
        followed.world.faults.down = True
        followed.world.drop()
        await until(lambda: not followed.connected)
        id_ = followed.say(LONG)
        followed.world.faults.down = False
        await followed.until_read(id_)
        assert followed.connected
    assert followed.gaps() == 1


async def test_a_message_of_which_no_update_ever_comes_is_found_at_the_next_look(followed: Followed) -> None:
    async with followed.bot():
        followed.world.faults.lost = True
        id_ = followed.say(LONG)
        await asyncio.sleep(2 * GAP_CHECK)  # the desk's clock stands still
        assert id_ not in followed.handled()
        await followed.later(lambda: followed.has_read(id_))
    assert followed.gaps() == 1


async def test_a_message_that_is_heard_has_those_before_it_fetched(followed: Followed) -> None:
    async with followed.bot():
        await followed.until_read(followed.say("hello"))
        followed.world.faults.lost = True
        missed = [followed.say(f"hello {n}") for n in range(3)]
        followed.world.faults.lost = False
        heard = followed.say("hello at last")
        await followed.until_read(heard)
    assert followed.handled()[1:] == [*missed, heard]
    assert followed.gaps() == 3


async def test_a_gap_of_hundreds_is_read_in_order(followed: Followed) -> None:
    async with followed.bot():
        await followed.until_read(followed.say("hello"))
        followed.world.faults.lost = True
        missed = [followed.say(f"hello {n}") for n in range(350)]
        followed.world.faults.lost = False
        heard = followed.say("hello at last")
        await followed.until_read(heard)
    assert followed.handled()[1:] == [*missed, heard]


@pytest.mark.parametrize("count", [99, 350])
async def test_updates_that_telegram_owes_are_read_in_order(followed: Followed, count: int) -> None:
    """Of more than a hundred it pays none, and the client then drops the one that showed the gap as well."""
    async with followed.bot():
        await followed.until_read(followed.say("hello"))
        followed.world.faults.silent = True
        missed = [followed.say(f"hello {n}") for n in range(count)]
        followed.world.faults.silent = False
        heard = followed.say("hello at last")
        await until(lambda: "GetChannelDifferenceRequest" in followed.world.asked)
        await (followed.later if count > 100 else until)(lambda: followed.has_read(heard))
    assert followed.handled()[1:] == [*missed, heard]


async def test_messages_that_are_told_twice_or_out_of_order_are_handled_once_and_in_order(
    followed: Followed,
) -> None:
    async with followed.bot():
        followed.world.faults.lost = True
        ids = [followed.say(f"hello {n}") for n in range(3)]
        followed.world.push("demo", ids[2], ids[0], ids[0], ids[1], ids[2])
        await followed.until_read(ids[2])
        followed.world.push("demo", *ids)
        followed.world.faults.lost = False
        last = followed.say("hello at last")
        await followed.until_read(last)
    assert followed.handled() == [*ids, last]
    assert followed.room.count("signals_received_total", source="telegram") == 4


async def test_an_edit_of_a_message_that_was_handled_changes_nothing(followed: Followed) -> None:
    async with followed.bot():
        id_ = followed.say("hello")
        await followed.until_read(id_)
        followed.world.edit("demo", id_, LONG)
        await followed.until_read(followed.say("hello again"))
    assert followed.room.store.orders() == []
    assert followed.room.store.rows["telegram", str(DEMO), str(id_)].incoming.text == "hello"


async def test_a_message_that_was_edited_before_it_was_read_opens_nothing(followed: Followed) -> None:
    async with followed.bot():
        followed.world.faults.lost = True
        id_ = followed.say("hello")
        followed.world.edit("demo", id_, LONG)
        await followed.later(lambda: followed.has_read(id_))
    assert (followed.verdict(id_), followed.reason(id_)) == ("refused", "edited")


async def test_a_message_that_is_edited_while_the_database_is_down_opens_nothing(followed: Followed) -> None:
    store = followed.room.store
    async with followed.bot():
        store.fail["admit"] = TryAgain("the database is down")
        id_ = followed.say(LONG)
        await until(lambda: "admit" not in store.fail)
        followed.world.edit("demo", id_, LONG + " ")
        await followed.until_read(id_)
    assert (followed.verdict(id_), followed.reason(id_)) == ("refused", "edited")


async def test_an_answer_opens_nothing_and_a_post_to_a_topic_does(followed: Followed) -> None:
    async with followed.bot():
        answer = followed.say(LONG, reply_to=types.MessageReplyHeader(reply_to_msg_id=1))
        topic = followed.say(LONG, reply_to=types.MessageReplyHeader(forum_topic=True, reply_to_msg_id=1))
        await followed.until_read(topic)
    assert (followed.verdict(answer), followed.reason(answer)) == ("refused", "reply")
    assert followed.verdict(topic) == "accepted"


async def test_pictures_and_words_of_the_channel_itself_are_passed_over(followed: Followed) -> None:
    async with followed.bot():
        photo = types.MessageMediaPhoto(photo=types.PhotoEmpty(id=1))
        for _ in range(3):
            followed.say("", media=photo, grouped_id=7)
        followed.say("", service=True)
        caption = followed.say(LONG, media=photo)
        await followed.until_read(caption)
    assert followed.handled() == [caption]
    assert followed.gaps() == 0


async def test_a_flood_wait_holds_up_no_message_of_another_channel(followed: Followed) -> None:
    async with followed.bot():
        await followed.until_read(followed.say("hello"))
        followed.world.flood(30)
        followed.world.faults.lost = True
        missed = followed.say("missed")
        followed.world.faults.lost = False
        heard = followed.say("heard")
        others = [followed.say(f"hello {n}", "other") for n in range(3)]
        await followed.until_read(others[-1], OTHER)
        channel, _ = followed.room.desk.hearing.channels  # type: ignore[union-attr]
        await until(lambda: "asks to wait 30 s" in channel.trouble)
        asked = len(followed.world.asked)
        followed.room.now += 29
        await asyncio.sleep(0.1)
        assert followed.world.asked[asked:] == []
        assert missed not in followed.handled()
    lines = [line for line in followed.log().splitlines() if "asks to wait" in line]
    assert sum('"channel": "demo"' in line for line in lines) == 1
    followed.room.now += 2
    async with followed.bot():
        await followed.until_read(heard)
    assert followed.handled()[1:] == [missed, heard]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("AUTH_KEY_DUPLICATED", "used from two places at once"),
        ("SESSION_REVOKED", "SessionRevokedError"),
        ("AUTH_KEY_UNREGISTERED", "AuthKeyUnregisteredError"),
    ],
)
async def test_a_session_that_was_taken_over_is_a_loud_stop(followed: Followed, word: str, said: str) -> None:
    async with followed.bot() as task:
        followed.world.faults.revoked = word
        await followed.later(task.done)
        asked = len(followed.world.asked)
        hearing = followed.room.desk.hearing
        assert hearing is not None
        assert said in hearing.check.reason
        assert "python -m bot login" in hearing.check.reason
        assert not followed.connected
        verdict, _ = await followed.room.send()
        assert verdict == "accepted"
        assert len(followed.world.asked) == asked
    assert followed.log().count('"level": "error"') == 1


async def test_a_session_that_is_not_logged_in_is_a_loud_stop(followed: Followed) -> None:
    followed.world.faults.revoked = "AUTH_KEY_UNREGISTERED"
    async with followed.bot(wait=False) as task:
        await until(task.done)
    assert "not logged in" in followed.log()


async def test_a_channel_that_the_account_is_not_in_is_named_and_the_others_are_read(
    followed: Followed,
) -> None:
    strange = TelegramChannel(name="strange", id=-1009999999999)
    both = replace(followed, channels=(followed.channels[0], strange))
    async with both.bot(wait=False):
        await until(lambda: str(DEMO) in followed.room.store.chats)
        id_ = followed.say(LONG)
        await followed.until_read(id_)
        hearing = followed.room.desk.hearing
        assert hearing is not None
        await until(lambda: "-1009999999999" in hearing.channels[1].trouble)
    assert '"channel": "strange"' in followed.log()


async def test_a_message_of_full_length_arrives_whole(followed: Followed) -> None:
    text = f"{LONG}\n" + "😀" * (4096 - len(LONG) - 1)
    async with followed.bot():
        id_ = followed.say(text)
        await followed.until_read(id_)
    assert followed.room.store.rows["telegram", str(DEMO), str(id_)].incoming.text == text


async def test_it_comes_back_however_often_the_connection_ends(followed: Followed) -> None:
    async with followed.bot():
        for _ in range(2):
            followed.world.drop()
            await until(lambda: not followed.connected)
            await until(lambda: followed.connected)
        await followed.until_read(followed.say(LONG))


async def test_a_connection_that_answers_nothing_is_given_up_for_a_new_one(followed: Followed) -> None:
    async with followed.bot(patience=0.3):
        followed.world.answering.clear()
        followed.world.faults.lost = True
        id_ = followed.say(LONG)
        await followed.later(lambda: not followed.connected)
        followed.world.answering.set()
        await followed.later(lambda: followed.has_read(id_))
    assert "no answer from Telegram within 0.3 s" in followed.log()


async def test_a_connection_that_ends_while_it_is_asked_loses_nothing(followed: Followed) -> None:
    async with followed.bot():
        followed.world.answering.clear()
        followed.world.faults.lost = True
        id_ = followed.say(LONG)
        waiting = followed.world.answering._waiters  # type: ignore[attr-defined]
        await followed.later(lambda: bool(waiting))
        followed.world.drop()
        await until(lambda: not followed.connected)
        followed.world.answering.set()
        await followed.later(lambda: followed.has_read(id_))


async def test_a_bots_session_is_refused(followed: Followed) -> None:
    followed.world.me.bot, followed.world.me.bot_info_version = True, 1
    async with followed.bot(wait=False) as task:
        await until(task.done)
    assert "a bot's, which cannot read channels" in followed.log()
