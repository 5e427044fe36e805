"""Tests that are derived from a spec: promtool agrees, and they alone catch a rule that is wrong."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import yaml

from config.spec.duration import Duration
from config.spec.model import Measure, Project
from observability.compile import render_all
from observability.edges.derive import Derived, derive
from observability.render import edge_tests, rules
from observability.verify import verify
from observability.verify.tool import run
from observability.write import lay_out
from tests.bundle_of import load_depot, load_shop

FAILED = 'sum(increase(http_requests_total{code="500"}[30m]))'
ALL = "sum(increase(http_requests_total[30m]))"


def shop_with(query: str, **measure: Any) -> Project:
    """Return the shop, whose alert looks at a query; the bounds are 0.1 and 0.5."""
    shop = load_shop()
    changed: Measure = replace(shop.measures["error_ratio"], query=query, **measure)
    return replace(shop, measures=MappingProxyType({**shop.measures, "error_ratio": changed}))


def derived(project: Project, alert: str = "ManyErrors") -> Derived:
    return derive(project, project.alerts[alert])


def judged(project: Project, folder: Path, spoiled: tuple[str, str] = ("", "")) -> tuple[bool, str]:
    """Let promtool run the derived tests of the shop alone, on its rules with a passage replaced."""
    made = {**rules.render(project), **edge_tests.render(project)}
    assert spoiled[0] in made["rules/measures.yml"] + made["rules/web.yml"]
    lay_out(folder, {path: text.replace(*spoiled) for path, text in made.items() if "rules/" in path})
    lay_out(folder, {path: text for path, text in made.items() if "tests/" in path})
    return run("promtool", "test", "rules", edge_tests.path_of("ManyErrors"), cwd=folder)


@pytest.mark.parametrize(
    "query",
    [
        f"{FAILED} / ({ALL} > 0)",
        f"({FAILED} / ({ALL} > 0)) and on () {FAILED} >= 2.5",
        f"({FAILED} / ({ALL} > 0) and on () {FAILED} >= 3) or on () max(queue_length == bool 3)",
        "max(queue_length)",
        "max(queue_length) / 100",
        "max(abs(queue_length - 5)) * 0.5",
        "1 - max(queue_length)",
        "max(last_over_time(queue_length[5m]))",
        "max(predict_linear(queue_length[1h], 3600)) / 100",
        "max(changes(queue_length[1h]))",
        'clamp_min(sum(rate(http_requests_total{code!="200"}[5m])), 0)',
        "histogram_quantile(0.9, sum by (le) (rate(request_seconds_bucket[1h])))",
    ],
)
def test_what_is_derived_is_what_prometheus_does(query: str, tmp_path: Path) -> None:
    project = shop_with(query)
    told = derived(project)
    assert told.tests["critical: just past the bound"]
    passed, said = judged(project, tmp_path)
    assert passed, said


@pytest.mark.parametrize(
    "spoiled",
    [
        ("> 0.1", "> 0.12"),
        ("> 0.1", "> 0.09"),
        ("> 0.5", ">= 0.5"),
        ("> 0.1", "< 0.1"),
        ("for: 5m", "for: 6m"),
        ("for: 5m", "for: 4m"),
        ("for: 5m", "for: 0s"),
        ('{code="500"}', ""),
        ('code="500"', 'code!="500"'),
        ("[10m]", "[20m]"),
        ("[10m]", "[5m]"),
        ("/", "*"),
    ],
)
def test_a_rule_that_is_wrong_fails_the_derived_tests_alone(spoiled: tuple[str, str], tmp_path: Path) -> None:
    passed, said = judged(load_shop(), tmp_path, spoiled)
    assert not passed
    assert "FAILED" in said


def test_a_form_that_nobody_turned_round_is_named() -> None:
    project = shop_with("max(queue_length) ^ 2")
    told = derived(project)
    assert not told.tests.get("critical: just past the bound")
    why = "`max(queue_length) ^ 2` is a form that nobody turned round yet"
    assert told.missing["critical: just past the bound"] == why
    assert (
        "nobody turned round yet" in edge_tests.render(shop_with("max(queue_length) ^ 2"))[edge_tests.LISTING]
    )


def test_times_that_are_no_whole_minutes_are_named() -> None:
    shop = load_shop()
    alert = shop.alerts["ManyErrors"]
    quick = {name: replace(level, for_=Duration(90_000)) for name, level in alert.levels.items()}
    told = derive(shop, replace(alert, levels=MappingProxyType(quick)))
    assert told == Derived(missing={"every edge": "its times are no whole numbers of 1m"})


def test_every_edge_has_tests_or_a_reason() -> None:
    for project in (load_shop(), load_depot()):
        for alert in project.alerts.values():
            told = derive(project, alert)
            assert not told.tests.keys() & told.missing.keys()
            assert all(told.missing.values())


def test_a_derived_test_that_fails_is_told_at_the_alert() -> None:
    shop = load_shop()

    files: Mapping[str, str] = render_all(shop)
    spoiled = {**files, "rules/web.yml": files["rules/web.yml"].replace("> 0.1", "> 0.11")}
    found = verify(shop, spoiled)
    assert {problem.check for problem in found} == {"promtool/test"}
    assert {problem.place for problem in found} == {shop.alerts["ManyErrors"].where()}
    assert "just past the bound (derived): at" in found[0].message
    assert "expected warning, but nothing fires" in found[0].message


def test_a_test_says_which_edge_it_is_of() -> None:
    shop = load_shop()
    tests = yaml.safe_load(edge_tests.render(shop)[edge_tests.path_of("ManyErrors")])["tests"]
    names = [test["name"] for test in tests]
    assert "ManyErrors: warning, just past the bound" in names
    assert "ManyErrors: critical, at the bound" in names
    assert "ManyErrors: the denominator is 0" in names
    assert len(names) == len(set(names))
