"""Stories of the world as series that promtool reads."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from observability.compile import Request, compile_bundle
from tests.bundle_of import DEPOT, lay_out, replaced


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
    assert rendered(tmp_path, world)["500"] == "0+1x2 stale _x1 1+1x5"


@pytest.mark.parametrize("minutes", [1, 7, 60])
def test_a_steady_story_is_one_run(tmp_path: Path, minutes: int) -> None:
    series = rendered(
        tmp_path, f"- {{event: request_failed, every: 1m, until: {minutes}m}}", at=f"{minutes}m"
    )
    assert series["500"] == f"0+1x{minutes}"


def depot_test(alert: str, number: int = 0) -> tuple[Any, dict[str, str]]:
    """Return one test of an alert of the depot, and its series by their selectors."""
    outcome = compile_bundle(Request(config_dir=DEPOT / "config"))
    test: Any = yaml.safe_load(outcome.files[f"tests/{alert}.yml"])["tests"][number]
    return test, {one["series"]: one["values"] for one in test["input_series"]}


def test_a_gauge_rises_by_so_much_a_minute_at_one_of_two_instances() -> None:
    _, series = depot_test("QueueFillsUp")
    assert series['queue_length{job="web", instance="web:1", environment="test"}'] == "20+0x100"
    assert series['queue_length{job="web", instance="web:2", environment="test"}'] == "20+0x60 22+2x39"


def test_an_observation_fills_the_buckets_the_count_and_the_sum() -> None:
    _, series = depot_test("SlowAnswers")
    ends = {name: values.split()[-1].partition("+")[0] for name, values in series.items()}
    target = 'job="web", instance="web:1", environment="test"'
    assert ends == {
        f'request_seconds_bucket{{le="0.1", {target}}}': "0",
        f'request_seconds_bucket{{le="1.0", {target}}}': "6",
        f'request_seconds_bucket{{le="+Inf", {target}}}': "6",
        f"request_seconds_count{{{target}}}": "6",
        f"request_seconds_sum{{{target}}}": "4.2",
    }


def test_up_is_0_at_the_instance_that_is_down() -> None:
    _, series = depot_test("ServerDown")
    assert series == {
        'up{job="web", instance="web:1", environment="test"}': "1+0x40",
        'up{job="web", instance="web:2", environment="test"}': "1+0x9 0+0x19 1+0x10",
    }


def test_a_label_has_the_values_that_the_story_names() -> None:
    _, series = depot_test("BadVersion")
    versions = {name for name in series if "shop_build_info" in name and 'instance="web:2"' in name}
    assert versions == {
        'shop_build_info{version="1.0", job="web", instance="web:2", environment="test"}',
        'shop_build_info{version="1.1", job="web", instance="web:2", environment="test"}',
    }


def test_an_expectation_may_be_of_one_series() -> None:
    test, _ = depot_test("ServerDown")
    expected = test["promql_expr_test"][1]
    firing = 'ALERTS{alertname="ServerDown",alertstate="firing",instance="web:2"}'
    assert expected["expr"] == f"max by (severity) ({firing})"
    labels = test["alert_rule_test"][0]["exp_alerts"][0]["exp_labels"]
    assert labels == {"severity": "warning", "instance": "web:2"}


def test_what_fires_because_of_absence_is_told_from_what_does_not() -> None:
    test, _ = depot_test("LongQueue", 1)
    assert [one["exp_samples"] for one in test["promql_expr_test"]] == [
        [],
        [{"labels": '{severity="critical", cause="absent"}', "value": 1}],
    ]


def test_a_series_that_ends_is_marked_as_prometheus_marks_it(tmp_path: Path) -> None:
    text = (DEPOT / "config/alerts/depot.yaml").read_text("utf-8")
    story = """
      - name: two instances come and go
        world:
          - {gauge: queue_length, labels: {instance: "web:1"}, value: 1, from: 2m, until: 4m}
          - {gauge: queue_length, labels: {instance: "web:1"}, value: 1, from: 5m, until: 6m}
          - {gauge: queue_length, labels: {instance: "web:2"}, value: 1, until: 9m}
          - {down: true, labels: {instance: "web:2"}, from: 1m, until: 4m}
        expect: [{at: 9m}]
"""
    begin = text.index("  QueueFillsUp:")
    tests = text.index("    tests:\n", begin) + len("    tests:\n")
    edited = text[:tests] + story.lstrip("\n") + text[tests:]
    outcome = compile_bundle(
        Request(config_dir=lay_out(tmp_path, {"config/alerts/depot.yaml": edited}, DEPOT))
    )
    test: Any = yaml.safe_load(outcome.files["tests/QueueFillsUp.yml"])["tests"][0]
    values = {one["series"].partition('instance="')[2][:5]: one["values"] for one in test["input_series"]}
    assert values == {"web:1": "_x2 1+0x1 stale 1+0x0 stale _x3", "web:2": "1+0x0 stale _x2 1+0x4 stale"}
