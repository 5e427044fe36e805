"""The log file: rotated, refused at the start if it cannot be written, and no reason to stop later."""

import io
import json
import shutil
from pathlib import Path

import pytest

from bot.log import open_log
from bot.log_file import LogFile
from bot.settings import read_settings
from tests.bot.test_settings import GOOD


class Unread(io.StringIO):
    def write(self, text: str, /) -> int:
        raise BrokenPipeError("nobody reads")


def file(path: Path, *, max_bytes: int = 10_000, count: int = 2) -> LogFile:
    return LogFile(path=path, max_bytes=max_bytes, count=count)


def events(text: str) -> list[str]:
    return [json.loads(line)["event"] for line in text.splitlines()]


def test_each_line_goes_to_both_places(tmp_path: Path) -> None:
    out, path = io.StringIO(), tmp_path / "bot.log"
    open_log("INFO", "simulator", ["the-secret"], out, file(path)).info("x", why="the-secret ☃ \ud800")
    assert path.read_text("utf-8") == out.getvalue()
    assert "***" in out.getvalue()


def test_it_is_rotated_and_the_oldest_are_removed(tmp_path: Path) -> None:
    path = tmp_path / "bot.log"
    log = open_log("INFO", "simulator", [], io.StringIO(), file(path, max_bytes=1000))
    for number in range(100):
        log.info("x", number=number)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["bot.log", "bot.log.1", "bot.log.2"]
    assert all(each.stat().st_size <= 1000 for each in tmp_path.iterdir())
    numbers = [
        json.loads(line)["number"]
        for name in ("bot.log.2", "bot.log.1", "bot.log")
        for line in (tmp_path / name).read_text().splitlines()
    ]
    assert numbers == list(range(100 - len(numbers), 100))


def test_a_directory_that_vanished_is_told_once_and_written_to_when_it_is_back(tmp_path: Path) -> None:
    out, folder = io.StringIO(), tmp_path / "log"
    folder.mkdir()
    log = open_log("INFO", "simulator", [], out, file(folder / "bot.log", max_bytes=200))
    log.info("first")
    shutil.rmtree(folder)
    for _ in range(5):
        log.info("meanwhile", text="." * 100)
    folder.mkdir()
    log.info("later")
    told = events(out.getvalue())
    assert told.count("the log file cannot be written") == 1
    assert [each for each in told if "log file" not in each] == ["first", *["meanwhile"] * 5, "later"]
    assert told[-1] == "the log file is written again"
    assert "later" in events((folder / "bot.log").read_text() + (folder / "bot.log.1").read_text())


def test_a_full_disk_is_told_once_and_stops_nothing(tmp_path: Path) -> None:
    out = io.StringIO()
    log = open_log("INFO", "simulator", [], out, file(Path("/dev/full")))
    for _ in range(5):
        log.info("x")
    told = events(out.getvalue())
    assert (told.count("x"), told.count("the log file cannot be written")) == (5, 1)
    assert "No space left on device" in out.getvalue()


def test_a_stream_that_nobody_reads_stops_nothing(tmp_path: Path) -> None:
    log = open_log("INFO", "simulator", [], Unread(), file(tmp_path / "bot.log"))
    log.info("x")
    log.info("y")
    assert events((tmp_path / "bot.log").read_text()) == ["x", "y"]


def test_the_settings_say_where_how_large_and_how_many(tmp_path: Path) -> None:
    told = {"LOG_FILE": str(tmp_path / "bot.log"), "LOG_FILE_MAX_MB": "2", "LOG_FILE_COUNT": "7"}
    settings, problems = read_settings(GOOD | told)
    assert settings is not None, problems
    assert settings.log_file == file(tmp_path / "bot.log", max_bytes=2_000_000, count=7)
    settings, _ = read_settings(GOOD)
    assert settings is not None
    assert settings.log_file is None


@pytest.mark.parametrize(
    ("name", "why"), [("none/bot.log", "No such file or directory"), (".", "it is no file")]
)
def test_a_file_that_cannot_be_written_is_a_problem_of_the_settings(
    tmp_path: Path, name: str, why: str
) -> None:
    path = tmp_path / name
    settings, problems = read_settings(GOOD | {"LOG_FILE": str(path), "LOG_FILE_COUNT": "0"})
    assert settings is None
    assert problems == [
        "LOG_FILE_COUNT is '0'; set a whole number from 1 to 1000",
        f"LOG_FILE: cannot write {path}: {why}",
    ]
