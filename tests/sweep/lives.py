"""Two lives of the bot over one database and one exchange: one that is killed, and one that recovers."""

import json
from functools import partial

from tests.sweep import judge
from tests.sweep.hand import HOLDER, at_work
from tests.sweep.place import Place
from tests.sweep.recovery import Recovery
from tests.sweep.scenarios import Scenario
from tests.sweep.whole import whole_life


async def first_life(place: Place, scenario: Scenario, kill_at: int) -> None:
    """Writes what it did to `notes`."""
    with place.write("log") as log, place.write("notes") as notes, place.points("first", kill_at) as points:
        note = partial(print, file=notes)
        if scenario.play is None:
            with points.counting():
                await whole_life(place, log, note)
            return
        async with at_work(place, log, note, HOLDER, scenario.pace) as hand:
            if not scenario.from_start:
                await hand.look()
            with points.counting():
                await scenario.play(hand)


async def next_life(place: Place, scenario: Scenario, kill_at: int | None) -> None:
    """Recovers; if it is not killed, it is judged, and sees the end of all that is open."""
    with place.write("log") as log, place.points("second", kill_at) as points:
        holder = judge.holder(place.dsn) or HOLDER
        async with at_work(place, log, lambda _: None, holder, scenario.pace) as hand:
            found = Recovery(dsn=place.dsn, scenario=scenario, hand=hand, notes=place.read("notes"))
            with points.counting():
                await found.rest()
            if kill_at is not None:
                return
            await found.judged()
    (place.folder / "judged").write_text(json.dumps([found.wrong, found.bare]))
