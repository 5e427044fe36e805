"""Where the exchange refuses our calls and until when; and which errors come so often that it soon will."""

import re
import time
from collections import deque
from collections.abc import Callable

from bot.adapters.bingx_codes import RateLimited
from bot.adapters.bingx_limits import Priority
from bot.ports import TryAgain

EVERYWHERE = "*"
SHORTEST, GUESSED, LONGEST_GUESS, LONGEST = 1.0, 10.0, 300.0, 86_400.0
# After twenty equal errors the exchange bans the endpoint, closes included.
HALTS_ENTRIES = 5
LEAVES_ONLY_PROTECTION = 15
_EPOCH_MS = re.compile(r"(?<!\d)\d{13}(?!\d)")


def told_seconds(text: str, exchange_now: float) -> float | None:
    """How long the text says that a ban still lasts, as in `will be unblocked after 1727193814249`."""
    found = _EPOCH_MS.search(text)
    return int(found[0]) / 1000 - exchange_now if found else None


class Exhausted(TryAgain):
    """Not sent: the endpoint gave one and the same error so often that one more might close it."""


class Bans:
    """By endpoint, or for all of them. A ban whose end is not told is guessed, longer each time in a row."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}
        self._guesses: dict[str, int] = {}

    def ban(self, scope: str, told: float | None) -> None:
        if told is None:
            guesses = self._guesses[scope] = self._guesses.get(scope, 0) + 1
            told = min(LONGEST_GUESS, GUESSED * 2 ** min(guesses - 1, 10))
        until = self._clock() + min(LONGEST, max(SHORTEST, told))
        self._until[scope] = max(until, self._until.get(scope, until))

    def lift(self, endpoint: str) -> bool:
        """The endpoint answered as it should; True if a ban that was over is forgotten by that.

        One that still lasts stays: the call that was answered had left before it.
        """
        now = self._clock()
        over = [name for name in (endpoint, EVERYWHERE) if self._until.get(name, now + 1) <= now]
        for name in over:
            del self._until[name]
            self._guesses.pop(name, None)
        return bool(over)

    def left(self) -> float:
        """Seconds until the last ban ends."""
        return max(0.0, max(self._until.values(), default=0.0) - self._clock())

    def check(self, endpoint: str) -> None:
        until = max(self._until.get(endpoint, 0.0), self._until.get(EVERYWHERE, 0.0))
        left = until - self._clock()
        if left > 0:
            raise RateLimited(f"not sent: the exchange refuses {endpoint} for another {left:.0f} s")


class Repeats:
    """Counts equal errors by endpoint and code, within `window` seconds."""

    def __init__(self, window: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._window = window
        self._clock = clock
        self._seen: dict[tuple[str, int], deque[float]] = {}
        self._harmless: set[tuple[str, int]] = set()

    def add(self, endpoint: str, code: int, *, harmless: bool = False) -> None:
        """What is harmless (an order is not there) says nothing against entries, but counts for a ban."""
        key = (endpoint, code)
        self._seen.setdefault(key, deque(maxlen=LEAVES_ONLY_PROTECTION)).append(self._clock())
        if harmless:
            self._harmless.add(key)

    def entries_halted(self) -> str:
        """Why no entry should be made now; empty if one may."""
        for key in self._seen:
            if key not in self._harmless and (count := self._count(key)) >= HALTS_ENTRIES:
                return f"the exchange answered {key[1]} to {key[0]} {count} times in eight minutes"
        return ""

    def check(self, endpoint: str, priority: Priority) -> None:
        """The last errors before a ban are left to closes, and a few of them to stops and cancels."""
        if priority is Priority.CLOSE:
            return
        for key, seen in self._seen.items():
            if key[0] != endpoint or self._count(key) < LEAVES_ONLY_PROTECTION:
                continue
            protects = priority <= Priority.CANCEL
            if not protects or self._clock() - seen[-1] < self._window / 4:
                raise Exhausted(f"not sent: one more {key[1]} from {endpoint} and it may be banned")

    def _count(self, key: tuple[str, int]) -> int:
        seen = self._seen[key]
        while seen and self._clock() - seen[0] > self._window:
            seen.popleft()
        return len(seen)
