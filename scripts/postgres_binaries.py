"""Find PostgreSQL's server programs: the machine's own, else those that scripts/tools.py fetched."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
TOOLS = CHECKOUT / ".tools"
SYSTEM = Path("/usr/lib/postgresql")
OLDEST = 14
NEEDED = ("initdb", "postgres", "pg_isready", "psql", "pg_dump", "pg_restore")
SOURCES = ("path", "debian", "wheel")


class PostgresError(Exception):
    """PostgreSQL is missing or cannot run here; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """One set of server programs that belong together."""

    bin: Path
    version: str
    source: str
    contrib: bool  # pg_stat_statements and amcheck are there
    environment: Mapping[str, str] = field(default_factory=dict)  # e.g. where unpacked shared libraries lie

    @property
    def major(self) -> int:
        return int(re.split(r"\D", self.version, maxsplit=1)[0])

    def program(self, name: str) -> str:
        return str(self.bin / name)

    def variables(self) -> dict[str, str]:
        """Environment for every program: the caller's PGHOST and the like must not lead it elsewhere."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
        return {**kept, "LC_ALL": "C", **self.environment}


def find(*, tools: Path = TOOLS, path: str | None = None, system: Path = SYSTEM) -> Postgres:
    """The programs that set-up chose, else the machine's own; TOOLS_SOURCES narrows the choice."""
    wanted = wanted_sources()
    chosen = recorded(tools)
    if chosen is not None and (chosen.source in wanted or ("tools" in wanted and chosen.source != "path")):
        return chosen
    refused: list[str] = []
    if "path" in wanted:
        search = os.environ.get("PATH", "") if path is None else path
        found = find_on_machine(search, system=system, tools=tools, refused=refused)
        if found is not None:
            return found
    raise PostgresError(
        f"no PostgreSQL server programs (version {OLDEST} or later): {'; '.join(refused) or 'none found'}; "
        "run scripts/setup.sh, which fetches them"
    )


def wanted_sources() -> tuple[str, ...]:
    """Where PostgreSQL may come from, by the variable TOOLS_SOURCES (docs/setup.md)."""
    text = os.environ.get("TOOLS_SOURCES", "")
    return tuple(text.replace(",", " ").split()) or SOURCES


def find_on_machine(path: str, *, system: Path, tools: Path, refused: list[str]) -> Postgres | None:
    """The first usable set on PATH, else the newest under /usr/lib/postgresql; why not goes to `refused`."""
    for folder in (*_on_path(path, tools), *_under(system)):
        found = inspect(folder, source="path", refused=refused)
        if found is not None:
            return found
    return None


def inspect(
    folder: Path, *, source: str, refused: list[str], environment: Mapping[str, str] | None = None
) -> Postgres | None:
    """What lies in this folder, if it is complete, runs and is new enough."""
    missing = [name for name in NEEDED if not os.access(folder / name, os.X_OK)]
    if missing:
        refused.append(f"{folder} has no {' '.join(missing)}")
        return None
    extra = dict(environment or {})
    try:
        done = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, env={**os.environ, **extra}
        )
    except OSError as error:
        refused.append(f"{folder}/postgres does not run: {error.strerror}")
        return None
    match = re.search(r"\(PostgreSQL\) ((\d+)[.\w]*)", done.stdout)
    if done.returncode or match is None:
        refused.append(f"{folder}/postgres does not run: {(done.stderr or done.stdout).strip()}")
        return None
    if int(match[2]) < OLDEST:
        refused.append(f"{folder} has version {match[1]}")
        return None
    contrib = _has_contrib(folder, match[2])
    return Postgres(bin=folder, version=match[1], source=source, contrib=contrib, environment=extra)


def record(tools: Path, found: Postgres) -> None:
    """Note the choice, so that later starts take the same programs as set-up did."""
    entry = {
        "source": found.source,
        "bin": os.path.relpath(found.bin, tools) if found.bin.is_relative_to(tools) else str(found.bin),
        "libraries": [os.path.relpath(part, tools) for part in _library_path(found.environment)],
    }
    new = tools / "postgres.json.new"
    new.write_text(json.dumps(entry, indent=2) + "\n")
    new.replace(tools / "postgres.json")


def recorded(tools: Path) -> Postgres | None:
    """What set-up noted, if it is still there and runs."""
    try:
        entry = json.loads((tools / "postgres.json").read_text())
        libraries = [str(tools / part) for part in entry["libraries"]]
        environment = {"LD_LIBRARY_PATH": ":".join(libraries)} if libraries else {}
        return inspect(tools / entry["bin"], source=entry["source"], refused=[], environment=environment)
    except (OSError, ValueError, KeyError, TypeError):
        return None  # a broken record is as good as none: set-up writes it anew


def _library_path(environment: Mapping[str, str]) -> list[str]:
    return [part for part in environment.get("LD_LIBRARY_PATH", "").split(":") if part]


def _on_path(path: str, tools: Path) -> Iterator[Path]:
    seen: set[Path] = set()
    for part in path.split(":"):
        program = Path(part or ".") / "postgres"
        if not os.access(program, os.X_OK):
            continue
        folder = program.resolve().parent  # often a link to where all the programs are
        if folder not in seen and not program.absolute().is_relative_to(tools):
            seen.add(folder)
            yield folder


def _under(system: Path) -> list[Path]:
    found = [folder for folder in system.glob("*/bin") if folder.parent.name.isdigit()]
    return sorted(found, key=lambda folder: int(folder.parent.name), reverse=True)


def _has_contrib(folder: Path, major: str) -> bool:
    """The extension's control file, at the places where builds keep their share directory."""
    control = "extension/pg_stat_statements.control"
    shares = ("../share", "../share/postgresql", f"../../../../share/postgresql/{major}")
    return any((folder / share / control).exists() for share in shares)
