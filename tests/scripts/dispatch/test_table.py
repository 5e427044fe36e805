"""The table of all alerts at every hour: one row for environments that are alike, what is late first."""

from datetime import UTC, datetime
from pathlib import Path

from observability.compile import Request, compile_bundle
from scripts.dispatch.table import lines, rows
from tests.bundle_of import BUNDLE, lay_out, replaced

BEGIN = datetime(2026, 1, 1, 0, 2, 13, tzinfo=UTC)


def table_of(config_dir: Path) -> list[tuple[str, ...]]:
    outcome = compile_bundle(Request(config_dir=config_dir))
    assert outcome.project is not None
    return rows(outcome.project, outcome, BEGIN)


def test_each_level_has_a_row_with_what_was_played_computed_and_promised() -> None:
    found = table_of(BUNDLE / "config")
    assert [row[:4] for row in found] == [
        ("ok", "ManyErrors", "critical", "pagerduty"),
        ("ok", "ManyErrors", "warning", "email"),
    ]
    assert {row[-2:] for row in found} == {("any hour", "cellar")}
    head, first, _ = lines(found)
    assert head.index("promised") == first.index(found[0][6])


def test_a_promise_that_is_broken_is_seen(tmp_path: Path) -> None:
    late = replaced("config/routing.yaml", "deliver_within: 15m", "deliver_within: 30s")
    assert [row[0] for row in table_of(lay_out(tmp_path, late))] == ["LATE", "ok"]
