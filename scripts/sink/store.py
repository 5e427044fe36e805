"""Holds the newest notifications and wakes whoever waits for one."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from scripts.sink.journal import KEPT, Journal
from scripts.sink.message import Message, Notification


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    after: int = 0
    channel: str = ""
    alertname: str = ""
    status: str = ""

    def matches(self, notification: Notification) -> bool:
        message = notification.message
        return (
            notification.id > self.after
            and self.channel in ("", message.channel)
            and (not self.alertname or self.alertname in message.alertname.split(", "))
            and self.status in ("", message.status)
        )


class Store:
    def __init__(self, journal: Journal, *, now: Callable[[], datetime], tell: Callable[[str], None]) -> None:
        self._journal = journal
        self._now = now
        self._tell = tell
        kept, self._last_id = journal.load()
        self._kept = deque(kept, maxlen=KEPT)
        self._changed = asyncio.Condition()
        self._closed = False

    @property
    def last_id(self) -> int:
        return self._last_id

    async def add(self, message: Message) -> Notification:
        async with self._changed:
            self._last_id += 1
            notification = Notification(id=self._last_id, received_at=self._now(), message=message)
            self._kept.append(notification)
            self._write(notification)
            self._changed.notify_all()
        return notification

    def select(self, query: Query) -> list[Notification]:
        """Oldest first."""
        return [notification for notification in self._kept if query.matches(notification)]

    def newest_first(self) -> Iterator[Notification]:
        return reversed(self._kept)

    async def wait(self, query: Query, seconds: float) -> list[Notification]:
        """As `select`, but waits until there is something, the time is over or the sink stops."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: self._closed or bool(self.select(query)))
        return self.select(query)

    async def clear(self) -> None:
        async with self._changed:
            self._kept.clear()
            self._journal.rewrite((), self._last_id)

    async def close(self) -> None:
        """Ends all waiting."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _write(self, notification: Notification) -> None:
        # A full disk must not make a stand-in refuse what the real service would take.
        try:
            self._journal.append(notification)
            if self._journal.is_long():
                self._journal.rewrite(tuple(self._kept), self._last_id)
        except OSError as error:
            self._tell(f"notification {notification.id} is only in memory: {error}")
