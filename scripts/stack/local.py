"""Starts a stack, waits until every service is ready, and stops it without leaving a process."""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import IO

import aiohttp

from scripts.stack import supervisor
from scripts.stack.home import Home, usable
from scripts.stack.lock import locked
from scripts.stack.services import Service, services
from scripts.stack.told import to_the_end

Say = Callable[[str], None]
_READY_SECONDS = 90
_STOP_SECONDS = 40
_POLL_SECONDS = 0.1
_ENDED = re.compile(r"(?:WARN|INFO) exited: (\S+) \((.*)\)")
_STOPPED = re.compile(r"(?:WARN|INFO) stopped: (\S+) \(")
_GAVE_UP = re.compile(r"gave up: (\S+)")
_SPAWNED = re.compile(r"spawned: '(\S+)' with pid (\d+)")


class StackError(Exception):
    """The stack did not come up; the message has the end of the log of the service that failed."""


@asynccontextmanager
async def running(home: Home, say: Say) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the stack of `home` for as long as the block lasts; inside it everything is ready.

    Yields supervisord: when that ends, so have all services.
    """
    async with locked(home, say) as lock:
        home.ports.refuse_busy()
        every = services(home, home.prepare())
        with usable(home.path):
            supervisor.write_config(home, every)
        process = await _spawn(home, lock)
        watch = Watch(say)
        reader = asyncio.create_task(watch.follow(process))
        try:
            await _wait_ready(home, every, watch, process, say)
            watch.is_ready = True
            yield process
        finally:
            watch.is_stopping = True
            await to_the_end(_stop(process, reader))


class Watch:
    """Follows what supervisord says, and tells people when a service ended and came back."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.gave_up: str | None = None
        self.is_ready = False
        self.is_stopping = False

    async def follow(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            self.heard(line.decode(errors="replace"))

    def heard(self, line: str) -> None:
        if self.is_stopping:
            return
        if found := _GAVE_UP.search(line):
            self.gave_up = found[1]
            self.say(f"{found[1]} does not stay up; see its log")
        elif found := _ENDED.search(line):
            self.say(f"{found[1]} ended: {found[2]}")
        elif found := _STOPPED.search(line):
            self.say(f"{found[1]} was told to stop, and stays stopped until it is told to start")
        elif self.is_ready and (found := _SPAWNED.search(line)):
            self.say(f"{found[1]} started again, process {found[2]}")


async def _spawn(home: Home, lock: IO[str]) -> asyncio.subprocess.Process:
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")
    return await asyncio.create_subprocess_exec(
        *supervisor.command(home),
        # It reads nothing: it only has to hold the lock. Of all that it inherits, this is what it keeps
        # open and hands on to no service.
        stdin=lock,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={name: os.environ[name] for name in kept if name in os.environ},
        start_new_session=True,  # Ctrl-C reaches us alone, and we stop the services in order
    )


async def _wait_ready(
    home: Home, every: Iterable[Service], watch: Watch, process: asyncio.subprocess.Process, say: Say
) -> None:
    begin = time.monotonic()
    waiting = {service.name: service for service in every if service.ready}
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        while waiting:
            for name, service in list(waiting.items()):
                if await _is_ready(session, service):
                    del waiting[name]
                    say(f"{name} is ready")
            failed = watch.gave_up or (process.returncode is not None and "supervisord")
            if failed:
                raise StackError(f"{failed} did not start\n{_tail(home, failed)}")
            if waiting and time.monotonic() - begin > _READY_SECONDS:
                logs = "\n".join(_tail(home, name) for name in waiting)
                raise StackError(f"not ready after {_READY_SECONDS} s: {', '.join(waiting)}\n{logs}")
            await asyncio.sleep(_POLL_SECONDS)


async def _is_ready(session: aiohttp.ClientSession, service: Service) -> bool:
    """Ask the service's URL; what stands behind # must be a line of the answer."""
    url, _, line = service.ready.partition("#")
    try:
        async with session.get(url) as answer:
            return answer.status == 200 and (not line or line in (await answer.text()).splitlines())
    except (aiohttp.ClientError, TimeoutError):
        return False


def _tail(home: Home, service: str, lines: int = 15) -> str:
    log = home.log(service)
    text = log.read_text("utf-8", errors="replace") if log.exists() else ""
    return f"--- the end of {log}\n" + "\n".join(text.splitlines()[-lines:])


async def _stop(process: asyncio.subprocess.Process, reader: asyncio.Task[None]) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            # The services die with their supervisor.
            process.kill()
            await process.wait()
    await reader
