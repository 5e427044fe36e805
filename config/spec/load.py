"""A folder of YAML to a Project: all files, all problems, nothing raised for content."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from config.spec.build import build
from config.spec.model import (
    Alerts,
    Bundle,
    Catalogue,
    Dashboard,
    Environment,
    Measures,
    Metric,
    Project,
    Routing,
    Scrape,
)
from config.spec.problem import Place, Problem
from config.spec.schema import load_schema, validate
from config.spec.source import Source, read

T = TypeVar("T")
_SCHEMAS = Path(__file__).parent.parent / "schemas"


class Loader:
    """Loads the files of one folder and keeps every problem and every source that it met."""

    def __init__(self, config_dir: Path, shown_from: Path | None = None) -> None:
        self.config_dir = config_dir
        self.shown_from = shown_from or Path.cwd()
        self.problems: list[Problem] = []
        self.sources: dict[str, Source] = {}

    def document(
        self, cls: type[T], schema: str, *names: str, values: Mapping[str, Any] | None = None
    ) -> T | None:
        """Load one file as a `cls`; None when it has problems, which are then in `problems`.

        `values` replaces parts of the file's data, key by key, before it is checked.
        """
        file = self.config_dir.joinpath(*names)
        source, problems = read(file, self._shown(file))
        if values and source.data is not None:
            source = replace(source, data=_merged(source.data, values))
        self.sources[source.path] = source
        if source.data is not None or not problems:
            problems += validate(source, load_schema(_SCHEMAS / f"{schema}.schema.json"))
        self.problems += problems
        return None if problems else build(cls, source)

    def folder(self, cls: type[T], schema: str, name: str) -> dict[str, T]:
        """Load every file of a folder, by name without `.yaml`."""
        files = sorted((self.config_dir / name).glob("*.yaml"))
        if not files:
            self.problems.append(
                Problem(Place(self._shown(self.config_dir / name), 1, 1), "no .yaml file here", "load/empty")
            )
        loaded = {file.stem: self.document(cls, schema, name, file.name) for file in files}
        return {stem: value for stem, value in loaded.items() if value is not None}

    def environments(self, values: Mapping[str, Mapping[str, Any]]) -> dict[str, Environment]:
        """Load every environment, with `values[name]` put over the file's."""
        files = sorted((self.config_dir / "environments").glob("*.yaml"))
        loaded = {
            file.stem: self.document(
                Environment, "environment", "environments", file.name, values=values.get(file.stem)
            )
            for file in files
        }
        return {name: value for name, value in loaded.items() if value is not None}

    def _shown(self, file: Path) -> str:
        try:
            return file.resolve().relative_to(self.shown_from.resolve()).as_posix()
        except ValueError:
            return file.as_posix()


def load_project(
    config_dir: Path, *, values: Mapping[str, Mapping[str, Any]] | None = None
) -> tuple[Project | None, list[Problem], dict[str, Source]]:
    """Load a bundle; the Project is None when any file has problems.

    Runbook pages are looked for in `runbooks/` beside `config_dir`. The sources are for reports.
    """
    loader = Loader(config_dir)
    bundle = loader.document(Bundle, "bundle", "bundle.yaml")
    catalogue = loader.document(Catalogue, "metrics", "metrics.yaml")
    measures = loader.document(Measures, "measures", "measures.yaml")
    scrape = loader.document(Scrape, "scrape", "scrape.yaml")
    routing = loader.document(Routing, "routing", "routing.yaml")
    subjects = loader.folder(Alerts, "alerts", "alerts")
    dashboards = loader.folder(Dashboard, "dashboard", "dashboards")
    environments = loader.environments(values or {})
    problems = sorted(loader.problems, key=lambda problem: (problem.place, problem.message))
    if problems or not (bundle and catalogue and measures and scrape and routing):
        return None, problems, loader.sources
    project = Project(
        bundle=bundle,
        catalogue=catalogue,
        measures=measures.measures,
        scrape=scrape,
        routing=routing,
        subjects=subjects,
        dashboards=dashboards,
        environments=environments,
        runbooks=frozenset(page.stem for page in (config_dir.parent / "runbooks").glob("[a-z]*.md")),
    )
    return project, [], loader.sources


def load_metrics(config_dir: Path) -> tuple[tuple[Metric, ...], list[Problem]]:
    """Load the catalogue alone, for a service that builds its instruments from it."""
    loader = Loader(config_dir)
    catalogue = loader.document(Catalogue, "metrics", "metrics.yaml")
    return (tuple(catalogue.metrics.values()) if catalogue else ()), loader.problems


def _merged(data: Any, values: Any) -> Any:
    if isinstance(data, dict) and isinstance(values, Mapping):
        return {**data, **{key: _merged(data.get(key), value) for key, value in values.items()}}
    return values
