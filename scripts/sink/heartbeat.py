"""Plays the off-host heartbeat monitor: says when the beats of a name stop, and when they come back."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from scripts.sink.message import Message, Notification, stamp
from scripts.sink.store import Query, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    name: str
    beats: int
    last_at: datetime
    last: float
    missing: bool = False


class Monitor:
    """`clock` is monotonic seconds for the decision, `now` is only for what people read."""

    def __init__(
        self,
        store: Store,
        *,
        expect: float,
        clock: Callable[[], float],
        now: Callable[[], datetime],
        tell: Callable[[str], None],
    ) -> None:
        self._store = store
        self.expect = expect
        self._clock = clock
        self._now = now
        self._tell = tell
        self._known = {heartbeat.name: heartbeat for heartbeat in self._still_missing()}
        self._beaten = asyncio.Event()

    async def beat(self, name: str) -> None:
        before = self._known.get(name)
        beats = before.beats + 1 if before else 1
        self._known[name] = Heartbeat(name=name, beats=beats, last_at=self._now(), last=self._clock())
        self._beaten.set()
        if before and before.missing:
            silent = f"it had been silent since {stamp(before.last_at)}"
            await self._say(self._known[name], "resolved", f"heartbeat {name} is back", silent)

    async def check(self) -> None:
        for heartbeat in tuple(self._known.values()):
            if not heartbeat.missing and self._clock() - heartbeat.last >= self.expect:
                self._known[heartbeat.name] = replace(heartbeat, missing=True)
                last = f"last beat {stamp(heartbeat.last_at)}, expected every {self.expect:g} s"
                await self._say(heartbeat, "firing", f"heartbeat {heartbeat.name} is missing", last)

    async def watch(self) -> None:
        """Checks when the next beat is due; runs until it is cancelled."""
        while True:
            await self.check()
            self._beaten.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._due_in()):
                    await self._beaten.wait()

    def states(self) -> list[dict[str, Any]]:
        return [
            {
                "name": heartbeat.name,
                "status": "missing" if heartbeat.missing else "ok",
                "beats": heartbeat.beats,
                "last_beat_at": stamp(heartbeat.last_at),
                "silent_seconds": round(self._clock() - heartbeat.last, 3),
                "expected_seconds": self.expect,
            }
            for heartbeat in sorted(self._known.values(), key=lambda heartbeat: heartbeat.name)
        ]

    def _due_in(self) -> float | None:
        waiting = [heartbeat.last for heartbeat in self._known.values() if not heartbeat.missing]
        return min(waiting) + self.expect - self._clock() if waiting else None

    def _still_missing(self) -> list[Heartbeat]:
        """What was missing when the sink stopped is missing until it beats: a restart calms nobody."""
        newest = {kept.message.to: kept for kept in self._store.select(Query(channel="heartbeat"))}
        return [self._missing(kept) for kept in newest.values() if kept.message.status == "firing"]

    def _missing(self, told: Notification) -> Heartbeat:
        last_at = datetime.fromisoformat(told.message.raw["last_beat_at"])
        last = self._clock() - (self._now() - last_at).total_seconds()
        return Heartbeat(name=told.message.to, beats=0, last_at=last_at, last=last, missing=True)

    async def _say(self, heartbeat: Heartbeat, status: str, title: str, text: str) -> None:
        self._tell(f"{title}: {text}")
        raw = {
            "name": heartbeat.name,
            "last_beat_at": stamp(heartbeat.last_at),
            "expected_seconds": self.expect,
        }
        await self._store.add(
            Message(
                channel="heartbeat",
                to=heartbeat.name,
                status=status,
                alertname="HeartbeatMissing",
                severity="critical",
                title=title,
                text=text,
                raw=raw,
            )
        )
