"""docs/lint.md: every check that it names as ours exists, and every check of plain rules is in its tables."""

import re
from pathlib import Path

import pytest

from observability.checks import CHECKS

KNOWN = {module.__name__.rpartition(".")[2]: module for module in CHECKS}
ROW = re.compile(r"^\| (?P<theirs>[a-z]+/.+?) \| (?P<ours>.+) \|$", re.MULTILINE)
NAME = re.compile(r"`([a-z]+_[a-z_]+)`")


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "lint.md").read_text("utf-8")


def test_every_row_says_ours_or_why_not(page: str) -> None:
    rows = [(row["theirs"], row["ours"]) for row in ROW.finditer(page)]
    assert len(rows) == 29
    reasons = ("needs a live server", "deliberately not", "every file is read strictly")
    assert [row for row in rows if not NAME.search(row[1]) and not row[1].startswith(reasons)] == []


def test_every_check_that_is_named_exists(page: str) -> None:
    assert set(NAME.findall(page)) <= set(KNOWN)


def test_every_check_of_plain_rules_is_named(page: str) -> None:
    plain = {
        name
        for name, module in KNOWN.items()
        if any(hasattr(module, f"check_{kind}") for kind in ("query", "alarm", "groups"))
    }
    assert plain - set(NAME.findall(page)) == set()
