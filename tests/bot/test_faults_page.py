"""docs/faults.md: each fault of the exchange that is played, and the alert that looks at what it moves.

`make test ARGS=--update` writes it anew.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from config.spec.load import load_project
from config.spec.model import Project
from observability.promql import admits, selectors
from observability.world import queries_of
from tests.bot.faults import guarding, hands, keeping, refusing, sending
from tests.bot.faults.stage import Case, read_series

HEAD = """\
# Faults of the exchange

Made by `make test ARGS=--update` from `tests/bot/faults/`; change that, not this.

Each row is played with the true bot, the true simulator and a true PostgreSQL. The test waits until the order
has passed through these states and no others, the metric has moved, and what is open at the exchange is as
the row says; then it counts the orders: never two for one signal. The alert speaks if the fault lasts: its
expression looks at this very series.

- *protected*: there is a position, and its stops cover just what it is.
- *ours protected*: stops cover our part of a position that a person made larger.
- *nothing open*: neither position nor order.
- *rests*: an entry waits for its price.
- *left alone*: what a person opened is as it was.
"""
PARTS = (
    ("While an entry is sent", (*sending.CASES, *refusing.CASES)),
    ("While a position is held", (*guarding.CASES, *keeping.CASES)),
    ("Behind the bot's back", hands.CASES),
)
COLUMNS = ("fault", "what the bot does", "states of the order", "in the end", "metric", "alert")
ON_SCRAPING = {"job", "instance", "environment"}
CASES = [case for _, cases in PARTS for case in cases]


@pytest.fixture(scope="module")
def project(root: Path) -> Project:
    found, problems, _ = load_project(root / "config")
    assert found is not None, problems
    return found


@pytest.mark.parametrize("case", [case for case in CASES if case.alert], ids=lambda case: case.name)
def test_the_alert_of_a_fault_looks_at_what_moves(case: Case, project: Project) -> None:
    assert case.alert in project.alerts
    assert looks_at(project, case.alert, case.series)


def test_an_alert_looks_at_no_other_label(project: Project) -> None:
    assert looks_at(project, "OrdersUnknown", 'orders_by_status{status="unknown"}')
    assert not looks_at(project, "OrdersUnknown", 'orders_by_status{status="pending"}')
    assert not looks_at(project, "OrdersUnknown", "entries_past_expiry")


def test_the_page_of_faults_is_fresh(root: Path, request: pytest.FixtureRequest) -> None:
    file = root / "docs" / "faults.md"
    if request.config.getoption("--update"):
        file.write_text(page(), "utf-8")
    assert file.read_text("utf-8") == page(), "make test ARGS=--update writes it anew"


def looks_at(project: Project, alert: str, series: str) -> bool:
    name, labels = read_series(series)
    return any(
        found == name
        and all(
            admits(matcher, labels.get(matcher.name, ""))
            for matcher in selector.matchers.matchers
            if matcher.name not in ON_SCRAPING
        )
        for query in queries_of(project, project.alerts[alert].measure)
        for found, selector in selectors(query)
    )


def page() -> str:
    return HEAD + "".join(f"\n## {title}\n\n{_table(cases)}" for title, cases in PARTS)


def _table(cases: Sequence[Case]) -> str:
    rows = [_row(*COLUMNS), _row(*("---" for _ in COLUMNS))]
    for case in cases:
        states = " → ".join(case.states) or "no order"
        alert = case.alert or "none: it does not last"
        rows.append(_row(case.fault, case.does, states, case.ends, f"`{case.series}`", alert))
    return "".join(rows)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"
