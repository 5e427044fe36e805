"""What outlives the bot: its database, the exchange, and a folder for what it left behind."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TextIO

from bot.app import Configuration
from bot.desk import Desk
from tests.sweep.points import Points
from tests.sweep.venue import Venue


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    folder: Path
    dsn: str
    port: int  # of the exchange
    configuration: Configuration
    broken: Callable[[Desk], None]  # makes a bot of it that has to be caught

    @property
    def control(self) -> Path:
        return self.folder / "control"

    @property
    def venue(self) -> Venue:
        return Venue(self.port)

    def read(self, name: str) -> list[str]:
        file = self.folder / name
        return file.read_text().splitlines() if file.exists() else []

    def write(self, name: str) -> TextIO:
        """Line by line, so that a kill leaves what was written before."""
        return (self.folder / name).open("a", buffering=1)

    @contextmanager
    def points(self, life: str, kill_at: int | None) -> Iterator[Points]:
        """Leaves the site of the kill in a file, or how many callbacks there were."""
        with self.write(f"{life}.site") as site, self.write(f"{life}.count") as count:
            points = Points(kill_at, partial(print, file=site))
            points.install()
            yield points
            print(points.count, file=count)
