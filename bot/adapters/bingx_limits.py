"""Keeps calls below the exchange's limits; what protects money goes first, and entries leave a third free."""

import asyncio
import heapq
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum

from bot.adapters.bingx_endpoints import GROUP_LIMITS, Endpoint
from bot.ports import TryAgain

# Longer than the exchange counts: calls may arrive closer together than they left, by half a second on a busy
# machine. A ban costs more than the calls that are not made.
SECOND = 1.5
TEN_SECONDS = 11.0
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
    """A token comes back a window after it was spent, so no window of that length sees more than `size`."""

    def __init__(self, size: int, window: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._kept = -(-size // 3)
        self._window = window
        self._clock = clock
        self._back: deque[float] = deque()  # when each spent token comes back
        self._waiting: list[tuple[Priority, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    def lack(self, priority: Priority) -> float:
        """Seconds until there is a token for this priority; 0 if there is one now."""
        needed = 1 + (self._kept if priority is Priority.ENTRY else 0)
        missing = needed - self._free()
        return max(0.0, self._back[missing - 1] - self._clock()) if missing > 0 else 0.0

    def spend(self) -> None:
        self._back.append(self._clock() + self._window)

    def learn(self, left: int) -> None:
        """The exchange says that fewer calls are left than we think: somebody else calls, too."""
        for _ in range(self._free() - left):
            self.spend()

    async def take(self, priority: Priority) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (priority, next(self._numbers), turn))
        self._serve()
        try:
            await turn
        finally:
            turn.cancel()

    def _free(self) -> int:
        now = self._clock()
        while self._back and self._back[0] <= now:
            self._back.popleft()
        return self._size - len(self._back)

    def _serve(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            priority, _, turn = self._waiting[0]
            if not turn.done():
                wait = self.lack(priority)
                if wait > 0:
                    self._timer = asyncio.get_running_loop().call_later(wait, self._serve)
                    return
                self.spend()
                turn.set_result(None)
            heapq.heappop(self._waiting)


class Limits:
    """The buckets of every endpoint and of its group."""

    def __init__(self, endpoints: Iterable[Endpoint], clock: Callable[[], float] = time.monotonic) -> None:
        self._own = {each.name: Bucket(each.per_second, SECOND, clock) for each in endpoints}
        self._shared = {group: Bucket(size, TEN_SECONDS, clock) for group, size in GROUP_LIMITS.items()}

    async def take(self, endpoint: Endpoint, priority: Priority) -> None:
        """Raises TryAgain if the turn does not come in time."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._own[endpoint.name].take(priority)
                await self._shared[endpoint.group].take(priority)
        except TimeoutError:
            raise TryAgain(f"no room for {endpoint.name} in {PATIENCE:g} s: too many calls wait") from None

    def learn(self, endpoint: Endpoint, headers: Mapping[str, str]) -> None:
        left = headers.get("X-RateLimit-Requests-Remain", "")
        if left.isascii() and left.isdecimal():
            self._own[endpoint.name].learn(int(left))
