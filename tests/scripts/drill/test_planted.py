"""What is planted in a real stack is found by a real drill; DRILL_COUNT=3 plants all, DRILL_SCALE=60."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from config.spec.model import Project
from scripts.drill.__main__ import plays
from scripts.drill.lanes import Lanes
from scripts.drill.runbook import RUNBOOKS
from scripts.drill.theatre import LocalTheatre
from scripts.drill.verdict import Drill, Promise
from scripts.stack.home import ROOT
from scripts.stack.local import StackError

COUNT = int(os.environ.get("DRILL_COUNT", "0"))
ALERT = "TargetDown"


def idle(folder: Path) -> Path:
    """Return a folder with a runbook that says that all is done, and does nothing."""
    script = folder / "target_down.sh"
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o755)
    return folder


def changed(old: str, new: str) -> Callable[[str], str]:
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return edit


PLANTED = {
    "a wrong route": ("local/alertmanager.yml", "receiver: warning", "receiver: nobody", Promise.DELIVERED),
    "a broken rule": ("rules/system.yml", "target_up < 1", "target_up < 0", Promise.DETECTED),
    "a runbook that does nothing": ("", "", "", Promise.RESOLVED),
}


@pytest.mark.stack
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            marks=pytest.mark.skipif(number >= COUNT, reason="takes a stack: set DRILL_COUNT=3 to plant it"),
        )
        for number, name in enumerate(PLANTED)
    ],
)
async def test_a_drill_finds_what_is_planted_in_a_real_stack(
    project: Project, tmp_path: Path, name: str
) -> None:
    path, old, new, broken = PLANTED[name]
    drills: list[Drill] = []
    theatre = LocalTheatre(
        project=project,
        say=print,
        folder=tmp_path,
        specs=ROOT / "config",
        runbooks=RUNBOOKS if path else idle(tmp_path),
        edits={path: changed(old, new)} if path else {},
    )
    every = plays(project, [ALERT], float(os.environ.get("DRILL_SCALE", "60")))
    lanes = Lanes(theatre, every, ended=drills.append, errors=(StackError,))
    await lanes.play(1)
    [drill] = drills
    assert drill.broken is broken, drill.said
