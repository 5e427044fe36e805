"""What is told of what happened, before it is sent: texts, joining, dropping, and what is no news."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from prometheus_client import CollectorRegistry

from bot import notices
from bot.domain import notice
from bot.domain.mode import Mode
from bot.domain.notice import Kind, Notice
from bot.domain.order import State
from bot.domain.reason import Reason, Verdict
from bot.domain.signal import Remark
from bot.domain.switch import Level, Switch
from bot.intake import on_signal
from bot.metrics import instruments
from bot.outbox import Outbox
from bot.ports import Incoming, TryAgain
from bot.switching import halt
from config.spec.load import load_metrics
from tests.bot.desks import CONFIG
from tests.bot.play import until
from tests.bot.room import Room
from tests.bot.switch_desk import seen
from tests.bot.test_protection import trade

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def outbox(most: int = 200) -> tuple[Outbox, CollectorRegistry]:
    catalogue, _ = load_metrics(CONFIG)
    registry = CollectorRegistry()
    return Outbox(metrics=instruments(catalogue, registry), most=most), registry


def said(kind: Kind, text: str, code: str = "") -> Notice:
    return Notice(kind=kind, text=text, at=NOW, code=code)


def refusal(number: int, code: str = "stale") -> Notice:
    return said(Kind.REFUSED, f"refused {number}", code)


@pytest.mark.parametrize(
    ("mode", "tag"), [(Mode.SIMULATOR, "[simulator]"), (Mode.VST, "[vst]"), (Mode.LIVE, "[LIVE]")]
)
def test_every_message_begins_with_the_mode(mode: Mode, tag: str) -> None:
    assert notice.message(mode, "something") == f"{tag} something"


def test_what_comes_late_says_of_when_it_is_and_how_many_were_lost() -> None:
    told = notice.message(Mode.VST, "opened", lost=3, written=NOW)
    assert told == "[vst] at 2026-01-02 03:04:05 UTC: opened\n(3 earlier notices were lost)"


@pytest.mark.parametrize("letter", ["x", "\N{ROCKET}", "\ud800"])
def test_a_message_is_never_longer_than_telegram_takes(letter: str) -> None:
    told = notice.message(Mode.VST, letter * 5000, lost=7)
    units = len(told.encode("utf-16-le", "surrogatepass")) // 2
    assert 4090 < units <= 4096
    assert told.endswith("…\n(7 earlier notices were lost)")


def test_of_a_message_the_first_line_that_says_something_is_quoted_as_far_as_it_can_be_shown() -> None:
    assert notice.quoted("\n \u202e\n\x1b[2J BUY\u202e  BTC\u200b\nmore") == "[2J BUY BTC"
    assert notice.quoted("") == "(no text)"
    long = notice.quoted("y" * 500)
    assert (len(long), long[-1]) == (120, "…")


async def test_a_burst_of_refusals_becomes_one_message() -> None:
    box, _ = outbox()
    for number in range(12):
        box.put(refusal(number))
    for number in range(12, 17):
        box.put(refusal(number, "halted"))
    assert (await box.take()).text == "17 refused: 12 stale, 5 halted\nthe latest: refused 16"
    assert not box.waiting


async def test_refusals_are_not_joined_over_what_happened_between_them() -> None:
    box, _ = outbox()
    for each in (refusal(1), said(Kind.OPENED, "opened"), refusal(2)):
        box.put(each)
    assert [(await box.take()).text for _ in range(3)] == ["refused 1", "opened", "refused 2"]


async def test_when_it_is_full_the_oldest_refusal_goes_first_and_is_counted() -> None:
    box, registry = outbox(most=3)
    box.put(said(Kind.OPENED, "first"))
    box.put(refusal(1))
    box.put(refusal(2))
    box.put(said(Kind.CLOSED, "last"))
    assert [each.text for each in box.waiting] == ["first", "refused 2", "last"]
    box.put(said(Kind.OPENED, "more"))
    box.put(said(Kind.OPENED, "and more"))
    assert [each.text for each in box.waiting] == ["last", "more", "and more"]
    assert box.lost == registry.get_sample_value("notices_lost_total") == 3
    assert registry.get_sample_value("notices_total", {"kind": "refused"}) == 2


async def test_an_answer_overtakes_what_waits() -> None:
    box, _ = outbox()
    box.put(said(Kind.OPENED, "opened"))
    box.put(said(Kind.ANSWER, "halted"))
    assert (await box.take()).text == "halted"


async def test_without_anybody_to_tell_nothing_is_kept() -> None:
    box = Outbox()
    box.put(refusal(1))
    assert not box.waiting


def test_the_first_switch_that_is_read_is_no_news_and_a_halt_before_it_is(room: Room) -> None:
    room.desk.notices, _ = outbox()
    closed = Switch(level=Level.NO_ENTRIES, reason="odd", who="ann")
    notices.switched(room.desk, None, closed, kept=True)
    notices.switched(room.desk, closed, replace(closed, reason="other"), kept=True)
    assert not room.desk.notices.waiting
    notices.switched(room.desk, None, closed, kept=False)
    told = "HALTED at level 1, no new entries; by ann: odd"
    assert [each.text for each in room.desk.notices.waiting] == [told]


def test_opening_in_steps_is_told_with_its_size_and_symbols() -> None:
    switch = Switch(
        level=Level.OPEN, reason="well", who="b", size_factor=Decimal("0.50"), symbols=("BTC-USDT",)
    )
    assert notice.switched(switch) == "trading is open, quantities times 0.5, only BTC-USDT; by b: well"


async def test_stopping_and_halting_are_told_once(room: Room) -> None:
    room.desk.notices, _ = outbox()
    await halt(room.desk, Level.FLATTEN, "now", "ann")
    await halt(room.desk, Level.NO_ENTRIES, "again", "ben")
    told = [each.text for each in room.desk.notices.waiting]
    assert told == ["HALTED at level 3, no new entries, positions are closed; by ann: now"]


@pytest.mark.parametrize("reason", [Reason.CLOSE, Reason.MOVE_STOP])
@pytest.mark.parametrize(
    ("symbol", "is_told"), [("BTC-USDT", True), (None, True), ("ETH-USDT", False)], ids=str
)
async def test_word_of_a_trade_that_is_held_is_told_once_and_does_nothing(
    room: Room, reason: Reason, symbol: str | None, is_told: bool
) -> None:
    room.desk.notices, _ = outbox()
    room.desk.picture = seen("1")
    remark = Remark(reason=reason, text="asks for it", symbol=symbol)
    incoming = Incoming(source="test", chat="c", message_id="1", text="Exit now!\nmore", reading=remark)
    for _ in range(2):
        await on_signal(room.desk, incoming)
    told = [each.text for each in room.desk.notices.waiting]
    assert len(told) == is_told
    assert room.exchange.orders == {}
    if is_told:
        asked = "to close" if reason is Reason.CLOSE else "to move the stop or targets of"
        what = symbol or "every position"
        assert told[0] == (
            f"a message from test asks {asked} {what}. Nothing was done; held: BTC-USDT long\n> Exit now!"
        )


async def test_talk_updates_and_duplicates_are_not_told(room: Room) -> None:
    room.desk.notices, _ = outbox()
    room.desk.picture = seen("1")
    for number, reason in enumerate((Reason.COMMENTARY, Reason.UPDATE)):
        remark = Remark(reason=reason, text="talk", symbol="BTC-USDT")
        incoming = Incoming(source="test", chat="c", message_id=str(number), text="BTC flies", reading=remark)
        verdict, _ = await on_signal(room.desk, incoming)
        assert verdict is Verdict.IGNORED
    assert not room.desk.notices.waiting


def test_an_accepted_signal_whose_order_fails_is_told(room: Room) -> None:
    room.desk.notices, _ = outbox()
    before = replace(trade(), state=State.INTENT, filled_quantity=Decimal(0))
    after = replace(before, state=State.REJECTED, reason="no margin")
    notices.settled(room.desk, before, after)
    notices.settled(room.desk, after, after)
    [told] = room.desk.notices.waiting
    assert told.text.startswith("not opened: BTC-USDT long from ")
    assert told.text.endswith(", rejected: no margin")
    assert told.code == "rejected"


def looked(room: Room, uncovered: bool, differences: dict[str, int], after: float) -> list[str]:
    """What a look tells, so many seconds after the first."""
    found = seen("1") if uncovered else seen()
    picture = replace(found, asked_at=100 + after)
    picture.__dict__["differences"] = differences
    since = room.desk.uncovered_since
    room.desk.uncovered_since = {each.key: since.get(each.key, 100 + after) for each in picture.holdings}
    room.desk.notices.waiting.clear()
    notices.looked(room.desk, picture)
    return [each.text for each in room.desk.notices.waiting]


def test_a_stop_that_comes_in_time_is_not_told_of_and_one_that_does_not_once(room: Room) -> None:
    room.desk.notices, _ = outbox()
    assert looked(room, True, {}, 0) == []
    assert looked(room, True, {}, 1.9) == []
    assert looked(room, True, {}, 2) == ["UNPROTECTED: 1 of BTC-USDT long 1 has no stop"]
    assert looked(room, True, {}, 3) == []
    assert looked(room, False, {}, 4) == ["BTC-USDT long had no stop, and is not held any more"]
    assert looked(room, False, {}, 5) == []


def test_differences_are_told_when_they_stay_and_when_they_are_gone_for_good(room: Room) -> None:
    room.desk.notices, _ = outbox()
    there = {"order_foreign": 2, "stop_missing": 1, "position_size": 0}
    told = "MISMATCH between database and exchange: 2 orders that are not ours"
    assert looked(room, False, there, 0) == []
    assert looked(room, False, there, 4.9) == []
    assert looked(room, False, there, 5) == [told]
    assert looked(room, False, there, 6) == []
    assert looked(room, False, {}, 7) == []
    assert looked(room, False, there, 8) == []
    assert looked(room, False, {}, 9) == []
    assert looked(room, False, {}, 14) == ["database and exchange agree again"]


@dataclass(slots=True)
class FakeMessenger:
    """Fails so many times, then takes what it is sent."""

    failures: list[Exception] = field(default_factory=list)
    sent: list[tuple[int, str]] = field(default_factory=list)

    async def send(self, chat: int, text: str) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append((chat, text))


async def delivered(room: Room, messenger: FakeMessenger, count: int) -> list[tuple[int, str]]:
    task = asyncio.create_task(notices.deliver(room.desk, messenger, 5, 10_000))
    await until(lambda: len(messenger.sent) == count)
    task.cancel()
    return messenger.sent


async def test_what_is_delivered_late_says_from_when_it_is(room: Room) -> None:
    room.desk.notices, _ = outbox()
    room.desk.wall = lambda: NOW + timedelta(seconds=61)
    room.desk.notices.put(said(Kind.OPENED, "opened"))
    room.desk.notices.put(replace(said(Kind.CLOSED, "closed"), at=NOW + timedelta(seconds=2)))
    assert await delivered(room, FakeMessenger(), 2) == [
        (5, "[simulator] at 2026-01-02 03:04:05 UTC: opened"),
        (5, "[simulator] closed"),
    ]


@pytest.mark.parametrize(("age", "is_sent"), [(59, True), (61, False)])
async def test_an_answer_that_cannot_be_given_for_a_minute_holds_up_no_notice(
    room: Room, age: int, is_sent: bool
) -> None:
    room.desk.notices, _ = outbox()
    room.desk.wall = lambda: NOW + timedelta(seconds=age)
    room.desk.notices.put(replace(said(Kind.OPENED, "opened"), at=room.desk.wall()))
    room.desk.notices.put(replace(said(Kind.ANSWER, "halted"), chat=7))
    messenger = FakeMessenger([TryAgain("blocked")])
    expected = [(7, "[simulator] halted"), (5, "[simulator] opened")]
    assert await delivered(room, messenger, 1 + is_sent) == expected[not is_sent :]
