"""What only tells of a script runs nothing of it."""

import random
from collections.abc import Callable

import pytest

from tests.runbooks.every.conftest import ALONE, COUNT, SEED, Make
from tests.runbooks.every.world import scripts

TELLING = [["--list"], ["--plan"], ["--help"]]
WRONG = [["--no-such-flag"], ["--step", "no_such_step"], ["--dry-run", "--only-probes"]]


def some(record_property: Callable[[str, object], None]) -> list[str]:
    every = scripts()
    taken = sorted({*random.Random(SEED).sample(every, min(COUNT, len(every))), ALONE})
    record_property("sampled", f"{len(taken)} of {len(every)} runbooks, RUNBOOK_COUNT=999 for all")
    return taken


def test_telling_calls_nothing_and_changes_nothing(
    make: Make, record_property: Callable[[str, object], None]
) -> None:
    world = make()
    for name in some(record_property):
        script = world.script(name)
        before = world.files()
        for flags in TELLING:
            ran = world.run(script, *flags)
            assert (ran.code, ran.err) == (0, ""), f"{name} {flags}: {ran}"
            assert ran.out, name
        wrong = WRONG if name != ALONE else WRONG[:1]
        for flags in wrong:
            ran = world.run(script, *flags)
            assert (ran.code, ran.out) == (2, ""), f"{name} {flags}: {ran}"
        assert (world.calls(), world.actions(), world.files()) == ([], [], before), name


@pytest.mark.parametrize(
    "change",
    [
        ("        plan) engine_plan ;;", "        plan) engine_start ;;"),
        ('    engine_parse "$@"', '    engine_parse "$@"; curl http://127.0.0.1:1/'),
    ],
)
def test_a_script_that_calls_something_is_found(make: Make, change: tuple[str, str]) -> None:
    world = make()
    world.run(
        world.script("bot_down", change), "--plan", "--run-dir", str(world.runs), "--platform", "systemd"
    )
    assert world.calls()
