"""Each numbered tests/defects/*.txt plants a mistake in a copy of the real specs; what is said is compared.

A file begins with a line `<number>: <the mistake>` and a sentence that says what it does in life. A block
`-- edit config/x.yaml --` is a diff without line numbers, whose old lines must stand in the file once. A
block `-- new config/x.yaml --` is a whole file. The block `-- output --` is all that is said of the specs; in
`-- output of CHECK --` it is what that check says, where the mistake touches every alert that there is.
sound.txt is an alert without a mistake; it is planted first, so that the mistakes have a place that stays.
`make test ARGS=--update` writes the outputs anew, and docs/defects.md with them.
"""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from observability.__main__ import main
from tests.test_cases import split

ROOT = Path(__file__).parent.parent
DEFECTS = Path(__file__).parent / "defects"
SOUND = DEFECTS / "sound.txt"
FILES = sorted(DEFECTS.glob("[0-9]*.txt"))
KNOWN = range(1, 19)  # how the mistakes that people are known to make are numbered
CHECK = ("check", "--no-tools", "--strict")
PROBLEM = re.compile(r"^\S+:\d+:\d+: .* \[(?P<check>\S+)\]$", re.MULTILINE)
OUTPUT = re.compile(r"^-- output.*? --\n", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """A mistake: its number in the list of known ones, what it does, and how it is planted."""

    number: str
    name: str
    effect: str
    plants: dict[str, str]
    output: str
    only: str | None  # the check whose words alone are the output

    @property
    def problems(self) -> list[re.Match[str]]:
        return list(PROBLEM.finditer(self.output))


def read(file: Path) -> Defect:
    head, blocks = split(file.read_text("utf-8"))
    title, _, effect = head.partition("\n")
    number, _, name = title.partition(": ")
    plants = {key: text for key, text in blocks.items() if not key.startswith("output")}
    [(key, output)] = blocks.items() - plants.items() or [("output", "")]
    return Defect(
        number=number,
        name=name,
        effect=effect.strip(),
        plants=plants,
        output=output,
        only=key.removeprefix("output").removeprefix(" of ") or None,
    )


def plant(folder: Path, plants: dict[str, str]) -> None:
    for key, text in plants.items():
        kind, _, path = key.partition(" ")
        file = folder / path
        if kind == "new":
            assert not file.exists(), f"{path} is there already; give the planted one another name"
            file.write_text(text, "utf-8")
        else:
            assert kind == "edit", f"a block is edit, new or output, not {kind}"
            file.write_text(edited(file.read_text("utf-8"), text, path), "utf-8")


def edited(text: str, diff: str, path: str) -> str:
    """Return the text with each hunk of the diff applied; hunks are parted by empty lines."""
    lines = text.splitlines()
    for hunk in diff.rstrip("\n").split("\n\n"):
        old, new = ([line[1:] for line in hunk.splitlines() if line[0] in kept] for kept in (" -", " +"))
        found = [at for at in range(len(lines)) if lines[at : at + len(old)] == old]
        assert len(found) == 1, f"{path} must have this passage once, to plant at: {old}"
        lines[found[0] : found[0] + len(old)] = new
    return "".join(f"{line}\n" for line in lines)


def said_by(check: str | None, output: str) -> str:
    """Return what one check says: its problems, each with the lines that show the place; or all that is said.

    What stands before the first problem tells how the command was called, not what it found.
    """
    if problem := PROBLEM.search(output):
        output = output[problem.start() :]
    if check is None:
        return output
    parts = re.split(r"^(?=\S)", output, flags=re.MULTILINE)
    return "".join(part for part in parts if part.partition("\n")[0].endswith(f"[{check}]"))


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the real specs with the sound alert in it, as the working directory."""
    no_code = shutil.ignore_patterns("spec", "*.py", "__pycache__")
    shutil.copytree(ROOT / "config", tmp_path / "config", ignore=no_code)
    shutil.copytree(ROOT / "runbooks", tmp_path / "runbooks")
    plant(tmp_path, read(SOUND).plants)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_copy_with_the_sound_alert_is_right(planted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(CHECK) == 0, capsys.readouterr().err


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_planted_mistake_is_told(
    file: Path, planted: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    defect, is_update = read(file), request.config.getoption("--update")
    # Otherwise what is wrong with the specs themselves would be written down as what the mistake brings.
    assert not is_update or main(CHECK) == 0, "mend the specs first: without the mistake they must be right"
    capsys.readouterr()
    plant(planted, defect.plants)
    code = main(CHECK)
    said = said_by(defect.only, capsys.readouterr().err)
    if is_update:
        text = file.read_text("utf-8")
        [mark] = OUTPUT.finditer(text)
        file.write_text(text[: mark.end()] + said, "utf-8")
    else:
        assert said == defect.output
    assert (code, bool(PROBLEM.search(said))) == (1, True)


def test_no_known_mistake_is_left_out() -> None:
    assert {int(number) for number in (read(file).number for file in FILES) if number.isdigit()} == set(KNOWN)


def test_a_place_to_plant_at_that_has_gone_is_told() -> None:
    with pytest.raises(AssertionError, match="must have this passage once"):
        edited("measures:\n", " metrics:\n+  more:\n", "config/measures.yaml")
    with pytest.raises(AssertionError, match="must have this passage once"):
        edited("a:\n  b: 1\n  b: 1\n", "-  b: 1\n", "config/measures.yaml")
