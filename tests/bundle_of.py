"""Lays out bundles that are no bot, with some files replaced: a small shop, a depot that uses all."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from config.spec.load import load_project
from config.spec.model import Project

BUNDLE = Path(__file__).parent / "bundle"
DEPOT = Path(__file__).parent / "depot"


def lay_out(folder: Path, files: Mapping[str, str] | None = None, bundle: Path = BUNDLE) -> Path:
    """Copy a bundle, the shop's, into `folder` with `files` put over it; return its config folder."""
    shutil.copytree(bundle, folder, dirs_exist_ok=True)
    for name, text in (files or {}).items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return folder / "config"


def load_shop() -> Project:
    """Return the shop's project, which has no problems."""
    return _load(BUNDLE)


def load_depot() -> Project:
    """Return the depot's project, which has no problems."""
    return _load(DEPOT)


def _load(bundle: Path) -> Project:
    project, problems, _ = load_project(bundle / "config")
    assert project is not None, problems
    return project


def replaced(name: str, old: str, new: str, bundle: Path = BUNDLE) -> dict[str, str]:
    """Return one file of a bundle, the shop's, with a passage replaced, for `lay_out`."""
    text = (bundle / name).read_text("utf-8")
    assert old in text, f"{old!r} is not in {name}"
    return {name: text.replace(old, new)}
