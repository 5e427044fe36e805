"""How a command of this stack is told to stop: once, by Ctrl-C or a signal, and then in peace."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any


def cancel_when_told(say: Callable[[str], None]) -> None:
    """Let the first SIGINT, SIGTERM or SIGHUP cancel the current task; those that follow change nothing."""
    task = asyncio.current_task()
    assert task is not None
    is_told = False

    def told() -> None:
        nonlocal is_told
        if is_told:
            say("already stopping; the services need a few seconds")
            return
        is_told = True
        say("stopping")
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, told)


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Do the work of a clean-up whole; if the task is cancelled meanwhile, it ends after that."""
    task, is_cancelled = asyncio.create_task(work), False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            is_cancelled = True
    task.result()
    if is_cancelled:
        raise asyncio.CancelledError
