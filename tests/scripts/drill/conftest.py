"""The real specs, read once for all tests of drills."""

import pytest

from config.spec.load import load_project
from config.spec.model import Project
from scripts.stack.home import ROOT


@pytest.fixture(scope="session")
def project() -> Project:
    loaded, problems, _ = load_project(ROOT / "config")
    assert loaded is not None, problems
    return loaded
