"""Shipped runbooks are cut off at every event and change, and go on: to the same end, or with a reason.

Each is first run undisturbed. Then it is cut off at one of its points: at an event, when the journal is on
the disk, or before or after a change, inside of a step. The stub that is called there says so, and waits
until the signal was sent.
"""

import os
import random
import re
import select
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.runbooks.every.conftest import Make
from tests.runbooks.every.world import LIMIT, Ran, World, chained

# Two cuts of two runbooks in every run; RUNBOOK_CRASH_COUNT=999 tries all of all.
COUNT, SEED = int(os.environ.get("RUNBOOK_CRASH_COUNT", "2")), int(os.environ.get("FUZZ_SEED", "1"))
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
# Why a run is not gone on with: docs/runbooks.md has the code, these words follow.
REASONS = ("no_such_run", "already_done", "unknown_outcome")
UNKNOWN = re.compile(r"unknown_outcome: (\w+)")


@dataclass(frozen=True)
class Play:
    """A runbook in a world where its actions are needed."""

    runbook: str
    state: dict[str, str]
    flags: tuple[str, ...] = ()
    once: tuple[str, ...] = ()  # steps that nobody may do twice
    changes: tuple[tuple[str, str], ...] = ()  # of the script


PLAYS = (
    Play("planned_maintenance", {}, ("--set", "service=prometheus"), once=("silence", "close", "stop")),
    Play("planned_maintenance", {"prometheus": "stopped", "silences": "runbook planned_maintenance"},
         ("--set", "service=prometheus", "--set", "part=end"), once=("start",)),
    Play("bot_down", {"bot": "stopped"}),
    Play("application_recovery", {}, once=("restart",)),
    Play("exchange_api_down", {}, ("--set", "good=1", "--set", "patience=9")),
    Play("database_connection", {"db": "stopped"}),
    Play("financial_loss", {}),
)  # fmt: skip
CHOSEN = PLAYS if len(PLAYS) < COUNT else tuple(random.Random(SEED).sample(PLAYS, 2))


def world_of(make: Make, play: Play) -> tuple[World, Path]:
    world = make()
    for name, value in play.state.items():
        (world.world / "state" / name).write_text(f"{value}\n")
    return world, world.script(play.runbook, *play.changes)


def state(world: World) -> dict[str, str]:
    """What the world came to."""
    found = {path.name: path.read_text() for path in (world.world / "state").iterdir()}
    halt = world.folder / "control/HALT"
    return found | {"HALT": halt.read_text()[:1] if halt.exists() else ""}


@dataclass(frozen=True)
class End:
    """How a run ended that nobody cut off."""

    code: int
    state: dict[str, str]
    points: tuple[str, ...]
    actions: tuple[str, ...]


def undisturbed(make: Make, play: Play) -> End:
    world, script = world_of(make, play)
    ran = world.run(script, *world.arguments(play.runbook, "--yes", *play.flags))
    assert ran.code in (0, 1, 3), ran
    changes = world.actions()
    assert changes, "nothing was done: this proves nothing"
    points = [f"event:{number + 1}" for number in range(len(world.journal()))]
    points += [f"{when}:{number + 1}" for number in range(len(changes)) for when in ("before", "after")]
    return End(ran.code, state(world), tuple(points), tuple(what for _, what in changes))


def cut(world: World, script: Path, play: Play, point: str, number: signal.Signals) -> None:
    """Run it, and send the signal at this point; return when nothing of it runs any more."""
    reached = os.open(world.world / "reached", os.O_RDONLY | os.O_NONBLOCK)
    go = os.open(world.world / "go", os.O_RDWR)
    arguments = world.arguments(play.runbook, "--yes", *play.flags)
    process = world.start(script, *arguments, CRASH=point)
    ended = os.pidfd_open(process.pid)
    try:
        ready, _, _ = select.select([reached, ended], [], [], LIMIT)
        assert reached in ready, f"{point} was not reached: {process.communicate()}"
        process.send_signal(number)
        if number == signal.SIGKILL:
            process.wait(LIMIT)
        os.write(go, b"on\n")
        # Until each process that has its output has gone: those that the step left, too.
        process.communicate(timeout=LIMIT)
    finally:
        for one in (reached, go, ended):
            os.close(one)


def resumed(world: World, script: Path) -> Ran:
    return world.run(script, "--run-dir", str(world.runs), "--resume", "--yes")


def whole(world: World) -> bool:
    """Whether the chain of the journal holds, and it ends as it should."""
    lines = (world.run_folder() / "journal.jsonl").read_text().splitlines()
    return chained(lines) and '"event":"run_end"' in lines[-1]


def settled(world: World, script: Path, play: Play, ran: Ran) -> Ran:
    """Do what a refused run says that a person should do: look whether it was done, and begin there."""
    unknown = UNKNOWN.search(ran.err)
    if ran.code != 5 or unknown is None:
        return ran
    step = unknown.group(1)
    assert step in play.once, f"{step} may be done twice, and was refused: {ran.err}"
    was = any(label.endswith(f"-{step}") for label, _ in world.actions())
    after = re.search(r"it was: \S+ --from (\w+)", ran.err)
    assert after is not None or not was, ran.err
    begin = after.group(1) if was and after else step
    return world.run(script, *world.arguments(play.runbook, "--yes", *play.flags, "--from", begin))


def goes_on(make: Make, play: Play, end: End, point: str, number: signal.Signals) -> list[str]:
    """Return what is wrong after a run was cut off there and resumed."""
    world, script = world_of(make, play)
    cut(world, script, play, point, number)
    ran = resumed(world, script)
    found = []
    if ran.code == 6:
        found.append("the lock is held by nobody")
    if ran.code == 5 and not any(f"{reason}: " in ran.err for reason in REASONS):
        found.append(f"refused without a reason: {ran.err}")
    if not (ran.code == 5 or whole(world)):
        found.append("the journal is broken")
    if "already_done" not in ran.err:
        ran = settled(world, script, play, ran)
        if ran.code != end.code:
            found.append(f"ended with {ran.code} and not {end.code}: {ran.err}{ran.out[-600:]}")
    if state(world) != end.state:
        found.append(f"came to {state(world)} and not {end.state}")
    done = [(label, what) for label, what in world.actions() if "-" in label]
    for step in play.once:
        times = [what for label, what in done if label.partition("-")[2] == step]
        if len(times) > 1:
            found.append(f"{step} was done twice: {times}")
    if any(path.suffix == ".findings" for path in world.runs.rglob("*")):
        found.append("findings as they came are left in the folder of the run")
    if list(world.locks().iterdir()):
        found.append(f"left of locks: {list(world.locks().iterdir())}")
    return found


@pytest.mark.parametrize("play", CHOSEN, ids=lambda play: f"{play.runbook}-{len(play.state)}")
def test_a_run_that_was_cut_off_goes_on(
    make: Make, record_property: Callable[[str, object], None], play: Play
) -> None:
    end = undisturbed(make, play)
    every = [(point, number) for point in end.points for number in SIGNALS]
    taken = random.Random(SEED).sample(every, min(COUNT, len(every)))
    told = f"{len(CHOSEN)} of {len(PLAYS)} runbooks, {len(taken)} of {len(every)} cuts of this one"
    record_property("sampled", f"{told}, RUNBOOK_CRASH_COUNT=999 for all")
    wrong = {
        f"{point} {number.name}": found
        for point, number in taken
        if (found := goes_on(make, play, end, point, number))
    }
    assert wrong == {}


def test_an_engine_that_repeats_what_it_does_not_know_is_found(make: Make) -> None:
    play = next(one for one in PLAYS if one.runbook == "application_recovery")
    careless = replace(play, changes=(("        action/unknown)\n", "        action/never)\n"),))
    found = goes_on(make, careless, undisturbed(make, play), "after:1", signal.SIGKILL)
    assert "restart was done twice" in str(found)
