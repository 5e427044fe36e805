"""Specs spoiled at random: whatever a file holds, the user gets problems with places and never a bug of ours.

FUZZ_COUNT sets how many are tried; FUZZ_SEED tries others.
"""

import os
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from observability.__main__ import main
from tests.bundle_of import BUNDLE

FULL = 1000
COUNT = int(os.environ.get("FUZZ_COUNT", "60"))
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


@pytest.mark.parametrize("bundle", ["the bot's", "the shop's"])
def test_spoiled_specs_give_problems_and_never_a_bug(
    bundle: str, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    above = root if bundle == "the bot's" else BUNDLE
    files = {f: f.read_bytes() for f in sorted((above / "config").rglob("*.yaml"))}
    shutil.copytree(above / "runbooks", tmp_path / "runbooks")
    copies = {file: tmp_path / file.relative_to(above) for file in files}
    for file, copy in copies.items():
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(files[file])
    for number in range(COUNT // 2):
        dice = random.Random(f"{SEED} {bundle} {number}")
        file = dice.choice(list(files))
        copies[file].write_bytes(text := dice.choice(MUTATIONS)(files[file], dice))
        code = main(["diff", "--config", str(tmp_path / "config")])
        told = capsys.readouterr().err
        assert code == 1, f"{file} as {text!r} gave {code}: {told}"
        copies[file].write_bytes(files[file])
    with capsys.disabled():
        print(
            f"\nfuzz of {bundle} specs: {COUNT // 2} tried, {max(FULL - COUNT, 0) // 2} skipped of a full run"
        )
