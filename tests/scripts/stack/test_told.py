"""Signals: the first one cancels, and no later one cuts the clean-up short."""

import asyncio
import signal
from collections.abc import Iterator

import pytest

from scripts.stack.told import cancel_when_told, to_the_end


@pytest.fixture
def handlers() -> Iterator[None]:
    """Signals as they were before the test: the loop's own handlers end with its loop."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
async def test_only_the_first_signal_cancels_and_the_others_get_a_line() -> None:
    lines: asyncio.Queue[str] = asyncio.Queue()
    is_ready, may_end, steps = asyncio.Event(), asyncio.Event(), list[str]()

    async def clean_up() -> None:
        await may_end.wait()
        steps.append("cleaned")

    async def command() -> None:
        cancel_when_told(lines.put_nowait)
        is_ready.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            steps.append("cancelled")
            await clean_up()

    task = asyncio.create_task(command())
    await is_ready.wait()
    signal.raise_signal(signal.SIGINT)
    assert await lines.get() == "stopping"
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.raise_signal(number)
        assert (await lines.get()).startswith("already stopping")
    may_end.set()
    await task
    assert steps == ["cancelled", "cleaned"]


async def test_a_clean_up_is_done_whole_and_then_the_task_ends() -> None:
    is_begun, may_end, steps = asyncio.Event(), asyncio.Event(), list[str]()

    async def clean_up() -> None:
        is_begun.set()
        await may_end.wait()
        steps.append("cleaned")

    async def command() -> None:
        await to_the_end(clean_up())
        steps.append("went on")

    task = asyncio.create_task(command())
    await is_begun.wait()
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps == ["cleaned"]


async def test_what_goes_wrong_in_a_clean_up_is_raised() -> None:
    async def clean_up() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await to_the_end(clean_up())
