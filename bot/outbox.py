"""What waits to be told to a person: a bounded queue in memory, so that whoever puts into it never waits."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from bot.domain import notice
from bot.domain.notice import Kind, Notice
from bot.domain.order import Order
from bot.metrics import Metrics

MOST = 200

Key = tuple[str, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """A position that is over, and whose result the exchange may not tell yet."""

    trades: tuple[Order, ...]
    ended: datetime  # by the exchange's clock
    since: float  # monotonic


@dataclass(slots=True, kw_only=True)
class Outbox:
    metrics: Metrics | None = None  # none: there is nobody to tell
    most: int = MOST
    waiting: deque[Notice] = field(default_factory=deque)
    filled: asyncio.Event = field(default_factory=asyncio.Event)
    is_sending: bool = False  # one that was taken is not delivered yet
    lost: int = 0  # since that was last told
    failing: dict[str, str] = field(default_factory=dict)  # what fails at Telegram, and why
    closings: deque[Closing] = field(default_factory=lambda: deque(maxlen=MOST))
    # What was told last, so that only a change is.
    bare: dict[Key, Decimal] = field(default_factory=dict)
    differences: dict[str, int] = field(default_factory=dict)
    found: tuple[dict[str, int], float] = field(default_factory=lambda: ({}, 0.0))

    @property
    def is_read(self) -> bool:
        return self.metrics is not None

    def put(self, what: Notice) -> None:
        """Of too many the oldest refusal goes first."""
        if self.metrics is None:
            return
        self.metrics.notices_total.labels(kind=what.kind.value).inc()
        if len(self.waiting) >= self.most:
            refusal = next((each for each in self.waiting if each.kind is Kind.REFUSED), self.waiting[0])
            self.waiting.remove(refusal)
            self.lose()
        if what.kind is Kind.ANSWER:
            self.waiting.appendleft(what)  # somebody waits for it
        else:
            self.waiting.append(what)
        self.filled.set()

    async def take(self) -> Notice:
        """The next; of refusals all that follow each other."""
        while not self.waiting:
            self.filled.clear()
            await self.filled.wait()
        first = self.waiting.popleft()
        if first.kind is not Kind.REFUSED:
            return first
        burst = [first]
        while self.waiting and self.waiting[0].kind is Kind.REFUSED:
            burst.append(self.waiting.popleft())
        return Notice(kind=Kind.REFUSED, text=notice.joined(burst), at=first.at)

    def lose(self) -> None:
        self.lost += 1
        if self.metrics is not None:
            self.metrics.notices_lost_total.inc()

    def fail(self, what: str, reason: str) -> bool:
        """Keep why something fails at Telegram, or by an empty text that it works; says if that is new."""
        before = self.failing.pop(what, "")
        if reason:
            self.failing[what] = reason
        if self.metrics is not None:
            self.metrics.notices_failing.set(bool(self.failing))
        return reason != before
