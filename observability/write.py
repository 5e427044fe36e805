"""Rendered files to disk: each whole or not at all, by a temporary name that is then changed.

When a write fails, all files are the old ones or, if the change of names itself failed, old and new mixed;
the manifest names them all, so that the next run mends it.
"""

import difflib
import os
import tempfile
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

MANIFEST = "MANIFEST"  # names the files that are ours, so that only these are ever removed


@dataclass(frozen=True, slots=True)
class Changes:
    """What writing does to a folder, by path below it."""

    written: tuple[str, ...]
    removed: tuple[str, ...]


def compare(out: Path, files: Mapping[str, str]) -> Changes:
    """Return what `write` would do."""
    files = _with_manifest(files)
    written = tuple(path for path, text in sorted(files.items()) if _read(out / path) != text)
    removed = tuple(path for path in _made_before(out) if path not in files and (out / path).is_file())
    return Changes(written, removed)


def write(out: Path, files: Mapping[str, str]) -> Changes:
    """Write `files`, and remove what an earlier call wrote and no spec makes any more; touch nothing else."""
    changes = compare(out, files)
    if MANIFEST in changes.written:
        # Old and new names first, so that a run that fails halfway leaves no file that nobody knows.
        _replace(out, {MANIFEST: _listing({*files, *_made_before(out)})})
    _replace(out, {path: files[path] for path in changes.written if path != MANIFEST})
    for path in changes.removed:
        (out / path).unlink()
        _remove_empty_folders(out, (out / path).parent)
    if MANIFEST in changes.written:
        _replace(out, {MANIFEST: _listing(files)})
    return changes


def parted(files: Mapping[str, str], folder: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the files outside a folder, and those in it by their path below it; `folder` ends in a slash."""
    outside = {path: text for path, text in files.items() if not path.startswith(folder)}
    inside = {path.removeprefix(folder): text for path, text in files.items() if path.startswith(folder)}
    return outside, inside


def lay_out(folder: Path, files: Mapping[str, str]) -> None:
    """Write files that nobody keeps into a folder of their own, as quickly as can be."""
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")


def kept(out: Path, folders: Collection[str]) -> dict[str, str]:
    """Return the files that an earlier call wrote below these folders, each named with its slash."""
    found = {path: _read(out / path) for path in _made_before(out) if path.startswith(tuple(folders))}
    return {path: text for path, text in found.items() if text is not None}


def as_diff(out: Path, files: Mapping[str, str]) -> str:
    """Return what `write` would change as a unified diff."""
    changes = compare(out, files)
    files = _with_manifest(files)
    return "".join(
        line
        for path in sorted((*changes.written, *changes.removed))
        for line in difflib.unified_diff(
            (_read(out / path) or "").splitlines(keepends=True),
            files.get(path, "").splitlines(keepends=True),
            fromfile=(out / path).as_posix() if (out / path).exists() else "/dev/null",
            tofile=(out / path).as_posix() if path in files else "/dev/null",
        )
    )


def _read(file: Path) -> str | None:
    try:
        return file.read_text("utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return None


def _with_manifest(files: Mapping[str, str]) -> dict[str, str]:
    return {**files, MANIFEST: _listing(files)}


def _listing(paths: Iterable[str]) -> str:
    return "".join(f"{path}\n" for path in sorted(paths))


def _made_before(out: Path) -> list[str]:
    """Return the files that an earlier call wrote; a stranger's file in the folder is never removed."""
    listed = (_read(out / MANIFEST) or "").splitlines()
    return [path for path in listed if path and not path.startswith("/") and ".." not in path.split("/")]


def _replace(out: Path, files: Mapping[str, str]) -> None:
    """Put these files in the place of what is there, none before all are on the disk.

    To wait for the disk only when all are written is quick: it then gets them together.
    """
    made: dict[str, str] = {}
    try:
        for path, text in files.items():
            made[path] = _temporary(out / path)
            Path(made[path]).write_text(text, "utf-8")
        for temporary in made.values():
            _await_disk(temporary)
        for path, temporary in made.items():
            os.replace(temporary, out / path)
    except BaseException:
        for temporary in made.values():
            Path(temporary).unlink(missing_ok=True)
        raise


def _temporary(file: Path) -> str:
    """Make an empty file beside `file`, readable as that will be; a script can be run."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    os.fchmod(handle, 0o755 if file.suffix == ".sh" else 0o644)
    os.close(handle)
    return name


def _await_disk(file: str) -> None:
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_empty_folders(out: Path, folder: Path) -> None:
    while folder != out and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
