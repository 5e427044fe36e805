"""Get the outside programs that tools.toml names into .tools/bin, each from the first source that has it."""

import argparse
import contextlib
import fcntl
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

if not __package__:  # run by its path, with any Python and before the project is installed
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from scripts.fetch.fetcher import SOURCES, Fetcher, are_there, version_of
from scripts.fetch.place import noted_source
from scripts.fetch.spec import Files, Server, SourceError, Tool, load, load_files
from scripts.postgres_binaries import recorded

CHECKOUT = Path(__file__).resolve().parents[1]
SPEC = CHECKOUT / "scripts" / "tools.toml"
TOOLS = CHECKOUT / ".tools"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python3 scripts/tools.py", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="TOOL", help="only these tools (default: all)")
    parser.add_argument("--list", action="store_true", help="show what is in .tools and change nothing")
    parser.add_argument(
        "--sources",
        default=os.environ.get("TOOLS_SOURCES", ""),
        metavar="NAMES",
        help=f"only these sources, in this order: {' '.join(SOURCES)} (default: TOOLS_SOURCES, else all)",
    )
    parser.add_argument("--elapsed", type=int, default=0, metavar="SECONDS", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    wanted = tuple(options.sources.replace(",", " ").split()) or SOURCES
    tools, server = load(SPEC)
    files = load_files(SPEC)
    known = [*(tool.name for tool in tools), "postgres", files.name]
    for what, names, allowed in (("source", wanted, SOURCES), ("tool", options.names, known)):
        unknown = [name for name in names if name not in allowed]
        if unknown:
            parser.error(f"no {what} named {unknown[0]!r}; there are {' '.join(allowed)}")
    if options.list:
        return show(tools, files, TOOLS)
    chosen = options.names or known
    with locked(TOOLS):
        started = time.monotonic() - options.elapsed
        fetcher = Fetcher(TOOLS, wanted, os.environ.get("PATH", ""))
        return get(tools, server, files, chosen, fetcher, started)


def get(
    tools: Sequence[Tool],
    server: Server,
    files: Files,
    chosen: Sequence[str],
    fetcher: Fetcher,
    started: float,
) -> int:
    """All of them, also after one has failed, so that every problem is told at once."""
    jobs: list[Callable[[], str]] = [partial(fetcher.get, tool) for tool in tools if tool.name in chosen]
    if "postgres" in chosen:
        jobs.append(partial(fetcher.get_server, server, CHECKOUT))
    if files.name in chosen:
        jobs.append(partial(fetcher.get_files, files))
    failed = 0
    try:
        for job in jobs:
            try:
                line = job()
                print(f"[{time.monotonic() - started:3.0f}s] {line}", flush=True)
            except SourceError as error:
                failed += 1
                print(error, file=sys.stderr, flush=True)
    finally:
        fetcher.clean()
    if failed:
        print("docs/setup.md tells where tools may come from and how to choose", file=sys.stderr)
    return 1 if failed else 0


def show(tools: Sequence[Tool], files: Files, folder: Path) -> int:
    for tool in tools:
        for program in tool.programs:
            where = folder / "bin" / program.name
            try:
                state = f"{version_of(where)} {noted_source(folder, tool.name)} {where.resolve()}"
            except SourceError:
                state = "missing"
            print(f"{program.name} {state}")
    found = recorded(folder)
    print(f"postgres {found.version} {found.source} {found.bin}" if found else "postgres missing")
    place = str(folder / files.name) if are_there(files, folder / files.name) else "missing"
    print(f"{files.what} {place}")
    return 0


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One run at a time; another one waits and then finds everything there."""
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    raise SystemExit(main())
