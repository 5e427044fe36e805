"""Ends this process by SIGKILL after its n-th event-loop callback, and tells where that was."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BOT = str(Path(__file__).parents[2] / "bot")


class Points:
    """Counts the callbacks inside `counting()`: steps of tasks, reads and writes of sockets, timers.

    What a callback did has happened when it is counted, and the next has not begun. `tell` gets the
    site at which the process ends.
    """

    def __init__(self, kill_at: int | None, tell: Callable[[str], object]) -> None:
        self._kill_at = kill_at
        self._tell = tell
        self.count = 0
        self._armed = False

    @contextmanager
    def counting(self) -> Iterator[None]:
        self._armed = True
        try:
            yield
        finally:
            self._armed = False

    def install(self) -> None:
        upstream = asyncio.events.Handle._run

        def _run(handle: asyncio.Handle) -> None:
            upstream(handle)
            if self._armed:
                self._passed(handle)

        asyncio.events.Handle._run = _run  # type: ignore[assignment,method-assign]

    def _passed(self, handle: asyncio.Handle) -> None:
        self.count += 1
        if self.count == self._kill_at:
            self._tell(site(handle))
            os.kill(os.getpid(), signal.SIGKILL)


def site(handle: Any) -> str:
    """Where in the bot the task now waits: the line of its use case, and of the adapter below it."""
    task = getattr(handle._callback, "__self__", None)
    if not isinstance(task, asyncio.Task):
        name = getattr(handle._callback, "__qualname__", None)
        return str(name or type(handle._callback).__name__)
    coroutine: Any = task.get_coro()
    if task.done():
        return f"{coroutine.__qualname__} ended"
    places = [place for each in _chain(coroutine) if (place := _place(each))]
    above = [place for place in places if not place.startswith("adapters/")][-1:]
    below = [place for place in places if place.startswith("adapters/")][-1:]
    return " > ".join(above + below) or f"in {coroutine.__qualname__}"


def _chain(coroutine: Any) -> Iterator[Any]:
    """The coroutine, what it awaits, what that awaits, and so on."""
    while coroutine is not None:
        yield coroutine
        coroutine = next((found for each in _AWAITS if (found := getattr(coroutine, each, None))), None)


def _place(coroutine: Any) -> str:
    frame = next((found for each in _FRAMES if (found := getattr(coroutine, each, None))), None)
    if frame is None or not frame.f_code.co_filename.startswith(BOT):
        return ""
    file = os.path.relpath(frame.f_code.co_filename, BOT)
    return f"{file}:{frame.f_lineno} {frame.f_code.co_name}"


_FRAMES = ("cr_frame", "gi_frame", "ag_frame")
_AWAITS = ("cr_await", "gi_yieldfrom", "ag_await")
