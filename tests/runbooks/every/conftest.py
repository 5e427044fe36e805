"""Worlds for every runbook, and which of them a run of the tests takes."""

import os
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path

import pytest

from tests.runbooks.every.world import PLATFORMS, World, scripts

# Some scripts in every run; RUNBOOK_COUNT=999 takes all, each on each platform.
COUNT, SEED = int(os.environ.get("RUNBOOK_COUNT", "2")), int(os.environ.get("FUZZ_SEED", "1"))
# This one has no engine: it is POSIX sh alone, and has its own flags.
ALONE = "emergency_stop"

Make = Callable[..., World]
Sample = Callable[[Sequence[str]], list[tuple[str, str]]]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes worlds; their locks go with them."""
    made: list[World] = []
    number = count()

    def one(**how: object) -> World:
        made.append(World(tmp_path / str(next(number)), **how))  # type: ignore[arg-type]
        return made[-1]

    yield one
    for world in made:
        shutil.rmtree(world.locks(), ignore_errors=True)


@pytest.fixture
def sample(record_property: Callable[[str, object], None]) -> Sample:
    """Chooses from all runbooks on all platforms, and says how many were left out."""

    def chosen(flags: Sequence[str]) -> list[tuple[str, str]]:
        every = [(name, platform) for name in scripts() if name != ALONE for platform in PLATFORMS]
        taken = sorted(random.Random(f"{SEED} {flags}").sample(every, min(COUNT, len(every))))
        record_property(
            "sampled", f"{len(taken)} of {len(every)} runbooks by platform, RUNBOOK_COUNT=999 for all"
        )
        return taken

    return chosen
