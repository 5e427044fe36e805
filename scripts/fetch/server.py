"""PostgreSQL's sources: the machine's own, Debian's packages unpacked, the wheel from the Python index."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.fetch import place
from scripts.fetch.debian import Apt, machine_mirror
from scripts.fetch.spec import Server, SourceError
from scripts.postgres_binaries import Postgres, find_on_machine, inspect, record, recorded

DPKG_STATUS = Path("/var/lib/dpkg/status")
SYSTEM = Path("/usr/lib/postgresql")
WITHOUT = "without contrib, TLS and ICU: no pg_stat_statements, no amcheck"


def from_path(tools: Path, search: str) -> Postgres:
    refused: list[str] = []
    found = find_on_machine(search, system=SYSTEM, tools=tools, refused=refused)
    if found is None:
        raise SourceError("; ".join(refused) or "neither on PATH nor under /usr/lib/postgresql")
    return found


def from_tools(tools: Path) -> Postgres:
    found = recorded(tools)
    if found is None or found.source == "path":
        raise SourceError("not in .tools")
    return found


def from_debian(server: Server, tools: Path, work: Path) -> Postgres:
    """The newest server of the machine's own Debian, with the shared libraries that the machine lacks."""
    mirror = machine_mirror()
    apt = Apt(work / "apt", mirror.sources, status=DPKG_STATUS if DPKG_STATUS.exists() else None)
    names = apt.names(r"postgresql-\d+")
    if not names:
        raise SourceError(f"{mirror.codename} has no package postgresql-VERSION")
    major = max(int(name.rpartition("-")[2]) for name in names)
    wanted = [f"postgresql-{major}", f"postgresql-client-{major}"]
    libraries = [
        name for name in apt.depends(wanted) if name.startswith("lib") and not name.startswith(server.skip)
    ]
    files = work / "files"
    files.mkdir()
    apt.unpack(list(dict.fromkeys([*wanted, "libpq5", *libraries])), files)
    folder = settle(files, tools / "debian" / "postgres")
    found = check(folder / f"usr/lib/postgresql/{major}/bin", "debian", library_folders(folder))
    missing = missing_libraries(found)
    if missing:
        raise SourceError(f"{found.bin} lacks the shared libraries {' '.join(missing)}")
    return found


def from_wheel(server: Server, checkout: Path, tools: Path, work: Path) -> Postgres:
    files = work / "files"
    words = [_python_with_pip(checkout), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [
            *words,
            "--require-hashes",
            "--no-deps",
            "--target",
            str(files),
            "-r",
            str(checkout / server.requirements),
        ],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise SourceError(f"pip: {' '.join(errors[-1:]) or 'failed'}")
    return check(settle(files, tools / "wheel" / "postgres") / server.wheel, "wheel", [])


def _python_with_pip(checkout: Path) -> str:
    """The project's own environment if it is there already, else the Python that runs this."""
    for python in (checkout / ".venv/bin/python", Path(sys.executable)):
        if (
            python.exists()
            and subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode == 0
        ):
            return str(python)
    raise SourceError("there is no pip: run scripts/setup.sh, which makes .venv")


def settle(files: Path, target: Path) -> Path:
    """Move a finished directory to its place; readable by the account that the server runs under."""
    for folder, _, names in os.walk(files):
        for path in (Path(folder), *(Path(folder, name) for name in names)):
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | 0o444 | (0o111 if mode & 0o100 else 0))
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    files.rename(target)
    return target


def library_folders(folder: Path) -> list[str]:
    found = {str(file.parent) for file in (folder / "usr/lib").glob("*/*.so.*")}
    return sorted(found | {str(file.parent) for file in (folder / "lib").glob("*/*.so.*")})


def check(folder: Path, source: str, libraries: list[str]) -> Postgres:
    refused: list[str] = []
    environment = {"LD_LIBRARY_PATH": ":".join(libraries)} if libraries else {}
    found = inspect(folder, source=source, refused=refused, environment=environment)
    if found is None:
        raise SourceError("; ".join(refused))
    return found


def missing_libraries(found: Postgres) -> list[str]:
    """Of all programs and of contrib's modules, not only of those that happened to be started."""
    modules = (found.bin.parent / "lib").glob("*.so")
    files = [str(file) for file in (*found.bin.iterdir(), *modules) if "llvm" not in file.name]
    done = subprocess.run(["ldd", *files], capture_output=True, text=True, env=found.variables())
    return sorted({line.split()[0] for line in done.stdout.splitlines() if line.endswith("=> not found")})


def put(server: Server, found: Postgres, tools: Path) -> None:
    """Programs into .tools/bin and the choice into its note."""
    folder = tools / "bin"
    for name in server.programs:
        target = found.bin / name
        (folder / name).unlink(missing_ok=True)
        if not os.access(target, os.X_OK):
            continue
        libraries = found.environment.get("LD_LIBRARY_PATH")
        if libraries:
            parts = ":".join(place.quoted(Path(part), folder) for part in libraries.split(":"))
            place.wrap(
                folder,
                name,
                f"export LD_LIBRARY_PATH={parts}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\n"
                f'exec {place.quoted(target, folder)} "$@"',
            )
        else:
            place.link(folder, name, target)
    record(tools, found)
