"""The one place that makes aiopg 1.4 honest about cancellations on Python 3.11.

Upstream waits with `asyncio.wait_for`, which drops a cancel() that races with the answer,
and turns the server's own "query cancelled" (57014) into CancelledError (aiopg#537),
so that a statement timeout looks as if someone had cancelled the task.
"""

import asyncio
from typing import Any

from aiopg.connection import Connection


async def _poll(self: Any, waiter: "asyncio.Future[None]", timeout: float) -> None:  # noqa: ASYNC109
    self._ready(self._weakref)
    try:
        async with asyncio.timeout(timeout):
            await waiter
    except (asyncio.CancelledError, TimeoutError):
        self.close()  # what the server made of the statement is unknown: never use this connection again
        raise
    finally:
        self._waiter = None


def mend() -> None:
    Connection._poll = _poll  # type: ignore[method-assign]
