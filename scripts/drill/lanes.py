"""Several stacks at a time, and in each one drill after the other."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from scripts.drill.fault import Daily, Fault, Setup
from scripts.drill.verdict import Drill, Verdict

Stack = TypeVar("Stack")
_SLOW_ENOUGH = 15.0  # times as fast as life; slower takes too long to be waited for


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """One drill that is to be played. `long` is how many seconds it may take, for the order of all."""

    alert: str
    fault: Fault | Daily
    time_scale: float
    long: float = 0
    is_last_try: bool = False

    @property
    def kind(self) -> tuple[Setup | str, float]:
        """Plays of one kind share a stack."""
        return (self.fault.setup if isinstance(self.fault, Fault) else self.alert, self.time_scale)

    @property
    def leaves(self) -> bool:
        """Whether its stack is of no use after it."""
        return isinstance(self.fault, Daily) or bool(self.fault.leaves)

    def slower(self) -> "Play | None":
        """Return it at half the speed, once: what was too fast for the machine says nothing of the alert."""
        if self.is_last_try or self.time_scale <= _SLOW_ENOUGH:
            return None
        return replace(self, time_scale=self.time_scale / 2, long=self.long * 2, is_last_try=True)


class Theatre(Protocol[Stack]):
    """Where drills take place."""

    def stack(self, play: Play, lane: int) -> AbstractAsyncContextManager[Stack]:
        """Return a stack that is ready for plays of this kind."""

    async def perform(self, stack: Stack, play: Play) -> Drill:
        """Play one drill to its end; what kept it from one is in `harness` of the drill."""

    def failed(self, play: Play, error: Exception) -> Drill:
        """Return the drill of a play whose stack did not come up."""


class Lanes(Generic[Stack]):
    """Plays every play once, the longest first, `width` at a time; `errors` are those of a stack's start."""

    def __init__(
        self,
        theatre: Theatre[Stack],
        plays: Sequence[Play],
        *,
        ended: Callable[[Drill], None],
        errors: tuple[type[Exception], ...],
    ) -> None:
        self._theatre, self._ended, self._errors = theatre, ended, errors
        self._waiting = sorted(plays, key=lambda play: -play.long)
        # A start takes all of a small machine, and two at a time might choose the same ports.
        self._starting = asyncio.Lock()

    async def play(self, width: int) -> None:
        async with asyncio.TaskGroup() as group:
            for lane in range(1, width + 1):
                group.create_task(self._lane(lane))

    async def _lane(self, lane: int) -> None:
        while first := self._take(None):
            try:
                async with AsyncExitStack() as open_stack:
                    async with self._starting:
                        stack = await open_stack.enter_async_context(self._theatre.stack(first, lane))
                    await self._plays_in(stack, first)
            except self._errors as error:
                self._judged(first, self._theatre.failed(first, error))

    async def _plays_in(self, stack: Stack, first: Play) -> None:
        play: Play | None = first
        while play:
            drill = await self._theatre.perform(stack, play)
            self._judged(play, drill)
            # What went wrong may have left the stack in a state that the next one is not to be judged by.
            is_clean = drill.verdict is Verdict.PASSED and not play.leaves
            play = self._take(play) if is_clean else None

    def _judged(self, play: Play, drill: Drill) -> None:
        again = play.slower() if drill.verdict is Verdict.HARNESS else None
        if again:
            self._waiting.insert(0, again)
        else:
            self._ended(drill)

    def _take(self, after: Play | None) -> Play | None:
        """Return the next play, or the next one for the stack of another one; the ones that end it last."""
        fitting = [play for play in self._waiting if after is None or play.kind == after.kind]
        if after:
            fitting.sort(key=lambda play: play.leaves)
        if not fitting:
            return None
        self._waiting.remove(fitting[0])
        return fitting[0]
