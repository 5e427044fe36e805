"""Two lives of the bot over one database and one exchange: one that is killed, and one that recovers."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TextIO

from bot.app import Configuration
from bot.desk import Desk
from tests.sweep import judge
from tests.sweep.hand import HOLDER, Hand, at_work
from tests.sweep.points import Points
from tests.sweep.recovery import Recovery
from tests.sweep.scenarios import Scenario
from tests.sweep.venue import Venue
from tests.sweep.whole import whole_life

Break = Callable[[Desk], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What outlives the bot."""

    folder: Path
    dsn: str
    port: int
    configuration: Configuration
    broken: Break

    def read(self, name: str) -> list[str]:
        file = self.folder / name
        return file.read_text().splitlines() if file.exists() else []

    @contextmanager
    def points(self, life: str, kill_at: int) -> Iterator[Points]:
        """Leaves the site of the kill in a file, or how many callbacks there were."""
        with self.write(f"{life}.site") as site, self.write(f"{life}.count") as count:
            points = Points(kill_at, partial(print, file=site))
            points.install()
            yield points
            print(points.count, file=count)

    def at_work(
        self, scenario: Scenario, log: TextIO, note: Callable[[str], None], holder: str
    ) -> AbstractAsyncContextManager[Hand]:
        catalogue = self.configuration.catalogue
        venue = Venue(self.port)
        return at_work(self.dsn, venue, self.folder, catalogue, log, note, self.broken, holder, scenario.pace)

    def write(self, name: str) -> TextIO:
        """Line by line, so that a kill leaves what was written before."""
        return (self.folder / name).open("a", buffering=1)


async def first_life(place: Place, scenario: Scenario, kill_at: int) -> None:
    """Writes what it did to `notes`."""
    with place.write("log") as log, place.write("notes") as notes, place.points("first", kill_at) as points:
        note = partial(print, file=notes)
        if scenario.play is None:
            with points.counting():
                await whole_life(place.dsn, Venue(place.port), place.folder, place.configuration, log, note)
            return
        async with place.at_work(scenario, log, note, HOLDER) as hand:
            if not scenario.from_start:
                await hand.look()
            with points.counting():
                await scenario.play(hand)


async def next_life(place: Place, scenario: Scenario, kill_at: int | None) -> None:
    """Recovers; if it is not killed, it is judged, and sees the end of all that is open."""
    with place.write("log") as log, place.points("second", kill_at or 0) as points:
        holder = judge.holder(place.dsn) or HOLDER
        async with place.at_work(scenario, log, lambda _: None, holder) as hand:
            found = Recovery(dsn=place.dsn, scenario=scenario, hand=hand, notes=place.read("notes"))
            with points.counting():
                await found.rest()
            if kill_at is None:
                await found.judged()
    (place.folder / "judged").write_text(json.dumps([found.wrong, found.bare]))
