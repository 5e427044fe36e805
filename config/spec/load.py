"""A folder of YAML to a Project: all files, all problems, nothing raised for content."""

import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
    Operations,
    Project,
    Routing,
    Runbook,
    Scrape,
)
from config.spec.named_schema import schema_named_in, validate_by
from config.spec.names import did_you_mean
from config.spec.problem import Place, Problem
from config.spec.schema import load_schema, validate
from config.spec.source import Source, read

T = TypeVar("T")
_SCHEMAS = Path(__file__).parent.parent / "schemas"
_FILES = ("bundle.yaml", "measures.yaml", "metrics.yaml", "operations.yaml", "routing.yaml", "scrape.yaml")
_FOLDERS = {
    "alerts": "what is alarming",
    "dashboards": "what is drawn",
    "environments": "where the stack runs",
    "runbooks": "what is done about it",
}
_OPERATIONS = "operations"  # beside environments, the one file that values may be laid over
_LIBRARIES = "lib"  # in runbooks/: words of the steps, in shell
# Where the specs are a Python package too, as ours are, and beside them what the database reads.
_PACKAGE = ("__init__.py", "__pycache__", "postgres", "schemas", "spec")
# What a server reads as it stands.
_SERVERS = ("postgres",)
_SPEC = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\.yaml")
# What no one takes for a spec: hidden files, what editors and merges leave behind, and a word to the reader.
_HARMLESS = re.compile(r"\..*|.*~|#.*#|.*\.(bak|orig|rej|swp|tmp)|README(\..*)?", re.DOTALL)


@dataclass(frozen=True, slots=True, eq=False)
class ValuesFile(Mapping[str, Mapping[str, Any]]):
    """Values for environments by name that know their places; its data must be a mapping of mappings."""

    source: Source

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        values: Mapping[str, Any] = self.source.data[name]
        return values

    def __iter__(self) -> Iterator[str]:
        return iter(self.source.data)

    def __len__(self) -> int:
        return len(self.source.data)


class Loader:
    """Loads the files of one folder and keeps every problem and every source that it met."""

    def __init__(self, config_dir: Path) -> None:
        self.config_dir = config_dir
        self._shown_dir = _shown(config_dir)
        self.problems: list[Problem] = []
        self.sources: dict[str, Source] = {}
        self.left_out: list[str] = []

    def document(self, cls: type[T], schema: str, *names: str, values: Source | None = None) -> T | None:
        """Load one file as a `cls`; None when it has problems, which are then in `problems`.

        What `values` has under the file's name replaces parts of its data, key by key, before it is checked;
        a file that needs values and gets none is left out.
        """
        source, problems = self._read(*names)
        stem = Path(names[-1]).stem
        if values and isinstance(source.data, dict):
            if stem in values.data:
                source = source.under(values, stem)
            elif source.data.get("needs_values") is True:
                self.left_out.append(stem)
                return None
        if source.data is not None or not problems:
            problems += validate(source, load_schema(_SCHEMAS / f"{schema}.schema.json"))
        value = None
        if not problems:
            value, problems = build(cls, source)
        self.problems += problems
        return value

    def folder(
        self, cls: type[T], schema: str, name: str, values: Source | None = None, only: str | None = None
    ) -> dict[str, T]:
        """Load every file of a folder, by name without `.yaml`; `values` are laid over them by name.

        With `only` that one file.
        """
        stems = [entry.removesuffix(".yaml") for entry in self._entries(name) if _SPEC.fullmatch(entry)]
        if not stems:
            text = f"no .yaml file here; a bundle says in {name}/<name>.yaml {_FOLDERS[name]}"
            if _is_closed(self.config_dir / name):
                text = "cannot be read: you may not look into the folder"
            self._problem(text, "load/empty", name)
        for stem in values.data if values else ():
            if values and stem not in (*stems, _OPERATIONS):
                text = f"no file {stem}.yaml in {name}/ to lay this over{did_you_mean(stem, stems)}"
                self.problems.append(Problem(values.key_place(stem), text, "load/values"))
        loaded = {
            stem: self.document(cls, schema, name, f"{stem}.yaml", values=values)
            for stem in stems
            if only in (None, stem)
        }
        return {stem: value for stem, value in loaded.items() if value is not None}

    def operations(self, values: Source) -> Operations | None:
        """Load operations.yaml, whose contacts may stand in a values file."""
        return self.document(Operations, _OPERATIONS, f"{_OPERATIONS}.yaml", values=values)

    def libraries(self) -> dict[str, str]:
        """Load the shell that steps of runbooks may use, by name without `.sh`."""
        texts = {}
        for entry in self._entries("runbooks", _LIBRARIES):
            name = ("runbooks", _LIBRARIES, entry)
            if entry.endswith(".sh"):
                try:
                    texts[Path(entry).stem] = self.config_dir.joinpath(*name).read_text("utf-8")
                except (OSError, UnicodeDecodeError) as error:
                    self._problem(f"cannot be read: {error}", "yaml/unreadable", *name)
        return texts

    def source_of(self, values: Mapping[str, Mapping[str, Any]]) -> Source:
        """Return values for environments as a source; what a program made has no places of its own."""
        if not isinstance(values, ValuesFile):
            return Source((self._shown_dir / "environments").as_posix(), "", values, {}, {})
        self.sources[values.source.path] = values.source
        return values.source

    def read_others(self) -> None:
        """Judge a YAML file that is no spec of ours by the schema that it names, as a service's own may.

        Add a problem for each file that nobody reads: most often a spec under a wrong name.
        """
        for entry in self._entries():
            if entry in (*_FILES, *_FOLDERS, *_PACKAGE, *_SERVERS) or _HARMLESS.fullmatch(entry):
                continue
            right = f"{Path(entry).stem}.yaml"
            if entry.lower().endswith((".yaml", ".yml")) and right not in _FILES:
                self._other(entry)
            else:
                self._stray(right, entry)
        for folder in _FOLDERS:
            for entry in self._entries(folder):
                if (folder, entry) == ("runbooks", _LIBRARIES):
                    continue
                if not _SPEC.fullmatch(entry) and not _HARMLESS.fullmatch(entry):
                    self._stray(f"{Path(entry).stem}.yaml", folder, entry)

    def _other(self, entry: str) -> None:
        source, problems = self._read(entry)
        if problems:
            self.problems += problems
        elif schema := schema_named_in(source):
            self.problems += validate_by(schema, source, self.config_dir)
        else:
            near = (
                did_you_mean(Path(entry).stem, [Path(file).stem for file in _FILES])
                or "; name its schema in the first line, or remove it"
            )
            text = f"{entry!r} is not read by anything{near}"
            self.problems.append(Problem(Place(source.path, 1, 1), text, "load/unread", "warning"))

    def _stray(self, better: str, *names: str) -> None:
        """Add the problem of one file; `better` is its name with the right ending."""
        if (
            _SPEC.fullmatch(better)
            and names[-1].lower().endswith((".yml", ".yaml"))
            and (len(names) > 1 or better in _FILES)
        ):
            wanted = f"name it {better!r}"
        elif len(names) > 1:
            wanted = "a spec is a file <name>.yaml, its name of letters, digits, _ and -"
        else:
            wanted = f"the files here are {', '.join(_FILES)}, the folders {', '.join(_FOLDERS)}"
        self._problem(f"{names[-1]!r} is not read: {wanted}", "load/stray", *names)

    def _read(self, *names: str) -> tuple[Source, list[Problem]]:
        file, shown_as = self.config_dir.joinpath(*names), self._shown_dir.joinpath(*names).as_posix()
        if _may_wait(file):
            problem = Problem(Place(shown_as, 1, 1), "is a pipe or device, and no file", "yaml/unreadable")
            source, problems = Source(shown_as, "", None, {}, {}), [problem]
        else:
            source, problems = read(file, shown_as)
        self.sources[shown_as] = source
        return source, problems

    def _problem(self, message: str, check: str, *names: str) -> None:
        self.problems.append(
            Problem(Place(self._shown_dir.joinpath(*names).as_posix(), 1, 1), message, check)
        )

    def _entries(self, *names: str) -> list[str]:
        """Return the names in a folder; one that is not there has none."""
        try:
            return sorted(os.listdir(self.config_dir.joinpath(*names)))
        except OSError:
            return []


def load_project(
    config_dir: Path,
    *,
    values: Mapping[str, Mapping[str, Any]] | None = None,
    environment: str | None = None,
) -> tuple[Project | None, list[Problem], dict[str, Source]]:
    """Load a bundle; the Project is None when any file has errors, and may come with warnings.

    `values` has by the name of an environment what is laid over it, and by `operations` what is laid over
    operations.yaml; with `environment` only that one is loaded. Runbook pages that are written by hand are
    looked for in `runbooks/` beside `config_dir`. The sources are for reports.
    """
    loader = Loader(config_dir)
    laid_over = loader.source_of(values or {})
    loader.read_others()
    bundle = loader.document(Bundle, "bundle", "bundle.yaml")
    catalogue = loader.document(Catalogue, "metrics", "metrics.yaml")
    measures = loader.document(Measures, "measures", "measures.yaml")
    scrape = loader.document(Scrape, "scrape", "scrape.yaml")
    routing = loader.document(Routing, "routing", "routing.yaml")
    subjects = loader.folder(Alerts, "alerts", "alerts")
    dashboards = loader.folder(Dashboard, "dashboard", "dashboards")
    environments = loader.folder(Environment, "environment", "environments", laid_over, environment)
    # A bundle may keep its runbooks as pages that are written by hand.
    has_runbooks = (config_dir / "runbooks").is_dir()
    runbooks = loader.folder(Runbook, "runbook", "runbooks") if has_runbooks else {}
    operations = loader.operations(laid_over) if has_runbooks else None
    libraries = loader.libraries()
    problems = sorted(loader.problems, key=lambda problem: (problem.place, problem.message))
    failed = any(problem.severity == "error" for problem in problems)
    if failed or not (bundle and catalogue and measures and scrape and routing):
        return None, problems, loader.sources
    pages = {page.stem: page for page in (beside(config_dir) / "runbooks").glob("[a-z]*.md")}
    pages = {name: page for name, page in pages.items() if name not in runbooks}
    project = Project(
        bundle=bundle,
        catalogue=catalogue,
        measures=measures.measures,
        scrape=scrape,
        routing=routing,
        subjects=subjects,
        dashboards=dashboards,
        environments=environments,
        left_out=tuple(loader.left_out),
        operations=operations,
        runbooks=runbooks,
        libraries=libraries,
        pages=frozenset(pages),
        blank_pages=frozenset(name for name, page in pages.items() if _is_blank(page)),
        sources=loader.sources,
    )
    return project, problems, loader.sources


def load_metrics(config_dir: Path) -> tuple[tuple[Metric, ...], list[Problem]]:
    """Load the catalogue alone, for a service that builds its instruments from it."""
    loader = Loader(config_dir)
    catalogue = loader.document(Catalogue, "metrics", "metrics.yaml")
    return (tuple(catalogue.metrics.values()) if catalogue else ()), loader.problems


def beside(config_dir: Path) -> Path:
    """Return the folder that holds `config_dir`, also for `.` and `..`, whose `parent` is not theirs."""
    return config_dir / ".." if config_dir.name in ("", "..") else config_dir.parent


def _may_wait(file: Path) -> bool:
    """Tell whether reading may never end, as that of a pipe that nobody writes to."""
    try:
        mode = file.stat().st_mode
    except OSError:
        return False  # reading tells why
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISBLK(mode)


def _is_closed(folder: Path) -> bool:
    """Tell whether the names in a folder may not be read; what is no folder is not closed."""
    try:
        os.listdir(folder)
    except OSError as error:
        return isinstance(error, PermissionError)
    return False


def _is_blank(page: Path) -> bool:
    """Tell whether there is nothing to read; a folder, or what nobody may read, is as good as blank."""
    try:
        return not page.read_bytes().strip()
    except OSError:
        return True


def _shown(config_dir: Path) -> Path:
    """Return the folder as the user would type it; a link inside it keeps its own name."""
    try:
        return Path(os.path.realpath(config_dir)).relative_to(os.path.realpath("."))
    except ValueError:
        return config_dir
