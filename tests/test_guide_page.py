"""docs/guide.md: what the guide's alerts and commands really do, and what stands in their place.

Its sentences are the names of tests in tests/guide/as_written.yml and tests/guide/commands.yaml;
`make test ARGS=--update` writes it anew.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from config.spec.load import load_project
from config.spec.model import Alert, Level, Panel, Project
from observability.infer import exported_names
from observability.promql import metric_names
from observability.verify.tool import run
from observability.world import metrics_of, queries_of
from tests.guide_commands import commands, table
from tests.test_cases import split

TESTS = Path(__file__).parent
RULES = TESTS / "defects" / "guide.txt"
AS_WRITTEN = TESTS / "guide" / "as_written.yml"
CONFIG = TESTS.parent / "config"
# The metrics that the guide wants to be looked at, in its order.
METRICS = (
    "orders_total", "orders_failed_total", "orders_by_status", "order_processing_seconds",
    "signals_received_total", "signal_processing_errors_total", "signals_by_source",
    "bingx_api_calls_total", "bingx_api_errors_total", "bingx_order_execution_seconds",
    "exchange_balance_usdt", "exchange_balance_btc",
    "db_connections_active", "db_connections_idle", "db_query_duration_seconds", "db_transactions_total",
)  # fmt: skip
HEAD = """\
# The guide's alerts, metrics and commands

Made by `make test ARGS=--update` from tests/guide/ and config/; change those, not this.

The monitoring guide proposes nine alerts. `promtool check rules` is content with each of them, and most are
wrong. What each does is shown by series in tests/guide/as_written.yml, which promtool runs in `make test`;
what stands in its place is proved by the tests in its own spec.

| Alert | What the guide's rule does | What stands now |
|---|---|---|
"""
USED = """
## Its metrics

| Metric | Alerts that look at it | Panels that draw it |
|---|---|---|
"""


@pytest.fixture(scope="module")
def project() -> Project:
    found, problems, _ = load_project(CONFIG)
    assert found is not None, problems
    return found


@pytest.fixture(scope="module")
def rules() -> str:
    _, blocks = split(RULES.read_text("utf-8"))
    return blocks["new rules.yml"]


def test_each_rule_of_the_guide_does_what_is_said_of_it(rules: str, tmp_path: Path) -> None:
    shutil.copy(AS_WRITTEN, tmp_path)
    (tmp_path / "rules.yml").write_text(rules, "utf-8")
    good, said = run("promtool", "test", "rules", AS_WRITTEN.name, cwd=tmp_path)
    assert good, said


def test_every_alert_of_the_guide_is_spoken_of_and_stands(rules: str, project: Project) -> None:
    names = [rule["alert"] for rule in yaml.safe_load(rules)["groups"][0]["rules"]]
    assert set(names) == set(sentences())
    assert set(names) <= set(project.alerts)


def test_the_page_of_the_guide_is_fresh(
    root: Path, rules: str, project: Project, request: pytest.FixtureRequest
) -> None:
    file, wanted = root / "docs" / "guide.md", page(rules, project)
    if request.config.getoption("--update"):
        file.write_text(wanted, "utf-8")
    assert file.read_text("utf-8") == wanted, "make test ARGS=--update writes it anew"


def sentences() -> dict[str, list[str]]:
    """Return by alert what the tests of the guide's rule are called."""
    found: dict[str, list[str]] = {}
    for test in yaml.safe_load(AS_WRITTEN.read_text("utf-8"))["tests"]:
        alert, _, sentence = test["name"].partition(": ")
        found.setdefault(alert, []).append(sentence)
    return found


def page(rules: str, project: Project) -> str:
    rows = [
        f"| {name} | {'; '.join(said)} | {_stands(project, project.alerts[name])} |"
        for name, said in sentences().items()
    ]
    used = [f"| `{name}` | {_alerts(project, name)} | {_panels(project, name)} |" for name in METRICS]
    return HEAD + "\n".join(rows) + "\n" + USED + "\n".join(used) + "\n" + table(commands())


def _stands(project: Project, alert: Alert) -> str:
    measure = project.measures[alert.measure]
    levels = "; ".join(_level(name, level) for name, level in alert.levels.items())
    return f"{measure.description}: {levels}"


def _level(name: str, level: Level) -> str:
    bound = (
        f"{level.operator} {level.bound:f}" if level.has_bound else "present" if level.present else "absent"
    )
    return f"{name} {bound} for {level.for_}"


def _alerts(project: Project, metric: str) -> str:
    names = [
        alert.name
        for alert in project.alerts.values()
        if metric in [one.name for one in metrics_of(project, alert)]
    ]
    return ", ".join(names) or "none"


def _panels(project: Project, metric: str) -> str:
    exported = set(exported_names(project.catalogue.metrics[metric]))
    names = [
        f"{board.title}: {panel.title}"
        for board in project.dashboards.values()
        for panel in board.panels
        if exported & set(_drawn(project, panel))
    ]
    return "; ".join(names) or "none"


def _drawn(project: Project, panel: Panel) -> Iterator[str]:
    for query in (*queries_of(project, *panel.measures), *(one.expr for one in panel.queries)):
        yield from metric_names(query)
