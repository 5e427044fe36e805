"""What is done with the posts of a channel while the database, the history or the messenger fails."""

import asyncio
from collections.abc import Sequence

import pytest

from bot.domain.reason import Reason, code_of
from bot.domain.signal import Reading, Remark
from bot.ports import Later, OutcomeUnknown, Refused, TryAgain
from tests.bot.fakes import FakeStore
from tests.bot.feeding import CHAT, LONG, FakeChats, Reader, feeding, handled, passing, trouble, until_read
from tests.bot.play import until
from tests.bot.room import Room, renewed


@pytest.fixture
def chats(room: Room) -> FakeChats:
    return FakeChats(room=room)


@pytest.mark.parametrize("call", ["admit", "set_read_up_to"])
@pytest.mark.parametrize("error", [TryAgain("it is down"), OutcomeUnknown("it hangs")])
async def test_while_the_database_is_down_nothing_is_lost_doubled_or_out_of_order(
    room: Room, chats: FakeChats, call: str, error: Exception
) -> None:
    async with feeding(room, chats) as feeds:
        for id_ in (1, 2, 3):
            room.store.fail[call] = error
            feeds.heard(CHAT, chats.post(id_))
            await until(lambda: call not in room.store.fail)
        await until_read(room, 3)
    assert handled(room) == [1, 2, 3]
    assert len(room.exchange.sent) == len(set(room.exchange.sent)) == len(room.store.orders())


async def test_a_message_that_was_committed_without_an_answer_is_one_order(
    room: Room, chats: FakeChats
) -> None:
    class Forgetful(FakeStore):
        async def admit(self, row, epoch):  # type: ignore[no-untyped-def]
            kept = await FakeStore.admit(self, row, epoch)
            if kept is not None:
                raise OutcomeUnknown("the connection broke after the commit")
            return kept

    room.store = await renewed(room, Forgetful())
    async with feeding(room, chats) as feeds:
        feeds.heard(CHAT, chats.post(1))
        await until_read(room, 1)
    assert room.count("signal_verdicts_total", source="telegram", verdict="accepted", reason="none") == 1
    assert len(room.store.orders()) == 1


async def test_killed_between_a_decision_and_the_note_of_it_the_next_start_makes_no_second_order(
    room: Room, chats: FakeChats
) -> None:
    async with feeding(room, chats) as feeds:
        room.store.fail["set_read_up_to"] = TryAgain("it is down")
        feeds.heard(CHAT, chats.post(1))
        await until(lambda: "set_read_up_to" not in room.store.fail)
    assert (handled(room), room.store.chats) == ([1], {str(CHAT): 0})
    chats.asked.clear()
    async with feeding(room, chats):
        await until_read(room, 1)
    assert len(room.exchange.sent) == 1
    assert room.count("signal_verdicts_total", source="telegram", verdict="duplicate", reason="none") == 1


async def test_a_start_while_the_database_is_down_begins_where_it_was_left(
    room: Room, chats: FakeChats
) -> None:
    room.store.chats[str(CHAT)] = 1
    room.store.fail["read_up_to"] = TryAgain("it is down")
    for id_ in (1, 2, 3):
        chats.post(id_, "hello")
    async with feeding(room, chats):
        await until_read(room, 3)
    assert handled(room) == [2, 3]


async def test_a_backlog_is_read_page_by_page_though_it_fails_between(room: Room, chats: FakeChats) -> None:
    room.store.chats[str(CHAT)] = 1
    for id_ in range(1, 12):
        chats.post(id_, f"hello {id_}")
    chats.fail = [TryAgain("it is away"), TryAgain("it is away")]
    async with feeding(room, chats):
        await until_read(room, 11)
    assert handled(room) == list(range(2, 12))


async def test_what_was_heard_but_does_not_stand_in_the_history_is_handled_after_a_second_look(
    room: Room, chats: FakeChats
) -> None:
    async with feeding(room, chats) as feeds:
        asked = len(chats.asked)
        later, earlier = chats.post(5, "hello"), chats.post(3, "hello before")
        chats.posts.clear()
        feeds.heard(CHAT, later)
        await until(lambda: len(chats.asked) == asked + 1)
        feeds.heard(CHAT, earlier)
        await asyncio.sleep(0)
        assert handled(room) == []
        room.now += 1
        feeds.heard(CHAT, later)
        await until_read(room, 5)
    assert handled(room) == [3, 5]


async def test_what_was_heard_unedited_and_stands_edited_in_the_history_opens_nothing(
    room: Room, chats: FakeChats
) -> None:
    async with feeding(room, chats) as feeds:
        feeds.heard(CHAT, chats.post(2))
        chats.post(2, "BUY BTCUSDT 0.2", edited=True)
        await until_read(room, 2)
    (row,) = room.store.rows.values()
    assert (row.incoming.text, row.reason) == (LONG, "edited: it was edited before it was first seen")


async def test_a_message_that_is_heard_again_is_no_reason_to_ask(room: Room, chats: FakeChats) -> None:
    async with feeding(room, chats) as feeds:
        post = chats.post(1)
        feeds.heard(CHAT, post)
        await until_read(room, 1)
        asked = len(chats.asked)
        feeds.heard(CHAT, post)
        await asyncio.sleep(0.05)
        assert len(chats.asked) == asked
    assert room.count("signals_received_total", source="telegram") == 1


async def test_a_messenger_that_asks_to_wait_is_left_alone_that_long(room: Room, chats: FakeChats) -> None:
    async with feeding(room, chats) as feeds:
        await until(lambda: len(chats.asked) == 2)
        chats.fail = [Later("wait 30 s", 30)]
        feeds.heard(CHAT, chats.post(2, "hello"))
        await until(lambda: trouble(room) == "wait 30 s")
        asked = len(chats.asked)
        room.now += 29
        feeds.heard(CHAT, chats.post(1, "hello next"))  # it is the next one, so nobody need be asked
        await until_read(room, 2)
        assert (handled(room), len(chats.asked)) == ([1, 2], asked)


async def test_a_chat_that_is_refused_is_tried_again_at_the_pace_of_looks(
    room: Room, chats: FakeChats
) -> None:
    chats.fail = [Refused("not in that chat")]
    async with feeding(room, chats, wait=False) as feeds:
        await until(lambda: trouble(room) == "not in that chat")
        for seconds, asked in ((44, 1), (2, 3)):
            room.now += seconds
            feeds.heard(CHAT, chats.post(1, "hello"))  # a reason to look
            await asyncio.sleep(0.05)
            assert len(chats.asked) == asked
        assert trouble(room) == ""
    assert room.store.chats == {str(CHAT): 1}


async def test_a_post_of_a_source_with_a_reader_is_what_its_page_says(room: Room, chats: FakeChats) -> None:
    reader = Reader()
    async with feeding(room, chats, source="cryptet", reader=reader) as feeds:
        feeds.heard(CHAT, chats.post(1, "BTC/USDT", links=("https://cryptet.com/x",)))
        await until_read(room, 1)
    assert reader.asked == [("BTC/USDT", ("https://cryptet.com/x",))]
    row = room.store.rows["cryptet", str(CHAT), "1"]
    assert row.reason == "commentary: of the page"


async def test_a_post_of_another_source_is_read_by_its_text(room: Room, chats: FakeChats) -> None:
    reader = Reader()
    async with feeding(room, chats, reader=reader) as feeds:
        feeds.heard(CHAT, chats.post(1))
        await until_read(room, 1)
    assert reader.asked == []
    assert room.store.rows["telegram", str(CHAT), "1"].verdict == "accepted"


async def test_its_age_counts_from_when_it_was_written(room: Room, chats: FakeChats) -> None:
    async with feeding(room, chats) as feeds:
        post = chats.post(1, written=room.desk.wall().replace(year=2025))
        feeds.heard(CHAT, post)
        await until_read(room, 1)
    (row,) = room.store.rows.values()
    assert row.incoming.sent_at == post.written
    shown = room.registry.get_sample_value("telegram_last_message_timestamp_seconds", {"channel": "demo"})
    assert shown == post.date.timestamp()


async def test_while_the_bot_is_stopping_a_message_waits_for_the_next_start(
    room: Room, chats: FakeChats
) -> None:
    async with feeding(room, chats) as feeds:
        room.desk.leaving = True
        feeds.heard(CHAT, chats.post(1))
        await asyncio.sleep(0.05)
    assert (handled(room), room.store.chats) == ([], {str(CHAT): 0})


async def test_messages_of_other_chats_are_nobodys(room: Room, chats: FakeChats) -> None:
    async with feeding(room, chats) as feeds:
        feeds.heard(-1, chats.post(1))
        feeds.was_edited(-1, 1)
        chats.posts.clear()
        await asyncio.sleep(0.05)
    assert handled(room) == []


async def test_a_bot_that_has_just_started_decides_once_it_knows_prices_and_account(
    room: Room, chats: FakeChats
) -> None:
    room.desk.was_ready.clear()
    async with feeding(room, chats) as feeds:
        feeds.heard(CHAT, chats.post(1))
        await passing(
            room,
            lambda: room.desk.hearing is not None and room.desk.hearing.channels[0].written_at is not None,
        )
        for _ in range(20):
            await asyncio.sleep(0)
        assert handled(room) == []
        room.desk.was_ready.set()
        await until_read(room, 1)
    assert len(room.store.orders()) == 1


async def test_a_post_that_grew_too_old_meanwhile_is_refused_though_the_bot_never_got_ready(
    room: Room, chats: FakeChats
) -> None:
    room.desk.was_ready.clear()
    async with feeding(room, chats) as feeds:
        post = chats.post(1)
        room.now += room.desk.pace.max_signal_age + 1
        feeds.heard(CHAT, post)
        await until_read(room, 1)
    (row,) = room.store.rows.values()
    assert code_of(row.reason) == Reason.STALE


async def test_no_page_is_fetched_for_a_post_that_is_too_old(room: Room, chats: FakeChats) -> None:
    reader = Reader()
    async with feeding(room, chats, source="cryptet", reader=reader) as feeds:
        old = chats.post(1, "BTC/USDT")
        room.now += room.desk.pace.max_signal_age + 1
        feeds.heard(CHAT, old)
        feeds.heard(CHAT, chats.post(2, "ETH/USDT"))
        await until_read(room, 2)
    assert [text for text, _ in reader.asked] == ["ETH/USDT"]
    assert [code_of(row.reason) for row in room.store.rows.values()] == [Reason.STALE, Reason.COMMENTARY]


class Broken:
    """A reader with a fault for one text."""

    async def read(self, text: str, links: Sequence[str]) -> Reading:
        if text == "poison":
            raise ZeroDivisionError
        return Remark(reason=Reason.COMMENTARY, text="of the page")


async def test_a_post_that_meets_a_fault_of_ours_is_stored_as_that_and_the_next_goes_on(
    room: Room, chats: FakeChats
) -> None:
    async with feeding(room, chats, source="cryptet", reader=Broken()) as feeds:
        for id_, text in ((1, "poison"), (2, "BTC/USDT")):
            feeds.heard(CHAT, chats.post(id_, text))
        await until_read(room, 2)
    assert [code_of(row.reason) for row in room.store.rows.values()] == [Reason.FAULT, Reason.COMMENTARY]


async def test_a_fault_while_it_is_decided_is_stored_and_counted_too(room: Room, chats: FakeChats) -> None:
    room.desk.switch = object()  # type: ignore[assignment] # nothing can be asked of it
    async with feeding(room, chats) as feeds:
        feeds.heard(CHAT, chats.post(1))
        await until_read(room, 1)
    (row,) = room.store.rows.values()
    assert code_of(row.reason) == Reason.FAULT
    assert room.count("signal_processing_errors_total", source="telegram") == 1


async def test_what_was_heard_before_the_first_look_ended_is_no_history(room: Room, chats: FakeChats) -> None:
    chats.post(7)
    chats.fail.append(TryAgain("busy"))
    async with feeding(room, chats, wait=False) as feeds:
        feeds.heard(CHAT, chats.post(8))
        await until_read(room, 8)
    assert handled(room) == [8]


async def test_a_post_that_waits_for_the_database_counts_as_one(room: Room, chats: FakeChats) -> None:
    async with feeding(room, chats) as feeds:
        for number, error in enumerate((TryAgain("down"), TryAgain("still"), OutcomeUnknown("lost"))):
            room.store.fail["admit"] = error
            if not number:
                feeds.heard(CHAT, chats.post(1))
            await until(lambda: "admit" not in room.store.fail)
        await until_read(room, 1)
    names = ("signals_received_total", "signal_processing_errors_total")
    assert [room.count(name, source="telegram") for name in names] == [1, 1]
