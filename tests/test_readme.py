"""What the README claims: its example is ours, its error is real, its commands and files exist."""

import re
import shutil
from pathlib import Path

import pytest

from observability.__main__ import main

LONGEST = 150


@pytest.fixture(scope="module")
def readme(root: Path) -> str:
    return (root / "README.md").read_text("utf-8")


def test_it_is_short(readme: str) -> None:
    assert len(readme.splitlines()) < LONGEST


def test_its_example_is_what_stands_in_the_specs(readme: str, root: Path) -> None:
    example = re.search(r"```yaml\n(.*?)```", readme, re.DOTALL)
    assert example
    specs = (root / "config" / "measures.yaml").read_text() + (
        root / "config" / "alerts" / "orders.yaml"
    ).read_text()
    ours = {line.strip() for line in specs.splitlines()}
    lines = [line.strip() for line in example[1].splitlines() if line.strip() and not line.startswith("#")]
    assert [line for line in lines if line not in ours] == []


def test_its_error_is_what_check_says(
    readme: str,
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = re.search(r"```\n(config/.*)\n```", readme)
    assert shown
    for folder in ("config", "runbooks"):
        shutil.copytree(root / folder, tmp_path / folder)
    measures = tmp_path / "config" / "measures.yaml"
    mistyped = measures.read_text().replace("orders_failed_total[4h])) /", "orders_fail_total[4h])) /")
    measures.write_text(mistyped)
    monkeypatch.chdir(tmp_path)
    assert main(["check"]) == 1
    problems = [line for line in capsys.readouterr().err.splitlines() if line.startswith("config/")]
    assert problems == [shown[1]]


def test_its_make_targets_exist(readme: str, root: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", readme, re.MULTILINE))
    assert named
    assert named <= targets


def test_its_files_exist(readme: str, root: Path) -> None:
    named = re.findall(
        r"(?:`|\()((?:config|observability|bot|runbooks|scripts|tests|docs)/[\w./*<>-]*)", readme
    )
    assert named
    missing = [name for name in named if not list(root.glob(re.sub(r"<\w+>", "*", name).rstrip("/")))]
    assert missing == []
