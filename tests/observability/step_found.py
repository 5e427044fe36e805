"""What the checks say of one step in an otherwise sound runbook of the shop."""

import tempfile
from pathlib import Path

import yaml

from config.spec.load import load_project
from observability.compile import run_checks
from tests.bundle_of import lay_out

LIBRARIES = {
    "platform": "platform_detect() { echo local; }\n",
    "shop": 'shop_count() { df; }\nsql() { psql -X -w "$@"; }\n',
}


def found(run: str, kind: str = "action", **more: object) -> set[str]:
    """Return the checks that refuse this shell as a step's `run`; `more` are further keys of the step."""
    step: dict[str, object] = {
        "id": "look",
        "title": "Look",
        "kind": kind,
        "run": run,
        "timeout": "5s",
        **more,
    }
    if kind == "action":
        step = {"verify": {"run": "df", "timeout": "5s"}, "undo_not": "a trap", **step}
    runbook = {
        "title": "Many errors",
        "meaning": "Requests fail.",
        "impact": "Customers wait.",
        "alerts": ["ManyErrors"],
        "uses": ["shop"],
        "steps": [step],
    }
    libraries = {f"config/runbooks/lib/{name}.sh": text for name, text in LIBRARIES.items()}
    with tempfile.TemporaryDirectory() as folder:
        specs = {"config/runbooks/many_errors.yaml": yaml.safe_dump(runbook), **libraries}
        project, problems, _ = load_project(lay_out(Path(folder), specs))
        assert project is not None, problems
        return {problem.check for problem in run_checks(project) if problem.severity == "error"}
