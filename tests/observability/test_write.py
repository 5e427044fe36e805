"""Files to disk: whole or not at all, ours and nobody else's."""

import os
from pathlib import Path
from typing import Any

import pytest

from observability.write import as_diff, compare, write


def files_in(folder: Path) -> dict[str, str]:
    return {f.relative_to(folder).as_posix(): f.read_text() for f in folder.rglob("*") if f.is_file()}


def test_what_no_spec_makes_any_more_is_removed_and_a_strangers_file_is_not(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "mine.yml").write_text("mine")
    write(tmp_path, {"rules/a.yml": "a", "old/b.yml": "b"})
    changes = write(tmp_path, {"rules/a.yml": "a"})
    assert changes.removed == ("old/b.yml",)
    assert files_in(tmp_path) == {"rules/mine.yml": "mine", "rules/a.yml": "a", "MANIFEST": "rules/a.yml\n"}
    assert not (tmp_path / "old").exists()


def test_a_manifest_cannot_lead_outside(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "precious").write_text("precious")
    (out / "MANIFEST").write_text("../precious\n/etc/hostname\n")
    assert write(out, {"a": "a"}).removed == ()
    assert (tmp_path / "precious").exists()


def test_nothing_is_touched_that_is_right_already(tmp_path: Path) -> None:
    write(tmp_path, {"a": "text"})
    before = (tmp_path / "a").stat()
    write(tmp_path, {"a": "text", "b": "more"})
    after = (tmp_path / "a").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_failed_write_leaves_the_old_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"a": "old"})

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path, {"a": "new"})
    assert files_in(tmp_path) == {"a": "old", "MANIFEST": "a\n"}


def full(name: str, call: int, disk: pytest.MonkeyPatch) -> None:
    """Let a function of `os` fail at its n-th call, as on a full disk."""
    real, calls = getattr(os, name), iter(range(1, 100))

    def limited(*arguments: Any) -> None:
        if next(calls) == call:
            raise OSError(28, "No space left on device")
        real(*arguments)

    disk.setattr(f"os.{name}", limited)


def test_no_file_is_replaced_before_all_are_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"stale": "old", "b": "old"})
    with monkeypatch.context() as disk:
        full("fsync", 3, disk)  # the manifest is the first, then come a and b
        with pytest.raises(OSError, match="No space left"):
            write(tmp_path, {"a": "new", "b": "new"})
    assert files_in(tmp_path) == {"stale": "old", "b": "old", "MANIFEST": "a\nb\nstale\n"}


def test_a_run_that_fails_halfway_forgets_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"stale": "old", "b": "old"})
    with monkeypatch.context() as disk:
        full("replace", 3, disk)
        with pytest.raises(OSError, match="No space left"):
            write(tmp_path, {"a": "new", "b": "new"})
    assert files_in(tmp_path) == {"stale": "old", "a": "new", "b": "old", "MANIFEST": "a\nb\nstale\n"}
    assert write(tmp_path, {"b": "new"}).removed == ("a", "stale")
    assert files_in(tmp_path) == {"b": "new", "MANIFEST": "b\n"}


def test_everybody_may_read_what_is_written(tmp_path: Path) -> None:
    write(tmp_path, {"rules/a.yml": "a"})
    assert (tmp_path / "rules" / "a.yml").stat().st_mode & 0o777 == 0o644


def test_a_difference_shows_new_changed_and_removed_files(tmp_path: Path) -> None:
    write(tmp_path, {"a": "1\n", "b": "1\n"})
    difference = as_diff(tmp_path, {"a": "2\n", "c": "1\n"})
    assert "-1\n+2\n" in difference
    assert f"--- /dev/null\n+++ {tmp_path}/c\n" in difference
    assert f"--- {tmp_path}/b\n+++ /dev/null\n" in difference
    assert compare(tmp_path, {"a": "1\n", "b": "1\n"}).written == ()
