"""Fixtures that every part of the tree shares."""

from pathlib import Path
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write the output of tests/cases/*.txt anew")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Write outputs anew in one process: pages are made from what the tests before them wrote."""
    if config.getoption("update") and hasattr(config.option, "numprocesses"):
        config.option.numprocesses = 0


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
