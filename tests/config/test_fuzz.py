"""Specs spoiled at random: whatever a file holds, the user gets problems with places and never a bug of ours.

FUZZ_COUNT sets how many are tried; FUZZ_SEED tries others.
"""

import os
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from observability.__main__ import main
from tests.bundle_of import BUNDLE

FULL = 1000
COUNT = int(os.environ.get("FUZZ_COUNT", "20"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
TOKEN = re.compile(rb'[0-9.]+|[A-Za-z_]+|"[^"]*"|[\[\]{}:,-]')
WORDS = (
    *(b"", b'""', b"0", b"-1", b"1e9", b"1e-300", b"9" * 300, b"9" * 5000, b"true", b"null", b"{}", b"[]"),
    *(
        b"0s",
        b"1ms",
        b"99y",
        b"9" * 400 + b"s",
        b"x" * 200,
        b'"\\n"',
        b'"{{"',
        b"*a",
        b"&a",
        b"!!int",
        b"\xff",
    ),
)


def flip_a_bit(text: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(text))
    return text[:at] + bytes([text[at] ^ (1 << dice.randrange(8))]) + text[at + 1 :]


def truncate(text: bytes, dice: random.Random) -> bytes:
    return text[: dice.randrange(len(text))]


def replace_a_word(text: bytes, dice: random.Random) -> bytes:
    words = list(TOKEN.finditer(text))
    old, other = dice.choice(words), dice.choice(words)
    return text[: old.start()] + dice.choice((*WORDS, other.group())) + text[old.end() :]


def change_a_line(text: bytes, dice: random.Random) -> bytes:
    lines = text.split(b"\n")
    at, other = dice.randrange(len(lines)), dice.randrange(len(lines))
    end = dice.choice((b" ", b"\t", b":", b" #", b'"', b"'", b" |", b"\r"))
    indented = b" " * dice.randrange(8) + lines[at].lstrip()
    new = dice.choice(([], [lines[at]] * 2, [lines[other]], [indented], [lines[at] + end]))
    return b"\n".join([*lines[:at], *new, *lines[at + 1 :]])


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    flip_a_bit,
    truncate,
    replace_a_word,
    change_a_line,
)


PROBLEM = re.compile(r"^\S+:\d+:\d+: .*\[([a-z_]+)(?:/\S+)?\]$", re.MULTILINE)


def contents(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("bundle", ["the bot's", "the shop's"])
def test_spoiled_specs_give_problems_or_files_and_never_a_bug_or_half_of_either(
    bundle: str,
    root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    monkeypatch.setenv("TRADEWATCH_TRACEBACK", "1")
    above = root if bundle == "the bot's" else BUNDLE
    files = {f: f.read_bytes() for f in sorted((above / "config").rglob("*.yaml"))}
    for folder in ("config", "runbooks"):
        hidden = shutil.ignore_patterns("__pycache__", "spec")
        shutil.copytree(above / folder, tmp_path / folder, ignore=hidden)
    copies = {file: tmp_path / file.relative_to(above) for file in files}
    generate = ["generate", "--no-tools", "--config", str(tmp_path / "config")]
    assert main(generate) == 0
    good = contents(tmp_path / "observability")
    told: Counter[str] = Counter()
    capsys.readouterr()
    for number in range(COUNT // 2):
        dice = random.Random(f"{SEED} {bundle} {number}")
        file, mutation = dice.choice(list(files)), dice.choice(MUTATIONS)
        copies[file].write_bytes(text := mutation(files[file], dice))
        code = main(generate)
        said = capsys.readouterr().err
        assert code in (0, 1), f"{file} as {text!r} gave {code}: {said}"
        written = contents(tmp_path / "observability")
        if code:
            assert written == good, f"{file} as {text!r} was refused and written"
            found = PROBLEM.findall(said)
            assert found, f"{file} as {text!r} was refused without a place: {said}"
            told.update(found)
        elif written != good:
            assert main(["diff", *generate[2:]]) == 0, f"{file} as {text!r} was written by half"
        told.update([f"{mutation.__name__}: {'refused' if code else 'compiled'}"])
        copies[file].write_bytes(files[file])
        if written != good:
            assert main(generate) == 0
            capsys.readouterr()
    counts = ", ".join(f"{count} {what}" for what, count in sorted(told.items()))
    skipped = max(FULL - COUNT, 0) // 2
    record_property("sampled", f"{COUNT // 2} tried, {skipped} skipped of a full run: {counts}")
