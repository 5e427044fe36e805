"""`tradewatch mutate`: mutants of real rules against real tests, and what is told of them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from config.spec.model import Project
from observability.__main__ import main
from observability.compile import Request, compile_bundle
from observability.mutate.copies import BrokenTestsError, Suite, killed
from observability.mutate.mutants import Mutant, judged_by
from observability.mutate.trial import PEOPLE, Subject, subjects, tried
from tests.bundle_of import BUNDLE, DEPOT, lay_out, replaced

KINDS = {"for", "aggregation", "comparison"}  # enough to see, and quick
SHOP_RULE = "config/alerts/web.yaml"


def compiled(bundle: Path) -> tuple[Project, Mapping[str, str]]:
    outcome = compile_bundle(Request(config_dir=bundle / "config"))
    assert outcome.project is not None
    return outcome.project, outcome.files


@pytest.fixture(scope="module")
def queue() -> Subject:
    """The depot's alert with two levels, a condition and a rule for absence, with people's tests alone."""
    found = {one.alert.name: one for one in subjects(*compiled(DEPOT))}["LongQueue"]
    few = tuple(mutant for mutant in found.mutants if mutant.kind in KINDS)
    return replace(found, mutants=few, suites={PEOPLE: found.suites[PEOPLE]})


def judged(subject: Subject, tests: tuple[int, ...] | None = None) -> set[str]:
    """Return what the mutants that die are called; `tests` are the numbers of those that stay."""
    suite = subject.suites[PEOPLE]
    kept = suite.tests if tests is None else tuple(suite.tests[number] for number in tests)
    (result,) = tried([replace(subject, suites={PEOPLE: replace(suite, tests=kept)})], lambda _: None)
    return {subject.mutants[number - 1].says for number in result.killed[PEOPLE]}


def numbered(*mutants: Mutant) -> dict[int, Mutant]:
    return dict(enumerate(mutants, 1))


def test_without_tests_nothing_is_killed(queue: Subject) -> None:
    assert queue.mutants
    assert judged(queue, ()) == set()


def test_what_is_not_changed_survives_every_test(queue: Subject, tmp_path: Path) -> None:
    same = replace(queue.mutants[0], rules=queue.rules)
    suite = queue.suites[PEOPLE]
    dead = killed("LongQueue", queue.rules, numbered(same), suite, range(len(suite.tests)), tmp_path)
    assert dead == set()


def test_where_a_test_is_removed_its_mutants_survive(queue: Subject) -> None:
    names = [test["name"] for test in queue.suites[PEOPLE].tests]
    absent = names.index("LongQueue: nothing is measured any more")
    rest = tuple(number for number in range(len(names)) if number != absent)
    lost = judged(queue) - judged(queue, rest)
    assert "absent: for 10m -> 20m" in lost
    assert "warning: depot:longest_queue > 10 -> depot:longest_queue < 10" not in lost


def test_a_mutant_is_where_it_stands_in_the_spec(queue: Subject) -> None:
    lines = (DEPOT / "config/alerts/depot.yaml").read_text("utf-8").splitlines()
    placed = {mutant.says: mutant.place for mutant in queue.mutants if mutant.of is queue.alert}
    for says, word in (
        ("warning: depot:longest_queue > 10 -> depot:longest_queue >= 10", "above: 10"),
        ("critical: for 10m -> 5m", "critical:"),
        ("critical: depot:closed >= 1 -> depot:closed > 1", "measure: closed"),
        ("absent: for 10m -> 0s", "fires: 10m"),
    ):
        assert word in lines[placed[says].line - 1], says
    (maximum,) = {
        mutant.place
        for mutant in queue.mutants
        if mutant.says == "max(depot:queue_length) -> min(depot:queue_length)"
    }
    assert (
        "query: max(depot:queue_length)"
        in (DEPOT / "config/measures.yaml").read_text("utf-8").splitlines()[maximum.line - 1]
    )


def test_what_prometheus_cannot_evaluate_or_read_is_noticed_and_the_rest_is_still_judged(
    queue: Subject, tmp_path: Path
) -> None:
    alert = len(queue.rules) - 1
    broken = [
        replace(queue.mutants[0], rules=(*queue.rules[:alert], queue.rules[alert].changed(expr=expr)))
        for expr in ('label_replace({__name__=~"queue_length"}, "instance", "one", "", "")', "sum(1)")
    ]
    slower = next(mutant for mutant in queue.mutants if mutant.says == "warning: for 5m -> 10m")
    same = replace(queue.mutants[0], rules=queue.rules)
    suite = queue.suites[PEOPLE]
    found = killed(
        "LongQueue", queue.rules, numbered(*broken, same, slower), suite, range(len(suite.tests)), tmp_path
    )
    assert found == {1, 2, 4}


def test_tests_that_fail_by_themselves_judge_nothing(queue: Subject, tmp_path: Path) -> None:
    suite = queue.suites[PEOPLE]
    slow = tuple(rule.changed(**{"for": "1h"}) if "alert" in rule.data else rule for rule in queue.rules)
    with pytest.raises(BrokenTestsError, match="LongQueue: a test fails although nothing is changed"):
        killed("LongQueue", slow, numbered(queue.mutants[0]), suite, range(len(suite.tests)), tmp_path)


def test_a_measure_is_judged_by_the_alert_that_stands_on_it() -> None:
    project, _ = compiled(DEPOT)
    judges = judged_by(project)
    assert (judges["longest_queue"], judges["queue_length"]) == ("LongQueue", "LongQueue")
    assert judges["closed"] in project.alerts


def test_tests_that_ask_for_what_is_recorded_are_asked_of_the_copy(queue: Subject, tmp_path: Path) -> None:
    text = """
rule_files: [../rules/measures.yml, ../rules/depot.yml]
evaluation_interval: 1m
tests:
- interval: 1m
  input_series:
  - {series: 'queue_length{instance="a"}', values: 1x5}
  - {series: 'queue_length{instance="b"}', values: 7x5}
  promql_expr_test:
  - {expr: 'depot:longest_queue', eval_time: 5m, exp_samples: [{labels: 'depot:longest_queue', value: 7}]}
"""
    dead = killed("LongQueue", queue.rules, numbered(*queue.mutants), Suite.read(text), [0], tmp_path)
    says = {queue.mutants[number - 1].says for number in dead}
    assert "max(depot:queue_length) -> min(depot:queue_length)" in says
    assert "warning: for 5m -> 10m" not in says


def test_survivors_are_told_with_what_would_kill_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "found.json"
    assert main(["mutate", "--config", str(BUNDLE / "config"), "--json", str(out)]) == 1
    told = capsys.readouterr().out
    assert "web.yaml:5:24: ManyErrors: comparison" in told
    assert "warning: shop:error_ratio > 0.1 -> shop:error_ratio >= 0.1" in told
    assert "would be killed by a story with the value exactly at 0.1" in told
    found = json.loads(out.read_text("utf-8"))
    score = found["scores"]["people"]
    assert 0 < score["killed"] < score["mutants"]
    (alert,) = found["alerts"]
    (flipped,) = [
        m
        for m in alert["mutants"]
        if m["says"].startswith("warning: shop:error_ratio > 0.1 -> shop:error_ratio < ")
    ]
    assert "people" in flipped["killed_by"]


def test_a_sample_is_the_same_for_the_same_seed(capsys: pytest.CaptureFixture[str]) -> None:
    drawn = []
    for _ in range(2):
        main(["mutate", "--config", str(BUNDLE / "config"), "--count", "3", "--seed", "7"])
        told = capsys.readouterr()
        assert "left out: " in told.err
        assert "--seed 7 draws the same" in told.err
        drawn.append([line for line in told.out.splitlines() if not line.startswith("took")])
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize(
    ("mutant", "told"),
    [
        ("warning: shop:error_ratio > 0.1 -> shop:error_ratio > 7", "has no mutant"),
        ("warning: shop:error_ratio > 0.1 -> shop:error_ratio < 0.1", "a test of ManyErrors kills it"),
    ],
)
def test_a_reason_that_excuses_nothing_is_a_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mutant: str, told: str
) -> None:
    excused = f'    equivalent: [{{mutant: "{mutant}", why: nobody would see it}}]\n    tests:'
    config = lay_out(tmp_path, replaced(SHOP_RULE, "    tests:", excused))
    assert main(["mutate", "--config", str(config)]) == 1
    assert told in capsys.readouterr().err


def test_an_excused_mutant_is_not_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mutant = "sum(rate(http_requests_total[10m])) > 0 -> sum(rate(http_requests_total[10m]))"
    excused = f'    kind: ratio\n    equivalent: [{{mutant: "{mutant}", why: it is never met}}]\n'
    config = lay_out(tmp_path, replaced("config/measures.yaml", "    kind: ratio\n", excused))
    main(["mutate", "--config", str(config)])
    told = capsys.readouterr()
    assert mutant not in told.out
    assert "[mutate/" not in told.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--alert", "ManyError"], "no alert named 'ManyError'; did you mean 'ManyErrors'?"),
        (["--seed", "7"], "needs --count"),
        (["--json", "nowhere/found.json", "--count", "1"], "--json: nowhere/found.json: No such file"),
    ],
)
def test_usage_errors_exit_with_2(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["mutate", "--config", str(BUNDLE / "config"), *arguments]) == 2
    assert told in capsys.readouterr().err
