"""Runbook scripts for the tests of the prelude, and how to run one with a terminal and without."""

import json
import os
import pty
import random
import shlex
import shutil
import subprocess
import termios
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path
from select import select
from typing import Any

import pytest

TEMPLATES = Path(__file__).parents[3] / "observability" / "templates"
NAMESPACE = f"prelude{os.getpid()}"
HEADER = """#!/usr/bin/env bash
set -Eeuo pipefail
shopt -s inherit_errexit
IFS=$'\\n\\t'
umask 077
unset CDPATH
export LC_ALL=C
"""
LIBRARY = """
platform_detect() { echo here; }
platform_enter() { export STACK=$1; }
platform_identity() { echo "stack: $STACK"; }
"""
LIMIT = 30  # seconds after which a test gives up
Step = Mapping[str, Any]
# Some cases of each long table in every run; PRELUDE_COUNT=999 takes all.
COUNT, SEED = int(os.environ.get("PRELUDE_COUNT", "2")), int(os.environ.get("FUZZ_SEED", "1"))
LEFT_OUT: list[int] = []


def few(cases: Sequence[Any]) -> Sequence[Any]:
    """Choose from the cases of a test, the same in each worker."""
    taken = sorted(random.Random(SEED).sample(range(len(cases)), min(COUNT, len(cases))))
    LEFT_OUT.append(len(cases) - len(taken))
    return [cases[at] for at in taken]


def assembled(steps: Sequence[Step], library: str = "", **data: Any) -> str:
    """Return a script as the renderer makes it: data, functions, libraries, words, prelude."""
    text = {"ID": "demo", "TITLE": "A demo", "HASH": "abc", "LOCK": "demo", "NAMESPACE": NAMESPACE}
    lists: dict[str, list[str]] = {
        "PLATFORMS": ["here", "there"],
        "ALERTS": [],
        "EVIDENCE": [],
        "SECRETS": ["TOKEN"],
    }
    parameters = data.pop("parameters", {})
    tables: dict[str, dict[str, str]] = {}
    functions = []
    for step in steps:
        facts = {"title": f"Title of {step['id']}", "kind": "probe", "timeout": "5"} | dict(step)
        for key, value in facts.items():
            if key in ("run", "unless", "verify", "undo") or (key.startswith("on_") and key != "on_failure"):
                name = f"step_{step['id']}" + ("" if key == "run" else f"__{key}")
                functions.append(f"{name}() {{\n{value}\n}}")
            elif key != "id":
                tables.setdefault(f"STEP_{key.upper()}", {})[step["id"]] = value
    for name, facts in parameters.items():
        for key, value in facts.items():
            tables.setdefault(f"PARAMETER_{key.upper()}", {})[name] = value
    lines = [f"readonly RUNBOOK_{key}={shlex.quote(data.get(key, value))}" for key, value in text.items()]
    arrays = lists | {"STEPS": [step["id"] for step in steps], "PARAMETERS": list(parameters)}
    for key, values in arrays.items():
        quoted = shlex.join(data.get(key) or values)
        lines.append(f"readonly -a RUNBOOK_{key}=({quoted})")
    for key, entries in tables.items():
        quoted = " ".join(f"[{name}]={shlex.quote(value)}" for name, value in entries.items())
        lines.append(f"declare -rA {key}=({quoted})")
    engine = [(TEMPLATES / name).read_text() for name in ("json.sh", "prelude.sh")]
    return "\n".join([HEADER, *lines, *functions, LIBRARY, library, *engine, 'main "$@"', ""])


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str
    place: Path

    @property
    def run(self) -> Path:
        """The folder of the last run."""
        return sorted((self.place / "root/.local/runs").iterdir())[-1]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.run / "journal.jsonl").read_text().splitlines()]

    def told(self, event: str) -> list[dict[str, Any]]:
        return [one for one in self.events if one["event"] == event]


class Place:
    """A checkout with one runbook in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.script = folder / "root/runbooks/demo.sh"
        self.script.parent.mkdir(parents=True)
        (folder / "root/docker-compose.yml").touch()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "USER": "anna",
            "PLACE": str(folder),
        }

    def write(self, *steps: Step, library: str = "", **data: Any) -> "Place":
        self.script.write_text(assembled(steps, library, **data))
        return self

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            ["bash", str(self.script), *arguments],
            cwd=self.folder,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )

    def ended(self, process: "subprocess.Popen[str]") -> Ran:
        out, err = process.communicate(timeout=LIMIT)
        return Ran(process.returncode, out, err, self.folder)

    def run(self, *arguments: str, **environment: str) -> Ran:
        return self.ended(self.start(*arguments, **environment))

    def talk(self, *arguments: str, answers: Sequence[tuple[str, str | None]], **environment: str) -> Ran:
        """Run on a terminal, and type each answer when its question stands there; None is Ctrl-C."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            ["bash", str(self.script), *arguments],
            cwd=self.folder,
            env=self.environment | {"TERM": "xterm"} | environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)
        said, waiting = "", list(answers)
        try:
            while select([ours], [], [], LIMIT)[0]:
                try:
                    said += os.read(ours, 4096).decode()
                except OSError:  # nobody has the terminal open any more
                    break
                if waiting and waiting[0][0] in said:
                    answer = waiting.pop(0)[1]
                    os.write(ours, b"\x03" if answer is None else answer.encode() + b"\n")
        finally:
            os.close(ours)
        assert not waiting, said
        return Ran(process.wait(LIMIT), said, "", self.folder)

    def path(self, name: str) -> Path:
        return self.folder / name


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture(scope="session", autouse=True)
def _locks_gone() -> Iterator[None]:
    yield
    for base in ("/dev/shm", "/tmp"):
        shutil.rmtree(f"{base}/{NAMESPACE}-{os.getuid()}", ignore_errors=True)


@pytest.fixture
def fifo(tmp_path: Path) -> Callable[[], str]:
    """Return what waits until a step has written to $PLACE/fifo, and says what."""
    os.mkfifo(tmp_path / "fifo")
    return lambda: (tmp_path / "fifo").read_text()
