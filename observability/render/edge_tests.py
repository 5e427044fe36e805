"""A promtool test file per alert with the tests derived from its spec: at each edge what fires, and no more."""

from decimal import Decimal
from typing import Any

from config.spec.duration import Duration
from config.spec.model import Alert, Project
from observability.edges.derive import EdgeTest, derive
from observability.edges.firing import Fires
from observability.render.document import to_yaml
from observability.world import STEP, written


def render(project: Project) -> dict[str, str]:
    files: dict[str, str] = {}
    for subject, alerts in project.subjects.items():
        for alert in alerts.alerts.values():
            if tests := derive(project, alert).tests:
                made_from = f"config/alerts/{subject}.yaml and config/measures.yaml"
                files[path_of(alert.name)] = to_yaml(made_from, _file(subject, alert, tests))
    return files


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
    return {
        "name": f"{alert.name}: {test.name}",
        "interval": str(STEP),
        "input_series": [
            written(name, dict(sorted(labels)), list(map(_plain, values)))
            for (name, labels), values in test.world.items()
        ],
        "promql_expr_test": [
            {
                "expr": f'max without (alertname, alertstate) (ALERTS{{alertname="{alert.name}",alertstate="firing"}})',
                "eval_time": str(Duration(step * STEP.milliseconds)),
                "exp_samples": [
                    {"labels": _labels(one), "value": 1}
                    for one in sorted(firing, key=lambda one: (one.severity, sorted(one.labels)))
                ],
            }
            for step, firing in test.checks.items()
        ],
    }


def _plain(value: Decimal | None) -> Decimal | None:
    """Return a whole number as one."""
    return value if value is None or value != value.to_integral_value() else Decimal(int(value))


def _labels(fires: Fires) -> str:
    labels = {"severity": fires.severity, **dict(sorted(fires.labels))}
    return "{" + ", ".join(f'{label}="{value}"' for label, value in labels.items()) + "}"
