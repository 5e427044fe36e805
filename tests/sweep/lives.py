"""Two lives of the bot over one database and one exchange: one that is killed, and one that recovers."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TextIO

from bot.app import Configuration
from bot.desk import Desk
from bot.domain.order import UNPLACED
from bot.ports import Verdict
from tests.sweep import judge
from tests.sweep.hand import HOLDER, Hand, at_work
from tests.sweep.points import Points
from tests.sweep.scenarios import Scenario
from tests.sweep.venue import Venue
from tests.sweep.whole import whole_life

QUIET = 3  # looks in a row that change nothing; together longer than any time that the bot waits
MOST_LOOKS = 40
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
        self, venue: Venue, log: TextIO, note: Callable[[str], None], holder: str
    ) -> AbstractAsyncContextManager[Hand]:
        catalogue = self.configuration.catalogue
        return at_work(self.dsn, venue, self.folder, catalogue, log, note, self.broken, holder)

    def write(self, name: str) -> TextIO:
        """Line by line, so that a kill leaves what was written before."""
        return (self.folder / name).open("a", buffering=1)


async def first_life(place: Place, scenario: Scenario, kill_at: int) -> None:
    """Writes what it did to `notes`."""
    with place.write("log") as log, place.write("notes") as notes, place.points("first", kill_at) as points:
        venue = Venue(place.port)
        note = partial(print, file=notes)
        if scenario.play is None:
            with points.counting():
                await whole_life(place.dsn, venue, place.folder, place.configuration, log, note)
            return
        async with place.at_work(venue, log, note, HOLDER) as hand:
            if not scenario.from_start:
                await hand.look()
            with points.counting():
                await scenario.play(hand)


async def next_life(place: Place, scenario: Scenario, kill_at: int | None) -> None:
    """Recovers; if it is not killed, it is judged, and sees the end of all that is open."""
    notes = place.read("notes")
    with place.write("log") as log, place.points("second", kill_at or 0) as points:
        venue = Venue(place.port)
        async with place.at_work(venue, log, lambda _: None, judge.holder(place.dsn) or HOLDER) as hand:
            with points.counting():
                wrong = await _settle(hand, scenario)
            if kill_at is None:
                wrong += await _judged(place, scenario, hand, notes)
    (place.folder / "wrong").write_text(json.dumps(wrong))


async def _judged(place: Place, scenario: Scenario, hand: Hand, notes: Sequence[str]) -> list[str]:
    theirs = [Decimal(note.split()[1]) for note in notes if note.startswith("person ")]
    foreign = sum(theirs, Decimal(0)) if not _is_adopted(hand) else Decimal(0)
    scene = _scene(place, hand.venue)
    wrong = [*judge.always(scene), *judge.settled(scene, foreign), *_kept(hand, notes, scene)]
    wrong = [f"after the recovery: {each}" for each in wrong]
    wrong += await _delivered_again(place, scenario, hand, notes)
    if foreign:
        await hand.adopt("59000", "61000", "62000")
        wrong += await _settle(hand, scenario)
    scene = _scene(place, hand.venue)
    again = [*judge.always(scene), *judge.settled(scene, Decimal(0))]
    wrong += [f"after the messages came again: {each}" for each in again]
    for price in scenario.end:
        hand.venue.price(price, scenario.symbol)
        wrong += await _settle(hand, scenario)
    scene = _scene(place, hand.venue)
    return wrong + [f"at the end: {each}" for each in (*judge.always(scene), *judge.ended(scene))]


def _is_adopted(hand: Hand) -> bool:
    return any(each.source == "adopted" for each in hand.desk.live.values())


def _kept(hand: Hand, notes: Sequence[str], scene: judge.Scene) -> list[str]:
    """What somebody was told has to hold; and the bot has to be content, too."""
    wrong = [f"trading stopped: {hand.desk.stopped}"] if hand.desk.stopped else []
    accepted = {row.message for row in scene.rows if row.verdict == "accepted"}
    for note in notes:
        word, *rest = note.split()
        if word == "answered" and rest[1] == "accepted" and rest[0] not in accepted:
            wrong.append(f"message {rest[0]} was accepted, and is not in the database")
        if word == "halted" and hand.desk.level() < int(rest[0]):
            wrong.append(f"it was halted at level {rest[0]}, and is at {hand.desk.level():d}")
        if word == "adopted" and not any(row.source == "adopted" for row in scene.rows):
            wrong.append("what was adopted is not in the database")
    differences = hand.desk.picture.differences if hand.desk.picture else {"picture": 1}
    return wrong + [f"the bot sees {count} of {kind}" for kind, count in differences.items() if count]


async def _delivered_again(place: Place, scenario: Scenario, hand: Hand, notes: Sequence[str]) -> list[str]:
    """As a source does with what it is not sure of."""
    there = {row.message for row in judge.rows(place.dsn)}
    wrong: list[str] = []
    fresh = False
    for note in dict.fromkeys(each for each in notes if each.startswith("delivered ")):
        _, id_, text = note.split(" ", 2)
        verdict = await hand.signal(text, id_)
        if id_ in there and verdict is not Verdict.DUPLICATE:
            wrong.append(f"message {id_} was there, and came again as {verdict}")
        fresh |= verdict is not Verdict.DUPLICATE
    return wrong + (await _settle(hand, scenario) if fresh else [])


async def _settle(hand: Hand, scenario: Scenario) -> list[str]:
    """Looks until nothing changes any more; what is wrong if that never happens."""
    quiet, before = 0, ""
    wanted = QUIET + scenario.lag
    for _ in range(MOST_LOOKS):
        await hand.look()
        now = _fingerprint(hand)
        quiet = quiet + 1 if now == before and not hand.troubles else 0
        before = now
        if quiet >= wanted:
            return []
    return [f"no rest after {MOST_LOOKS} looks: {hand.troubles or 'something changes in each'}"]


def _fingerprint(hand: Hand) -> str:
    account = hand.venue.account()
    orders = [(each["orderId"], each["status"], each["origQty"]) for each in account["open_orders"]]
    positions = [(each["positionId"], each["positionAmt"]) for each in account["positions"]]
    live = [(name, each.state, each.filled_quantity) for name, each in hand.desk.live.items()]
    undecided = [each.state for each in hand.desk.live.values() if each.state in UNPLACED]
    return repr([orders, positions, live, hand.clock.skipped if undecided else 0])


def _scene(place: Place, venue: Venue) -> judge.Scene:
    return judge.Scene(rows=judge.rows(place.dsn), sent=venue.orders(), account=venue.account())
