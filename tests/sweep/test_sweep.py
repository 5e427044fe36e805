"""A sample of the sweep, and that it catches bots that are wrong on purpose."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CAUGHT = {
    "send-before-commit": "that no signal led to",
    "recover-under-a-new-id": "2 entries at the exchange for 1 accepted signals",
}
POINTS = os.environ.get("SWEEP_POINTS", "20")


def swept(root: Path, *arguments: str) -> tuple[int, str, str]:
    """In a process of its own, since it forks: exit code, the line of the sums, and all that it says."""
    words = [sys.executable, "-m", "tests.sweep", *arguments]
    done = subprocess.run(words, cwd=root, capture_output=True, text=True)
    sums = re.search(r"^all .*$", done.stdout, re.M)
    return done.returncode, sums[0] if sums else "", done.stdout + done.stderr


def test_a_kill_at_any_point_loses_and_doubles_nothing(
    root: Path, record_property: Callable[[str, object], None]
) -> None:
    code, sums, said = swept(root, "--points", POINTS, "--seed", "1")
    assert code == 0, said
    _, points, of, *_ = sums.split()
    record_property("sampled", f"{points} of {of} points of the scenarios drawn; SWEEP_POINTS sets how many")


@pytest.mark.parametrize("broken", CAUGHT)
def test_a_bot_that_is_wrong_is_caught(root: Path, broken: str) -> None:
    code, _, said = swept(root, "--scenario", "order alone", "--broken", broken)
    assert (code, CAUGHT[broken] in said) == (1, True), said
