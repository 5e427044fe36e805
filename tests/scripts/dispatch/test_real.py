"""A real Alertmanager sends what the model computes; where its configuration has a mistake, that is found."""

import asyncio
import os
from datetime import timedelta
from typing import Any

import yaml

from observability.dispatch.alertmanager import Why, dispatched
from scripts.dispatch.__main__ import Row, caught, rendered, tried
from scripts.dispatch.courses import MISTAKES, SHORT_SCALE, copied, mistaken, short
from scripts.dispatch.recorded import for_recorder
from scripts.dispatch.timelines import ORIGIN, SLACK, Timeline, drawn, is_same

# The short timeline in every run; ROUTING_COUNT=99 plays drawn ones and every mistake.
COUNT = int(os.environ.get("ROUTING_COUNT", "1"))
SCALE, LASTS = 40, timedelta(seconds=12)
_AT_ONCE = 4


async def test_a_real_alertmanager_sends_what_the_model_computes(record_property: Any) -> None:
    drawn_too = min(COUNT - 1, 24)
    record_property("sampled", f"{drawn_too} of 24 drawn timelines, ROUTING_COUNT=99 for all")
    assert_alike(await tried(short(), SHORT_SCALE))
    read = yaml.safe_load(for_recorder(rendered(SCALE), port=1)) if drawn_too else {}
    timelines = [drawn(seed, read, SCALE, LASTS) for seed in range(1, drawn_too + 1)]
    for begin in range(0, len(timelines), _AT_ONCE):
        some = timelines[begin : begin + _AT_ONCE]
        for row in await asyncio.gather(*(tried(one, SCALE) for one in some)):
            assert_alike(row)


def assert_alike(row: Row) -> None:
    assert row.outcome.differences == (), row.name
    assert row.outcome.sent, row.name


async def test_a_mistake_in_the_configuration_that_it_reads_is_found(record_property: Any) -> None:
    mistakes = list(MISTAKES)[: COUNT - 1]
    record_property("sampled", f"{len(mistakes)} of {len(MISTAKES)} mistakes, ROUTING_COUNT=99 for all")
    for mistake in mistakes:
        row = await caught(mistake)
        assert row.passed, mistake


def test_the_short_timeline_shows_every_reason_but_a_repeat_and_every_mistake() -> None:
    config = copied(rendered(SHORT_SCALE))

    def told(text: str) -> Any:
        read = yaml.safe_load(for_recorder(text, port=1))
        return dispatched(read, short().events, ORIGIN, short().until)

    right = told(config)
    assert {one.why for one in right} == set(Why) - {Why.REPEAT}
    for mistake in MISTAKES:
        assert not is_same(right, told(mistaken(config, mistake)), SLACK), mistake


def test_a_drawn_timeline_is_the_same_for_a_seed_and_slower_by_what_it_is_asked_for() -> None:
    read = yaml.safe_load(for_recorder(rendered(SCALE), port=1))
    lasts = timedelta(seconds=4)
    one, same, other = (drawn(seed, read, SCALE, lasts, most=2) for seed in (1, 1, 2))
    assert one == same
    assert one.events != other.events
    slower = one.slower(2)
    assert offsets(slower) == [2 * offset for offset in offsets(one)]
    assert (slower.until - ORIGIN, slower.acts) == (2 * lasts, one.acts)


def offsets(timeline: Timeline) -> list[timedelta]:
    return [event.at - ORIGIN for event in timeline.events]
