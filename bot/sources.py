"""The use case of a messenger: each message of its channels once and in order, the missed ones as well."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from bot.config import TelegramChannel
from bot.desk import Desk
from bot.domain import health
from bot.domain.hearing import Channel, Hearing
from bot.domain.reason import Reason
from bot.domain.signal import Reading, Unreadable
from bot.intake import accept, against_age
from bot.ports import Chats, Incoming, Later, OutcomeUnknown, PageReader, Post, Refused, TryAgain

# Seconds until something that failed is tried again, each time twice as long.
SOONEST, LATEST = 0.2, 5.0
HISTORY_LAG = 1.0  # seconds until what was heard has to stand in the history, or it was deleted


@dataclass(slots=True, kw_only=True)
class Feed:
    """One channel, whose messages it alone handles; what fails it tries again, and it skips nothing."""

    desk: Desk
    chats: Chats
    seen: Channel
    source: str
    reader: PageReader | None  # for what the messages only link to
    gap_check: float
    online: bool = False
    due: float = 0.0  # when to look for what was not heard
    not_before: float = 0.0  # when the messenger may be asked again
    pause: float = 0.0
    lagging: bool = False  # something was heard that the history does not show
    waiting: dict[int, Post] = field(default_factory=dict)  # heard and not handled
    edits: set[int] = field(default_factory=set)  # of messages not handled
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def connected(self) -> None:
        self.online, self.due, self.not_before = True, 0.0, 0.0
        self.woken.set()

    def heard(self, post: Post) -> None:
        if self._is_handled(post.id):
            self.desk.log.debug("message heard again", **self._ids(post.id))
            return
        self.waiting.setdefault(post.id, post)
        self.woken.set()

    def was_edited(self, id_: int) -> None:
        """It opens nothing, whatever it says now; once it is handled, an edit changes nothing either."""
        handled = self._is_handled(id_)
        self.desk.log.debug("edit", **self._ids(id_), handled=handled)
        if not handled:
            self.edits.add(id_)

    async def run(self) -> None:
        while True:
            self.woken.clear()
            await self._work()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._idle()):
                    await self.woken.wait()

    def _idle(self) -> float | None:
        """Seconds until there is something to do even if nothing is heard."""
        if not self.online:
            return None
        soonest = self.not_before if self.waiting else max(self.due, self.not_before)
        return max(0.0, soonest - self.desk.clock())

    async def _work(self) -> None:
        """Whatever can be done now."""
        while True:
            up_to = self.seen.read_up_to
            if up_to is not None and (next_one := self.waiting.get(up_to + 1)):
                await self._handle(next_one)
            elif self._may_ask():
                await self._ask(self._begin if up_to is None else self._look)
            else:
                return

    def _may_ask(self) -> bool:
        now = self.desk.clock()
        return self.online and now >= self.not_before and (now >= self.due or bool(self.waiting))

    async def _ask(self, question: Callable[[], Awaitable[None]]) -> None:
        try:
            await question()
        except (TryAgain, OutcomeUnknown, Refused) as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.pause = min(LATEST, max(SOONEST, self.pause * 2))
        wait = self.pause
        if isinstance(error, Later):
            wait = error.after
        elif isinstance(error, Refused):
            wait = self.gap_check
        self.not_before = self.desk.clock() + wait
        if str(error) != self.seen.trouble:
            tell = self.desk.log.error if isinstance(error, Refused) else self.desk.log.warning
            tell("channel cannot be read", channel=self.seen.name, reason=str(error), again_in=round(wait, 1))
        self.seen.trouble = str(error)

    def _succeed(self) -> None:
        if self.seen.trouble:
            self.desk.log.info(
                "channel can be read again", channel=self.seen.name, failed_before=self.seen.trouble
            )
        self.seen.trouble, self.pause = "", 0.0

    async def _begin(self) -> None:
        """Where it was left; of a channel that was never read nothing is traded that stands there already."""
        chat = str(self.seen.chat)
        newest = await self.chats.newest(self.seen.chat)
        if newest:
            self._note(newest)
        read_up_to = (await self.desk.store.read_up_to()).get(chat)
        if read_up_to is None:
            # What was heard since we connected did not stand there already.
            heard = min(self.waiting, default=newest.id + 1 if newest else 1)
            read_up_to = min(newest.id if newest else 0, heard - 1)
            await self.desk.store.set_read_up_to(chat, read_up_to)
        self._succeed()
        self.desk.log.info("channel", channel=self.seen.name, chat=chat, read_up_to=read_up_to)
        self._move_on(read_up_to)

    async def _look(self) -> None:
        """For what stands between the latest handled and what was heard, or after it."""
        assert self.seen.read_up_to is not None
        page = await self.chats.after(self.seen.chat, self.seen.read_up_to)
        self._succeed()
        for post in page:
            self._note(post)
            if post.id not in self.waiting and post.text:
                self.desk.log.info("message came late", **self._ids(post.id))
                self.desk.metrics.telegram_gap_messages_total.labels(channel=self.seen.name).inc()
        for post in page:
            heard = self.waiting.get(post.id, post)
            await self._handle(replace(heard, edited=heard.edited or post.edited))
        if page:
            self.lagging = False
        else:
            await self._end_look()

    async def _end_look(self) -> None:
        """There is no more. What was heard all the same comes later than its update, or was deleted."""
        now = self.desk.clock()
        if not self.waiting:
            self.due = now + self.gap_check
        elif not self.lagging:
            self.lagging, self.not_before = True, now + HISTORY_LAG
            return
        for id_ in sorted(self.waiting):
            await self._handle(self.waiting[id_])
        self.lagging = False

    async def _handle(self, post: Post) -> None:
        """Returns when it is stored that it was decided on."""
        self._note(post)
        if post.text:
            await self._decide(post)
        await self._surely(post.id, lambda: self.desk.store.set_read_up_to(str(self.seen.chat), post.id))
        self._move_on(post.id)

    async def _decide(self, post: Post) -> None:
        await self._until_ready(post)
        reading = await self._read(post)
        incoming = Incoming(
            source=self.source,
            chat=str(self.seen.chat),
            message_id=str(post.id),
            text=post.text,
            sent_at=post.written,
            reply=post.reply,
            reading=reading,
        )

        async def decide() -> None:
            # It may be edited while the database is down.
            told = replace(incoming, edited=post.edited or post.id in self.edits)
            try:
                await accept(self.desk, told)
            except (TryAgain, OutcomeUnknown):
                raise
            except Exception as error:  # noqa: BLE001 - one post must not end what guards positions, again and again
                self.desk.metrics.signal_processing_errors_total.labels(source=self.source).inc()
                await accept(self.desk, replace(told, reading=self._fault(post, error)))

        await self._surely(post.id, decide)

    def _ids(self, id_: int) -> dict[str, str]:
        """As in the line that tells what was decided."""
        name, chat = self.seen.name, str(self.seen.chat)
        return {"source": self.source, "channel": name, "chat": chat, "message_id": str(id_)}

    async def _until_ready(self, post: Post) -> None:
        """A bot that has just started knows neither prices nor account yet, and would refuse what it missed.

        Only until the post is too old all the same; and once, for whoever halts the bot wants refusals.
        """
        left = self.desk.pace.max_signal_age - (self.desk.wall() - post.written).total_seconds()
        with suppress(TimeoutError):
            async with asyncio.timeout(left):
                await self.desk.was_ready.wait()

    async def _read(self, post: Post) -> Reading | None:
        """What the post links to; that of one that is too old is not fetched, for new ones would wait."""
        if self.reader is None:
            return None
        if old := against_age(self.desk, post.written):
            return Unreadable(reason=old.reason, text=old.text)
        try:
            return await self.reader.read(post.text, post.links)
        except Exception as error:  # noqa: BLE001 - as above
            return self._fault(post, error)

    def _fault(self, post: Post, error: Exception) -> Unreadable:
        where = "".join(traceback.format_exception(error))
        told = {**self._ids(post.id), "error": repr(error), "traceback": where}
        self.desk.log.error("message met a fault of ours", **told)
        return Unreadable(reason=Reason.FAULT, text=f"a fault of ours: {type(error).__name__}; see the log")

    async def _surely(self, id_: int, action: Callable[[], Awaitable[object]]) -> None:
        """The same again until it is done: what was done already turns out to be a duplicate."""
        failing, pause = "", SOONEST
        while True:
            try:
                await action()
                break
            except (TryAgain, OutcomeUnknown) as error:
                if str(error) != failing:
                    self.desk.log.warning("message waits", **self._ids(id_), reason=str(error))
                failing = str(error)
            await asyncio.sleep(pause)
            pause = min(LATEST, pause * 2)
        if failing:
            self.desk.log.info("message goes on", **self._ids(id_), failed_before=failing)

    def _note(self, post: Post) -> None:
        if self.seen.written_at is None or post.date > self.seen.written_at:
            self.seen.written_at = post.date
            last = self.desk.metrics.telegram_last_message_timestamp_seconds
            last.labels(channel=self.seen.name).set(post.date.timestamp())

    def _move_on(self, up_to: int) -> None:
        self.seen.read_up_to = max(up_to, self.seen.read_up_to or 0)
        self.waiting = {id_: post for id_, post in self.waiting.items() if not self._is_handled(id_)}
        self.edits = {id_ for id_ in self.edits if not self._is_handled(id_)}

    def _is_handled(self, id_: int) -> bool:
        return self.seen.read_up_to is not None and id_ <= self.seen.read_up_to


class Feeds:
    """All channels of the messenger: passes on to each what is heard of it."""

    def __init__(
        self,
        desk: Desk,
        chats: Chats,
        channels: Sequence[TelegramChannel],
        readers: Mapping[str, PageReader],
        gap_check: float,
    ) -> None:
        """`readers` are those of sources whose messages only link to what they mean."""
        feeds = [
            Feed(
                desk=desk,
                chats=chats,
                seen=Channel(name=each.name, chat=each.id),
                source=each.source,
                reader=readers.get(each.source),
                gap_check=gap_check,
            )
            for each in channels
        ]
        self._desk = desk
        self._feeds = {feed.seen.chat: feed for feed in feeds}
        check = health.first("telegram", desk.clock())
        self._hearing = desk.hearing = Hearing(check=check, channels=tuple(feed.seen for feed in feeds))
        desk.metrics.telegram_connected.set(0)
        for feed in feeds:
            desk.metrics.telegram_gap_messages_total.labels(channel=feed.seen.name)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for feed in self._feeds.values():
                group.create_task(feed.run())

    def connected(self) -> None:
        self._hearing.check = health.passed(self._hearing.check, self._desk.clock())
        self._desk.metrics.telegram_connected.set(1)
        self._desk.log.info("telegram connected")
        for feed in self._feeds.values():
            feed.connected()

    def disconnected(self, reason: str) -> None:
        if self._hearing.check.ok or reason not in self._hearing.check.reason:
            self._desk.log.warning("telegram disconnected, will try again", reason=reason)
        self._fail(f"telegram is not connected: {reason}")

    def given_up(self, reason: str) -> None:
        self._desk.log.error("telegram gave up; other sources go on", reason=reason)
        self._fail(f"telegram gave up: {reason}")

    def _fail(self, reason: str) -> None:
        self._hearing.check = health.failed(self._hearing.check, reason, self._desk.clock())
        self._desk.metrics.telegram_connected.set(0)
        for feed in self._feeds.values():
            feed.online = False

    def heard(self, chat: int, post: Post) -> None:
        if feed := self._feeds.get(chat):
            feed.heard(post)

    def was_edited(self, chat: int, id_: int) -> None:
        if feed := self._feeds.get(chat):
            feed.was_edited(id_)
