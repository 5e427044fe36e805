"""Lays out the small bundle of a shop, which is no bot, with some of its files replaced."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from config.spec.load import load_project
from config.spec.model import Project

BUNDLE = Path(__file__).parent / "bundle"


def lay_out(folder: Path, files: Mapping[str, str] | None = None) -> Path:
    """Copy the shop's bundle into `folder` with `files` put over it; return its config folder."""
    shutil.copytree(BUNDLE, folder, dirs_exist_ok=True)
    for name, text in (files or {}).items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return folder / "config"


def load_shop() -> Project:
    """Return the shop's project, which has no problems."""
    project, problems, _ = load_project(BUNDLE / "config")
    assert project is not None, problems
    return project


def replaced(name: str, old: str, new: str) -> dict[str, str]:
    """Return one file of the bundle with a passage replaced, for `lay_out`."""
    text = (BUNDLE / name).read_text("utf-8")
    assert old in text, f"{old!r} is not in {name}"
    return {name: text.replace(old, new)}
