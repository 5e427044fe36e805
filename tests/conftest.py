"""Fixtures that every part of the tree shares."""

import hashlib
import os
import signal
from pathlib import Path
from typing import Any

import pytest

# Where scripts are run, which takes long.
_OF_SCRIPTS = ("tests/runbooks", "tests/observability/prelude")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write the output of tests/cases/*.txt anew")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Write outputs anew in one process: pages are made from what the tests before them wrote."""
    if config.getoption("update") and hasattr(config.option, "numprocesses"):
        config.option.numprocesses = 0


def pytest_configure() -> None:
    """Let programs that tests start hear Ctrl-C and a hang-up, also if whoever started us hears neither."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Among all tests take a few of those that run scripts, and none that starts a whole stack for them.

    Who asks for nothing but such tests gets all of them, as `.ci/run` does.
    """
    of_scripts = [item for item in items if item.nodeid.startswith(_OF_SCRIPTS)]
    if len(of_scripts) == len(items):
        return
    count = int(os.environ.get("RUNBOOK_TESTS", "25"))
    small = [item for item in of_scripts if not item.get_closest_marker("stack")]
    taken = sorted(small, key=lambda item: hashlib.sha256(item.nodeid.encode()).digest())[:count]
    left = set(of_scripts) - set(taken)
    items[:] = [item for item in items if item not in left]
    config.hook.pytest_deselected(items=sorted(left, key=lambda item: item.nodeid))
    all_of_them = f"make test ARGS='{' '.join(_OF_SCRIPTS)}'"
    said = f"{len(taken)} of {len(of_scripts)} tests of runbooks; all: {all_of_them}"
    for item in taken[:1]:
        item.user_properties.append(("sampled", said))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say what each test that tries a sample left out, as it put it down under `sampled`."""
    for report in (one for kind in ("passed", "failed") for one in terminalreporter.getreports(kind)):
        for name, said in report.user_properties:
            if name == "sampled" and report.when == "call":
                terminalreporter.write_line(f"SAMPLED {report.nodeid}: {said}")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return Path(__file__).parent.parent
