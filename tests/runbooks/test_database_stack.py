"""The database's runbooks on a whole stack: well, and with servers that are stopped, frozen or damaged."""

import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from scripts.stack.ports import Ports, variable
from tests.runbooks.database_ran import EVERY, Ran
from tests.runbooks.databases import BOUND, ROOT

pytestmark = pytest.mark.stack

COUNT = int(os.environ.get("DATABASE_RUNBOOKS_COUNT", "0"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))


class Stack:
    """A running `make run` on ports of its own."""

    def __init__(self, home: Path, ports: Ports) -> None:
        self.home, self.ports = home, ports
        self.variables = {"PATH": os.environ["PATH"], "HOME": str(home), "USER": "tester", "LC_ALL": "C"}
        self.variables["TRADEWATCH_HOME"] = str(home)

    def run(self, runbook: str, *flags: str) -> Ran:
        return Ran(ROOT / "runbooks" / f"{runbook}.sh", self.variables, *flags)

    def supervisor(self, *words: str) -> str:
        command = [
            sys.executable,
            "-m",
            "supervisor.supervisorctl",
            "-c",
            str(self.home / "supervisord.conf"),
        ]
        return subprocess.run([*command, *words], capture_output=True, text=True, timeout=BOUND).stdout

    @property
    def server(self) -> int:
        return int((self.home / "data" / "postgres" / "postmaster.pid").read_text().split()[0])


@contextmanager
def stack(home: Path) -> Iterator[Stack]:
    ports = Ports.free()
    given = {variable(name): str(port) for name, port in asdict(ports).items()}
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.stack", "--home", str(home)],
        env={**os.environ, **given}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    said = ""
    try:
        for line in process.stdout:
            said += line
            if "Tradewatch is ready" in line:
                break
        assert "Tradewatch is ready" in said, said
        yield Stack(home, ports)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=BOUND)


def stopped(stack: Stack) -> None:
    stack.supervisor("stop", "postgres")
    found = stack.run("database_connection", "--only-probes")
    assert found.code == 3, found.out
    assert len(found.findings) == 1, found.findings
    assert "the database server is stopped" in found.findings[0]
    mended = stack.run("database_connection", "--yes", "--step", "start")
    assert mended.code == 0, mended.out
    assert "RUNNING" in stack.supervisor("status", "postgres")


def frozen(stack: Stack) -> None:
    os.kill(stack.server, signal.SIGSTOP)
    found = stack.run("database_connection", "--only-probes")
    assert found.code == 3, found.out
    assert len(found.findings) == 1, found.findings
    assert "the database server is frozen" in found.findings[0]
    mended = stack.run("database_connection", "--yes", "--step", "thaw")
    assert mended.code == 0, mended.out
    assert stack.run("database_connection", "--only-probes", "--step", "server").code == 0


def planned(stack: Stack) -> None:
    begun = stack.run("planned_maintenance", "--yes", "--set", "service=db", "--set", "because=a new disk")
    assert begun.code == 0, begun.out
    assert "STOPPED" in stack.supervisor("status", "postgres")
    assert re.search(
        r"quiet until \S+ by runbook planned_maintenance: a new disk",
        stack.run("planned_maintenance", "--only-probes").out,
    )
    ended = stack.run("planned_maintenance", "--yes", "--set", "service=db", "--set", "part=end")
    assert ended.code == 0, ended.out
    assert "HALTED at level 1" in ended.out
    assert "quiet until" not in stack.run("planned_maintenance", "--only-probes").out


def loaded(stack: Stack) -> None:
    halted = stack.run("planned_maintenance", "--yes", "--step", "close")
    assert halted.code == 0, halted.out
    few = [word for name in ("requests=100", "clients=2", "transactions=10") for word in ("--set", name)]
    said = stack.run("load_test", "--yes", *few)
    assert said.code == 0, said.out
    assert "answers: median" in said.out
    assert "number of failed transactions: 0" in said.out


def damaged(stack: Stack) -> None:
    said = stack.run("database_corruption", "--yes", "--confirm", "trading_bot")
    assert said.code == 0, said.out
    [copy] = (stack.home / "backups").glob("damaged-*/data.tar")
    listed = subprocess.run(["tar", "-tf", copy], capture_output=True, text=True, check=True).stdout
    assert "./global/pg_control" in listed.splitlines()
    assert "RUNNING" in stack.supervisor("status", "bot")


CASES = {"frozen": frozen, "planned": planned, "loaded": loaded, "damaged": damaged}


def test_a_well_stack_has_no_finding_and_faults_in_it_are_named_and_mended(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    chosen = random.Random(SEED).sample(sorted(CASES), min(COUNT, len(CASES)))
    record_property(
        "sampled", f"{1 + len(chosen)} of {1 + len(CASES)} faults, DATABASE_RUNBOOKS_COUNT=99 for all"
    )
    with stack(tmp_path / "home") as made, ThreadPoolExecutor(2) as pool:
        names = [*(f"database_{one}" for one in EVERY), "planned_maintenance"]
        for name, said in zip(
            names, pool.map(lambda name: made.run(name, "--only-probes"), names), strict=True
        ):
            assert said.code == 0, f"{name}: {said.out}"
        # While trading is open there is no load, asked for or not.
        refused = made.run("load_test", "--yes", "--step", "health")
        assert refused.code == 1, refused.out
        assert "trading is open" in refused.out
        for case in (stopped, *(CASES[name] for name in chosen)):
            case(made)
