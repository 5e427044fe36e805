"""Judgement on the dashboards as Grafana gets them: its models, its published schema, then rules by name.

The linter of Grafana's own people has 17 rules. Kept, with their names, in `linter_rules`:
  template-datasource-rule, template-label-promql-rule, template-on-time-change-reload-rule,
  panel-datasource-rule, panel-title-description-rule, panel-units-rule, panel-no-targets-rule,
  target-promql-rule, target-counter-agg-rule, uneditable-dashboard
Left out, because they contradict what these dashboards are:
  template-job-rule, template-instance-rule, target-job-rule, target-instance-rule: a bundle watches one bot,
    and a metric of it has one job; variables for both would be menus with one entry
  target-rate-interval-rule: a window is part of what a panel says and is the alert's own, so it is fixed;
    target-window-rule wants the opposite, and the check window_short wants it long enough
  target-logql-rule, target-logql-auto-rule: there is no Loki, and target-datasource-rule lets no other in
What that linter does not see is in `panel_rules`, `target_rules` and `board_rules`.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from config.spec.model import Dashboard, Environment, Project
from config.spec.problem import Place, Problem
from observability.checks.queries import known_of
from observability.names import dashboard_file
from observability.verify import board_rules, linter_rules, panel_rules, published_schema, target_rules
from observability.verify.board import Board, Bundle, Found, read
from observability.verify.dashboard_schema import misfits

Rule = Callable[[Board, Bundle], Iterator[Found]]
RULES: tuple[Rule, ...] = (
    *linter_rules.RULES,
    *board_rules.RULES,
    *panel_rules.RULES,
    *target_rules.RULES,
)


def verify(project: Project, files: Mapping[str, str], schemas: Path | None = None) -> Iterator[Problem]:
    """Yield what is wrong in the dashboards; one that does not fit its schema is judged no further.

    `schemas` is the folder of the files that Grafana publishes, if they are at hand.
    """
    found = (
        _verify(project, name, environment, files, schemas)
        for name, environment in project.environments.items()
    )
    # What is wrong in one environment is so in all, nearly always.
    yield from dict.fromkeys(chain.from_iterable(found))


def _verify(
    project: Project, name: str, environment: Environment, files: Mapping[str, str], schemas: Path | None
) -> Iterator[Problem]:
    boards = []
    for key, spec in project.dashboards.items():
        path = dashboard_file(name, key)
        data, misfit = _read(files[path], spec, schemas)
        if not misfit:
            boards.append(read(path, data, spec))
        for place, message in misfit:
            yield Problem(place, f"{path}: {message}", "dashboard/schema")
    known = known_of(project)
    bundle = Bundle(project=project, environment=environment, boards=tuple(boards), known=known)
    for board in boards:
        for rule in RULES:
            for place, message in rule(board, bundle):
                yield Problem(place, message, id_of(rule))


def id_of(rule: Rule) -> str:
    """Return the id that a rule's problems carry."""
    return f"dashboard/{rule.__name__.replace('_', '-')}"


def _read(text: str, spec: Dashboard, schemas: Path | None) -> tuple[Any, list[Found]]:
    try:
        data = json.loads(text)
    except ValueError as error:
        return None, [(spec.where(), f"is no JSON: {error}")]
    misfit = list(misfits(data))
    if schemas is not None and not misfit:
        misfit = list(published_schema.misfits(data, schemas))
    return data, [(_place(data, spec, path), f"{_shown(path)} {message}") for path, message in misfit]


def _place(data: Any, spec: Dashboard, path: tuple[str | int, ...]) -> Place:
    """Return the panel or row that a misfit is in; the file is not to be trusted beyond its types."""
    match path:
        case ("panels", int(index), *_):
            before, here = data["panels"][:index], data["panels"][index]
            kind = spec.rows if here.get("type") == "row" else spec.panels
            rank = sum((one.get("type") == "row") is (kind is spec.rows) for one in before)
            return kind[rank].where() if rank < len(kind) else spec.where()
    return spec.where()


def _shown(path: tuple[str | int, ...]) -> str:
    return (
        "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".") or "the file"
    )
