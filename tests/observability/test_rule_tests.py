"""Stories of the world as series that promtool reads."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from observability.compile import Request, compile_bundle
from tests.bundle_of import lay_out, replaced


def rendered(folder: Path, world: str, at: str = "10m") -> dict[str, str]:
    """Return the values of each series for a story."""
    old = "- {event: request_failed, every: 1m, until: 1h}\n        expect:\n          - {at: 3m}\n"
    new = f"{world}\n        expect:\n          - {{at: {at}}}\n"
    edited = replaced("config/alerts/web.yaml", old, new)
    edited = {name: text.replace("- {at: 30m,", f"- {{at: {at},") for name, text in edited.items()}
    outcome = compile_bundle(Request(config_dir=lay_out(folder, edited)))
    assert outcome.files, outcome.problems
    test: Any = yaml.safe_load(outcome.files["tests/ManyErrors.yml"])["tests"][0]
    codes = ((re.search('code="(...)"', one["series"]), one["values"]) for one in test["input_series"])
    return {found[1]: values for found, values in codes if found}


def test_events_count_at_the_end_of_their_interval(tmp_path: Path) -> None:
    series = rendered(tmp_path, "- {event: request_failed, every: 2m, from: 4m, until: 8m}")
    assert series["500"] == "0+0x5 1+0x1 2+0x2"
    assert series["200"] == "0+0x10"


def test_a_job_that_is_down_exports_nothing_and_counts_from_zero_afterwards(tmp_path: Path) -> None:
    world = "- {event: request_failed, every: 1m, until: 10m}\n          - {down: true, from: 3m, until: 5m}"
    assert rendered(tmp_path, world)["500"] == "0+1x2 _x2 1+1x5"


@pytest.mark.parametrize("minutes", [1, 7, 60])
def test_a_steady_story_is_one_run(tmp_path: Path, minutes: int) -> None:
    series = rendered(
        tmp_path, f"- {{event: request_failed, every: 1m, until: {minutes}m}}", at=f"{minutes}m"
    )
    assert series["500"] == f"0+1x{minutes}"
