"""What the scheduler of the local stack holds to be due."""

from pathlib import Path

import pytest

from scripts.stack.home import ROOT
from scripts.stack.scheduler import JOBS, due

NOW, DAY = 1_800_000_000.0, 86400
FILES = {job.name: job.file for job in JOBS}


def told(folder: Path, **ages: float) -> Path:
    """Each ran so long ago, by the file that it left."""
    for name, age in ages.items():
        metric = "backup_last_verified_timestamp_seconds"
        if name != "backup":
            metric = f'checklist_last_run_timestamp_seconds{{checklist="{name}"}}'
        (folder / FILES[name]).write_text(f"# TYPE x gauge\n{metric} {NOW - age:.0f}\n")
    return folder


def names(folder: Path, **tried: float) -> list[str]:
    return [job.name for job in due(folder, tried, NOW, 10_000)]


def test_all_are_due_at_first_and_the_daily_list_comes_last(tmp_path: Path) -> None:
    assert names(tmp_path) == ["backup", "monthly", "weekly", "daily"]


@pytest.mark.parametrize(("name", "days"), [("backup", 1), ("daily", 1), ("weekly", 7), ("monthly", 31)])
def test_each_is_due_when_its_period_is_over(tmp_path: Path, name: str, days: int) -> None:
    just_now = dict.fromkeys(FILES, 1.0)
    assert names(told(tmp_path, **{**just_now, name: days * DAY - 1})) == []
    assert names(told(tmp_path, **{**just_now, name: days * DAY})) == [name]


def test_one_that_failed_waits_an_hour(tmp_path: Path) -> None:
    told(tmp_path, **dict.fromkeys(FILES, 1.0))
    (tmp_path / FILES["daily"]).unlink()
    assert names(tmp_path, daily=10_000 - 3599) == []
    assert names(tmp_path, daily=10_000 - 3600) == ["daily"]


def test_a_time_that_lies_ahead_or_cannot_be_read_counts_for_nothing(tmp_path: Path) -> None:
    told(tmp_path, **dict.fromkeys(FILES, 1.0))
    told(tmp_path, weekly=-3600)
    (tmp_path / FILES["daily"]).write_text("half a li")
    assert names(tmp_path) == ["weekly", "daily"]


def test_each_is_a_runbook_that_is_there() -> None:
    assert all((ROOT / "runbooks" / f"{job.name}.sh").exists() for job in JOBS)
