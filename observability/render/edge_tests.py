"""A promtool test file per alert with the tests derived from its spec: what fires at each edge, no more."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from config.spec.duration import Duration
from config.spec.model import Alert, Project
from observability.edges.derive import Derived, derive
from observability.edges.firing import Fires
from observability.edges.scenes import EdgeTest
from observability.render.document import to_yaml
from observability.world import STEP, written

LISTING = "tests/edges/README.md"


def render(project: Project) -> dict[str, str]:
    files: dict[str, str] = {}
    told: dict[str, Derived] = {}
    for subject, alerts in project.subjects.items():
        for alert in alerts.alerts.values():
            told[alert.name] = derive(project, alert)
            if tests := [one for edge in told[alert.name].tests.values() for one in edge]:
                made_from = f"config/alerts/{subject}.yaml and config/measures.yaml"
                files[path_of(alert.name)] = to_yaml(made_from, _file(subject, alert, tests))
    return {**files, LISTING: _listing(told)}


def _listing(told: Mapping[str, Derived]) -> str:
    """Return the page that says which edges of which alert have tests, and why one has none."""
    lines = [
        "<!-- Made from config/alerts by `make generate`; change that, not this. -->",
        "# Edges of each alert",
        "",
        "What the edges are says [docs/edges.md](../../../../docs/edges.md).",
        "",
        "| alert | edge | tests |",
        "|---|---|---|",
    ]
    for alert, derived in told.items():
        counts = {edge: str(len(tests)) for edge, tests in derived.tests.items() if tests}
        reasons = {edge: f"none: {_cell(why)}" for edge, why in derived.missing.items()}
        lines += [f"| {alert} | {edge} | {what} |" for edge, what in {**counts, **reasons}.items()]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def path_of(alert: str) -> str:
    return f"tests/edges/{alert}.yml"


def _file(subject: str, alert: Alert, tests: list[EdgeTest]) -> dict[str, Any]:
    return {
        "rule_files": ["../../rules/measures.yml", f"../../rules/{subject}.yml"],
        "evaluation_interval": str(STEP),
        "group_eval_order": ["measures", subject],
        "tests": [_test(alert, test) for test in tests],
    }


def _test(alert: Alert, test: EdgeTest) -> dict[str, Any]:
    selector = f'ALERTS{{alertname="{alert.name}",alertstate="firing"}}'
    firing = f"max without (alertname, alertstate) ({selector})"
    return {
        "name": f"{alert.name}: {test.name}",
        "interval": str(STEP),
        "input_series": [
            written(name, dict(sorted(labels)), list(map(_plain, values)))
            for (name, labels), values in test.world.items()
        ],
        "promql_expr_test": [
            {
                "expr": firing,
                "eval_time": str(Duration(step * STEP.milliseconds)),
                "exp_samples": [
                    {"labels": _labels(one), "value": 1}
                    for one in sorted(told, key=lambda one: (one.severity, sorted(one.labels)))
                ],
            }
            for step, told in test.checks.items()
        ],
    }


def _plain(value: Decimal | None) -> Decimal | None:
    """Return a whole number as one."""
    return value if value is None or value != value.to_integral_value() else Decimal(int(value))


def _labels(fires: Fires) -> str:
    labels = {"severity": fires.severity, **dict(sorted(fires.labels))}
    return "{" + ", ".join(f'{label}="{value}"' for label, value in labels.items()) + "}"
