"""docs/database.md names tests and alerts that there are, and each alert looks at the metric beside it."""

from pathlib import Path

from config.spec.load import load_project
from tests.bot.test_faults_page import looks_at

TESTS = Path(__file__).parent


def test_each_row_names_what_shows_it_and_who_tells_of_it(root: Path) -> None:
    project, problems, _ = load_project(root / "config")
    assert project is not None, problems
    tests = "".join(file.read_text("utf-8") for file in TESTS.glob("test_database_*.py"))
    lines = (root / "docs" / "database.md").read_text("utf-8").splitlines()
    rows = [line.strip("| ").replace("`", "").split("|") for line in lines if line.startswith("| ")][2:]
    assert len(rows) > 5
    for row in rows:
        metric, alert, shown_by = (cell.strip() for cell in row[-3:])
        assert f"async def {shown_by}(" in tests
        assert (metric, alert) == ("none: nobody notices", "") or looks_at(project, alert, metric), row
