"""python -m bot read: what a message is read as, for people and scripts, without settings."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.commands.exits import Exit

ROOT = Path(__file__).parents[2]
POST = "LONG SOL/USDT\nEntry: 140 - 142\nTargets: 150, 155\nStop: 130\nLeverage: cross 5-10x"


def read(*words: str, given: str = "") -> tuple[int, str, str]:
    """Exit code, output and errors of a process with nothing in its environment."""
    done = subprocess.run(
        [sys.executable, "-m", "bot", "read", *words],
        input=given.encode("utf-8", "surrogatepass"), capture_output=True, cwd=ROOT, check=False,
        env={"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert b"Traceback" not in done.stderr
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_a_signal_is_shown_part_by_part() -> None:
    code, out, _ = read(given=POST)
    assert code == Exit.DONE
    assert [line.split() for line in out.splitlines()] == [
        ["signal:", "BUY", "SOL-USDT"],
        ["entry", "140", "142"],
        ["stop", "130"],
        ["targets", "150", "155"],
        ["leverage", "5"],
        ["margin", "cross"],
    ]


def test_what_is_no_signal_is_shown_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "post.txt").write_text(POST.replace("LONG ", ""), "utf-8")
    code, out, _ = read(str(tmp_path / "post.txt"))
    assert (code, out.split(":")[:2]) == (Exit.FAILED, ["  unreadable", " no_side"])


def test_each_line_of_many_is_shown() -> None:
    lines = "\n".join(json.dumps({"text": text}) for text in (POST, "Close #SOL/USDT", "\ud800 hello"))
    code, out, _ = read("--jsonl", "-", given=lines)
    assert code == Exit.FAILED
    assert "1: LONG SOL/USDT Entry" in out
    assert "ignored: close: asks to close (SOL-USDT)" in out
    assert "3: ? hello\n  ignored: commentary" in out


@pytest.mark.parametrize(
    ("words", "given", "why"),
    [
        (["/nowhere"], "", "/nowhere cannot be read: "),
        (["--jsonl"], '{"text": 1}', 'line 1 is no object with a "text"'),
        (["--jsonl"], "{", "- cannot be read: "),
        ([], "\ud800", "- cannot be read: "),
    ],
)
def test_what_cannot_be_read_says_why(words: list[str], given: str, why: str) -> None:
    code, _, err = read(*words, given=given)
    assert (code, why in err) == (Exit.WRONG, True), err
