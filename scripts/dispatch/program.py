"""A real Alertmanager that is told what a timeline says, and stopped, killed and reloaded when it says so."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp

from observability.dispatch.told import Act, Event, Post
from observability.verify.tool import find
from scripts.stack.ports import HOST

_READY_SECONDS = 60.0
_POLL_SECONDS = 0.02


class ProgramError(Exception):
    """Alertmanager does not do what it must do before anything can be compared; the message says what."""


@dataclass(slots=True, kw_only=True)
class Program:
    """Runs in `folder`, where its configuration is; `happened` is what was done, at the time it was done."""

    folder: Path
    port: int
    session: aiohttp.ClientSession
    happened: list[Event] = field(default_factory=list)
    _process: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> Path:
        return self.folder / "log"

    async def play(self, events: Iterable[Event], shift: timedelta) -> None:
        """Do all that happens, each `shift` after the time it is given for."""
        for event in events:
            await _until(event.at + shift)
            if isinstance(event.what, Post):
                await self._post(_shifted(event.what, shift))
            else:
                await self._act(event.what)

    async def start(self) -> datetime:
        """Return when it was ready."""
        with self.log.open("a") as log:
            self._process = await asyncio.create_subprocess_exec(
                find("alertmanager"),
                f"--config.file={self.folder / 'alertmanager.yml'}",
                f"--storage.path={self.folder / 'data'}",
                f"--web.listen-address={HOST}:{self.port}",
                "--cluster.listen-address=",
                "--log.level=warn",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            async with asyncio.timeout(_READY_SECONDS):
                # It has no event to wait for.
                while not await self._is_ready():  # noqa: ASYNC110
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            raise ProgramError(
                f"Alertmanager was not ready after {_READY_SECONDS:g} s; see {self.log}"
            ) from None
        return datetime.now(UTC)

    async def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)
            await self._process.wait()

    async def _is_ready(self) -> bool:
        assert self._process is not None
        if self._process.returncode is not None:
            said = self.log.read_text("utf-8", errors="replace").splitlines()
            raise ProgramError(f"Alertmanager did not start: {' '.join(said[-2:])}")
        try:
            async with self.session.get(f"http://{HOST}:{self.port}/-/ready") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def _act(self, act: Act) -> None:
        match act:
            case Act.STOP:
                await self.end()
            case Act.KILL:
                await self.end(signal.SIGKILL)
            case Act.START:
                await self.start()
            case Act.RELOAD:
                assert self._process is not None
                self._process.send_signal(signal.SIGHUP)
        self.happened.append(Event(at=datetime.now(UTC), what=act))

    async def _post(self, post: Post) -> None:
        alert = {
            "labels": dict(post.labels),
            "startsAt": post.starts.isoformat(),
            "endsAt": post.ends.isoformat(),
        }
        assert self._process is not None
        if self._process.returncode is None:
            url = f"http://{HOST}:{self.port}/api/v2/alerts"
            async with self.session.post(url, json=[alert]) as answer:
                if answer.status != 200:
                    raise ProgramError(f"Alertmanager refused an alert: {await answer.text()}")
        self.happened.append(Event(at=datetime.now(UTC), what=post))


@asynccontextmanager
async def ended(program: Program) -> AsyncIterator[Program]:
    """Leave no process behind, however the block ends."""
    try:
        yield program
    finally:
        await program.end(signal.SIGKILL)


def _shifted(post: Post, shift: timedelta) -> Post:
    return replace(post, starts=post.starts + shift, ends=post.ends + shift)


async def _until(moment: datetime) -> None:
    await asyncio.sleep(max((moment - datetime.now(UTC)).total_seconds(), 0))
