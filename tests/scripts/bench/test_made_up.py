"""The made-up bundle: as many alerts as were asked for, and nothing wrong with them."""

from pathlib import Path

import pytest

from observability.compile import Request, compile_and_verify
from scripts.bench.made_up import lay_out


@pytest.mark.parametrize("count", [1, 5, 101])
def test_a_made_up_bundle_has_its_alerts_and_no_problem(tmp_path: Path, count: int) -> None:
    outcome = compile_and_verify(Request(config_dir=lay_out(tmp_path, count)), with_tools=False)
    assert outcome.problems == ()
    assert sum(path.startswith("tests/") and "/edges/" not in path for path in outcome.files) == count
    assert sum("/dashboards/" in path for path in outcome.files) == (count + 99) // 100


def test_the_stories_of_a_made_up_bundle_come_true(tmp_path: Path) -> None:
    assert compile_and_verify(Request(config_dir=lay_out(tmp_path, 2))).problems == ()
