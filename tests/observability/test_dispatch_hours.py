"""Every alert at the hours of the day in every environment: told by the right ones, in time, as computed."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from config.spec.load import load_project
from config.spec.model import Project
from observability.compile import Request, compile_bundle
from observability.dispatch.hours import Played, played
from observability.latency import Budget, budgets
from tests.bundle_of import BUNDLE, lay_out

# Two hours of the day and a week in every run; ROUTING_COUNT=99 takes all hours and a year.
COUNT = int(os.environ.get("ROUTING_COUNT", "1"))
HOURS = range(24) if COUNT > 1 else (0, 8)
BEGIN = datetime(2026, 10, 20, 0, 2, 13, tzinfo=UTC)  # the clocks go back five days later


@cache
def ours() -> tuple[Project, dict[str, str]]:
    """Return the project of this checkout with what it was rendered to."""
    project, problems, _ = load_project(Path("config"))
    assert project is not None, problems
    made = Path("observability/generated")
    files = [file for file in made.rglob("*") if file.suffix in (".yml", ".yaml")]
    return project, {file.relative_to(made).as_posix(): file.read_text("utf-8") for file in files}


def found_in(
    environment: str,
    change: Callable[[Any], None] = lambda _: None,
    bundle: tuple[Project, Mapping[str, str]] | None = None,
) -> list[Played]:
    project, files = bundle or ours()
    config = yaml.safe_load(files[f"{environment}/alertmanager.yml"])
    change(config)
    every = [one for one in budgets(project, files) if one.environment == environment]
    return list(played(config, every, BEGIN, HOURS, year=COUNT > 1))


@pytest.mark.parametrize("environment", ["local", "compose"])
def test_every_alert_is_told_in_time_at_every_hour_and_by_whom_it_should(
    environment: str, record_property: Any
) -> None:
    record_property("sampled", f"{len(HOURS)} of 24 hours, ROUTING_COUNT=99 for all and a year of digests")
    found = found_in(environment)
    assert [one for one in found if not one.holds] == []
    by_severity = {one.budget.severity: {way.split("/")[1] for way in one.to} for one in found}
    assert by_severity == {"critical": {"pagerduty", "sns"}, "warning": {"email"}, "info": {"email"}}
    for one in found:
        assert {way.split("/")[1] for way in one.to} == set(one.budget.to), one.budget.alert.name


def test_what_is_computed_is_reached_but_for_a_moment() -> None:
    """A worst case that is computed far too long would hide what one could promise."""
    for one in found_in("local"):
        if one.budget.severity != "info":
            assert one.budget.deliver.worst.seconds - one.worst.total_seconds() <= 1


def test_the_digest_comes_latest_on_the_day_of_25_hours(tmp_path: Path) -> None:
    text = (BUNDLE / "config/alerts/web.yaml").read_text("utf-8")
    text = text.replace("warning: {above: 0.1", "info: {above: 0.1").replace("[warning,", "[info,")
    outcome = compile_bundle(Request(config_dir=lay_out(tmp_path, {"config/alerts/web.yaml": text})))
    assert outcome.project is not None
    found = found_in("cellar", bundle=(outcome.project, outcome.files))
    latest = next(one for one in found if one.budget.severity == "info")
    assert latest.holds
    assert timedelta(hours=25) < latest.worst < timedelta(hours=25, minutes=10)
    assert latest.fired.astimezone(ZoneInfo("Europe/Berlin")).date() == datetime(2026, 10, 24).date()  # noqa: DTZ001


def slow(config: Any) -> None:
    config["route"]["routes"][2]["group_interval"] = "2m"


def test_a_look_that_comes_too_seldom_breaks_the_promise() -> None:
    """The negative control."""
    late = {one.budget.severity for one in found_in("local", slow) if not one.holds}
    assert late == {"critical"}


def test_a_promise_that_is_shorter_than_what_is_played_is_broken() -> None:
    one = found_in("local")[0]
    budget: Budget = one.budget
    tight = replace(budget, deliver=replace(budget.deliver, steps=budget.deliver.steps[:-1]))
    assert one.holds
    assert not replace(one, budget=tight).holds
