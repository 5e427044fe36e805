"""The order of things: load, check, render, verify. The only file that knows it; nothing here writes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from config.spec.load import load_project
from config.spec.model import Project
from config.spec.problem import Problem
from config.spec.source import Source
from observability.allow import without_allowed
from observability.checks import CHECKS
from observability.garbage import collecting_nothing
from observability.render import RENDERERS, TESTS
from observability.scale import scaled
from observability.verify import dashboards, verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to compile: where the specs are, values put over environments, and how fast time runs.

    With `environment` that one alone; `today` decides which exceptions still hold.
    """

    config_dir: Path
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    time_scale: float = 1
    environment: str | None = None
    today: date = field(default_factory=lambda: datetime.now(UTC).date())


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came out: files when there is no error, and every problem with the sources to show it in.

    `project` is what was loaded, at the real speed; None when a file has problems.
    """

    project: Project | None
    files: Mapping[str, str]
    problems: tuple[Problem, ...]
    sources: Mapping[str, Source]

    @property
    def failed(self) -> bool:
        return any(problem.severity == "error" for problem in self.problems)


def run_checks(project: Project) -> list[Problem]:
    """Return what the checks find, each named after its module, nothing twice."""
    found = [
        Problem(one.place, one.message, id_of(module), one.severity, one.related)
        for module in CHECKS
        for one in module.check(project)
    ]
    return list(dict.fromkeys(found))


def id_of(check: ModuleType) -> str:
    return check.__name__.rpartition(".")[2]


def render_all(project: Project, *, tests: bool = True) -> dict[str, str]:
    """Return every generated file, `tests` of rules or not; two renderers that claim one path are our bug."""
    files: dict[str, str] = {}
    for module in RENDERERS:
        if module in TESTS and not tests:
            continue
        for path, text in module.render(project).items():
            if path in files:
                raise ValueError(f"{module.__name__} renders {path} again")
            files[path] = text
    return files


@collecting_nothing()
def compile_bundle(request: Request, *, tests: bool = True) -> Outcome:
    """Load, check and render, `tests` of rules too or not; the files are empty when anything is wrong."""
    project, problems, sources = load_project(
        request.config_dir, values=request.values, environment=request.environment
    )
    if project is not None:
        found = without_allowed(project, run_checks(project), list(map(id_of, CHECKS)), request.today)
        problems = [*problems, *found]
        if request.environment is not None:
            # The problem that an exception is for may be another environment's.
            problems = [problem for problem in problems if problem.check != "allow/unused"]
    outcome = Outcome(project=project, files={}, problems=tuple(problems), sources=sources)
    if project is None or outcome.failed:
        return outcome
    faster = project if request.time_scale == 1 else scaled(project, request.time_scale)
    return replace(outcome, files=render_all(faster, tests=tests))


def compile_and_verify(
    request: Request, *, with_tools: bool = True, schemas: Path | None = None, tests: bool = True
) -> Outcome:
    """Compile, then judge the files: by Prometheus' and Alertmanager's own tools, and by rules of ours.

    `schemas` is the folder of the schema files that Grafana publishes, if they are at hand.
    """
    outcome = compile_bundle(request, tests=tests)
    if outcome.project is None or outcome.failed:
        return outcome
    judge = verify if with_tools else dashboards.verify
    return replace(outcome, problems=(*outcome.problems, *judge(outcome.project, outcome.files, schemas)))
