"""The control directory as a person and the bot meet in it."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from bot.adapters.control import ControlDirectory
from bot.domain.switch import Halt, Level


@pytest.fixture
def control(control: Path) -> ControlDirectory:
    return ControlDirectory(control)


def test_an_empty_directory_with_its_marker_is_open(control: ControlDirectory) -> None:
    assert control.read() is None


@pytest.mark.parametrize(
    ("text", "level", "reason"),
    [
        ("", Level.NO_ENTRIES, ""),
        ("\n", Level.NO_ENTRIES, ""),
        ("1", Level.NO_ENTRIES, ""),
        ("2\n", Level.CANCEL_ENTRIES, ""),
        ("3 the key was stolen\n", Level.FLATTEN, "the key was stolen"),
        ("2: too wild\nout there", Level.CANCEL_ENTRIES, "too wild out there"),
        ("back at nine", Level.NO_ENTRIES, "back at nine"),
        ("0", Level.NO_ENTRIES, "0"),
        ("4 of them", Level.NO_ENTRIES, "4 of them"),
        ("30 minutes", Level.NO_ENTRIES, "30 minutes"),
        ("2\x1b[2J\x00red", Level.CANCEL_ENTRIES, "[2J red"),
    ],
)
def test_a_halt_file_closes_whatever_it_says(
    control: ControlDirectory, text: str, level: Level, reason: str
) -> None:
    control.file.write_text(text)
    where = f"file {control.file}"
    assert control.read() == Halt(level=level, reason=f"{reason} ({where})" if reason else where)


def test_a_halt_file_that_is_no_text_or_very_long_closes(control: ControlDirectory) -> None:
    control.file.write_bytes(b"3 \xff\xfe" + b"x" * 100_000)
    told = control.read()
    assert told is not None
    assert (told.level, len(told.reason) < 1200) == (Level.FLATTEN, True)


@pytest.mark.parametrize("kind", ["directory", "pipe", "link to nowhere", "link to itself"])
def test_whatever_has_the_name_of_the_halt_file_closes(control: ControlDirectory, kind: str) -> None:
    match kind:
        case "directory":
            control.file.mkdir()
        case "pipe":
            os.mkfifo(control.file)
        case "link to nowhere":
            control.file.symlink_to("nowhere")
        case _:
            control.file.symlink_to(control.file)
    told = control.read()
    assert told is not None
    assert (told.level, told.written, str(control.file) in told.reason) == (Level.NO_ENTRIES, True, True)


def test_a_lost_directory_closes_and_says_how_to_make_one(control: ControlDirectory) -> None:
    control.path.rename(control.path.with_name("elsewhere"))
    marker = control.path / "tradewatch-control"
    why = f"no {marker} (No such file or directory); mount the control directory, or make it: "
    made = f"mkdir -p {control.path} && touch {marker}"
    assert control.read() == Halt(level=Level.NO_ENTRIES, reason=why + made, written=False)
    control.path.with_name("elsewhere").rename(control.path)
    assert control.read() is None


def test_the_command_that_makes_a_directory_can_be_pasted_as_it_is(tmp_path: Path) -> None:
    told = ControlDirectory(tmp_path / "my bot").read()
    assert told is not None
    subprocess.run(["sh", "-c", told.reason.rpartition("make it: ")[2]], check=True)
    assert ControlDirectory(tmp_path / "my bot").read() is None


def test_an_empty_place_where_the_directory_should_be_mounted_closes(control: ControlDirectory) -> None:
    (control.path / "tradewatch-control").unlink()
    assert control.read() is not None


@pytest.mark.parametrize("kind", ["file", "link to itself"])
def test_what_cannot_be_looked_into_closes_until_it_can(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "control"
    if kind == "file":
        path.touch()
    else:
        path.symlink_to(path)
    told = ControlDirectory(path).read()
    assert told is not None
    assert (told.level, told.written) == (Level.NO_ENTRIES, False)


def test_a_halt_file_counts_even_without_the_marker(control: ControlDirectory) -> None:
    control.file.write_text("3")
    (control.path / "tradewatch-control").unlink()
    told = control.read()
    assert told is not None
    assert (told.level, told.written) == (Level.FLATTEN, True)


def test_what_it_writes_it_reads_and_everybody_can(control: ControlDirectory) -> None:
    before = os.umask(0o077)
    try:
        control.halt(Halt(level=Level.CANCEL_ENTRIES, reason="too wild"))
    finally:
        os.umask(before)
    assert control.file.read_text() == "2 too wild\n"
    assert stat.S_IMODE(control.file.stat().st_mode) == 0o644
    assert control.read() == Halt(level=Level.CANCEL_ENTRIES, reason=f"too wild (file {control.file})")
    assert {each.name for each in control.path.iterdir()} == {"HALT", "tradewatch-control"}


def test_it_raises_what_is_there_and_never_lowers_it(control: ControlDirectory) -> None:
    for level, reason in ((2, "first"), (1, "lower"), (2, "again"), (3, "higher"), (1, "lower")):
        control.halt(Halt(level=Level(level), reason=reason))
    assert control.file.read_text() == "3 higher\n"


@pytest.mark.parametrize("gone", [True, False])
def test_a_halt_that_would_not_last_is_an_error_and_makes_nothing(
    control: ControlDirectory, gone: bool
) -> None:
    (control.path / "tradewatch-control").unlink()
    if gone:
        control.path.rmdir()
    with pytest.raises(OSError, match="mount the control directory"):
        control.halt(Halt(level=Level.NO_ENTRIES, reason="why"))
    assert control.path.exists() is not gone
    assert gone or list(control.path.iterdir()) == []


def test_a_failed_write_leaves_nothing_behind(control: ControlDirectory) -> None:
    control.file.mkdir()  # cannot be replaced by a file
    with pytest.raises(OSError, match="directory"):
        control.halt(Halt(level=Level.FLATTEN, reason="why"))
    assert {each.name for each in control.path.iterdir()} == {"HALT", "tradewatch-control"}


def test_a_person_takes_the_file_away_and_may_put_it_back(control: ControlDirectory) -> None:
    assert control.take_away() is None
    control.file.write_text("2 too wild\n")
    text = control.take_away()
    assert (text, control.read()) == ("2 too wild\n", None)
    assert text is not None
    control.put_back(text)
    assert control.file.read_text() == "2 too wild\n"


def test_put_back_it_is_not_milder_than_what_came_meanwhile(control: ControlDirectory) -> None:
    control.file.write_text("3 stolen\n")
    control.put_back("2 too wild\n")
    assert control.file.read_text() == "3 stolen\n"


def test_what_is_no_file_is_left_for_a_person(control: ControlDirectory) -> None:
    control.file.mkdir()
    with pytest.raises(OSError, match="directory"):
        control.take_away()
    assert control.read() is not None
