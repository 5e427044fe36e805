"""Keeps calls below the exchange's limits; what protects money goes first, and entries leave a third free."""

import asyncio
import heapq
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import IntEnum

from bot.adapters.bingx_endpoints import GROUP_LIMITS, Endpoint
from bot.ports import TryAgain

# The exchange counts on several machines, in milliseconds, and their clocks and ours do not run quite alike:
# a tenth is far more than machines differ by whose clocks are kept right. A ban takes minutes, closes too.
MARGIN = 0.1
SECOND = 1 + MARGIN
TEN_SECONDS = 10 + MARGIN
PATIENCE = 5.0  # seconds that a call waits for its turn; what is older than that is better thought over


class Priority(IntEnum):
    """The first goes first."""

    CLOSE = 0
    STOP = 1
    CANCEL = 2
    TARGET = 3
    QUERY = 4
    ENTRY = 5


class Bucket:
    """Each call holds a token while it is under way and for a window after it ended; there are `size`.

    A call may arrive at any time until it is answered. Of two with the same token the second leaves a
    window after the first has arrived, so no window sees more than `size` arrive, however long they travel.
    """

    def __init__(self, size: int, window: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._kept = -(-size // 3)
        self._window = window
        self._clock = clock
        self._under_way = 0
        self._back: deque[float] = deque()  # when each token of a call that ended comes back
        self._waiting: list[tuple[Priority, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    async def take(self, priority: Priority) -> None:
        """Whoever returns from here holds a token, and nobody else does."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (priority, next(self._numbers), turn))
        self._serve()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # the turn came in the same moment
                self.put_back(sent=False)
            raise

    def put_back(self, *, sent: bool) -> None:
        """At once if nothing was sent, otherwise a window from now."""
        self._under_way -= 1
        if sent:
            self._back.append(self._clock() + self._window)
        self._serve()

    def learn(self, left: int) -> None:
        """An answer, whose call still holds its token, says how many more the exchange would take.

        The others under way may come on top of what it counted. What is missing somebody else has called.
        """
        left -= self._under_way - 1
        for _ in range(self._free() - left):
            self._back.append(self._clock() + self._window)

    def _free(self) -> int:
        now = self._clock()
        while self._back and self._back[0] <= now:
            self._back.popleft()
        return self._size - self._under_way - len(self._back)

    def _serve(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            priority, _, turn = self._waiting[0]
            if not turn.done():
                if self._free() <= (self._kept if priority is Priority.ENTRY else 0):
                    self._serve_later()
                    return
                self._under_way += 1
                turn.set_result(None)
            heapq.heappop(self._waiting)

    def _serve_later(self) -> None:
        """When the next token comes back; where all are under way, putting one back serves those who wait."""
        if self._back:
            wait = self._back[0] - self._clock()
            self._timer = asyncio.get_running_loop().call_later(wait, self._serve)


@dataclass(slots=True)
class Turn:
    """Leave to make one call."""

    sent: bool = False  # from here on it may arrive


class Limits:
    """The buckets of every endpoint and of its group, where time is `scale` times as fast as in life."""

    def __init__(
        self, endpoints: Iterable[Endpoint], clock: Callable[[], float] = time.monotonic, scale: float = 1
    ) -> None:
        second, ten = SECOND / scale, TEN_SECONDS / scale
        self._own = {each.name: Bucket(each.per_second, second, clock) for each in endpoints}
        self._shared = {group: Bucket(size, ten, clock) for group, size in GROUP_LIMITS.items()}

    @asynccontextmanager
    async def turn(self, endpoint: Endpoint, priority: Priority) -> AsyncIterator[Turn]:
        """Around a call from before it leaves until it ended; raises TryAgain if it may not leave in time."""
        turn, taken = Turn(), list[Bucket]()
        try:
            try:
                async with asyncio.timeout(PATIENCE):
                    for bucket in (self._own[endpoint.name], self._shared[endpoint.group]):
                        await bucket.take(priority)
                        taken.append(bucket)
            except TimeoutError:
                raise TryAgain(
                    f"no room for {endpoint.name} in {PATIENCE:g} s: too many calls wait"
                ) from None
            yield turn
        finally:
            for bucket in taken:
                bucket.put_back(sent=turn.sent)

    def learn(self, endpoint: Endpoint, headers: Mapping[str, str]) -> None:
        """From the headers of an answer, within its turn."""
        left = headers.get("X-RateLimit-Requests-Remain", "")
        if left.isascii() and left.isdecimal():
            self._own[endpoint.name].learn(int(left))
