"""The file that arms the bot for real money: what it is bound to, and who may have touched it."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.arming import NotArmedError, arm_for, armed_uid, write

KEY = "the-api-key"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write(tmp_path / "armed", arm_for("4711", KEY, NOW))
    return tmp_path / "armed"


def why_not(file: Path, key: str = KEY) -> str:
    with pytest.raises(NotArmedError) as caught:
        armed_uid(file, key)
    return str(caught.value).replace(str(file), "FILE")


def test_it_arms_for_the_account_and_holds_no_key(file: Path) -> None:
    assert armed_uid(file, KEY) == "4711"
    assert file.stat().st_mode & 0o777 == 0o600
    assert KEY not in file.read_text()
    assert [each.name for each in file.parent.iterdir()] == ["armed"]


def test_it_can_be_written_anew(file: Path) -> None:
    write(file, arm_for("4712", "another-key", NOW))
    assert armed_uid(file, "another-key") == "4712"


def test_another_key_is_not_armed(file: Path) -> None:
    assert why_not(file, "another-key") == "FILE was written for another BINGX_API_KEY"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o400, 0o700])
def test_its_rights_must_be_its_owners_alone(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert why_not(file) == "FILE may be read or written by others: chmod 600 FILE"


@pytest.mark.parametrize("text", ["", "{}", "[]", "[" * 2000, "4711", '{"uid": "4711"}', "\xff", "{" * 2000])
def test_what_arm_live_did_not_write_arms_nothing(file: Path, text: str) -> None:
    file.write_text(text, encoding="latin-1")
    assert why_not(file) == "FILE is not what arm-live writes"


def test_a_link_a_pipe_and_a_directory_arm_nothing(file: Path) -> None:
    file.rename(file.with_name("real"))
    file.symlink_to("real")
    assert why_not(file) == "cannot read FILE: Too many levels of symbolic links"
    file.unlink()
    os.mkfifo(file, 0o600)
    assert why_not(file) == "FILE is not a file of the user that the bot runs as"
    file.unlink()
    file.mkdir(0o600)
    assert why_not(file) == "FILE is not a file of the user that the bot runs as"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_another_users_file_arms_nothing(file: Path) -> None:
    os.chown(file, 12345, -1)
    assert why_not(file) == "FILE is not a file of the user that the bot runs as"


def test_what_cannot_be_written_leaves_what_was_there(file: Path) -> None:
    elsewhere = file.with_name("folder")
    elsewhere.mkdir()
    with pytest.raises(OSError, match="directory"):
        write(elsewhere, arm_for("1", KEY, NOW))
    assert sorted(each.name for each in file.parent.iterdir()) == ["armed", "folder"]
