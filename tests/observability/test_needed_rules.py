"""Which rules an alert is tested with, and that they are the words of the files that ship."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from config.spec.model import Project
from observability.compile import Request, compile_bundle
from observability.verify.needed_rules import with_needed_rules
from observability.verify.tool import run
from observability.write import write
from tests.bundle_of import DEPOT

Depot = tuple[Project, Mapping[str, str]]


@pytest.fixture(scope="module")
def depot() -> Depot:
    outcome = compile_bundle(Request(config_dir=DEPOT / "config"))
    assert outcome.project is not None
    return outcome.project, outcome.files


def names(text: str) -> list[str]:
    groups = yaml.safe_load(text)["groups"]
    return [rule.get("record") or rule["alert"] for group in groups for rule in group["rules"] or ()]


def needed(depot: Depot, alert: str, *rules: str) -> tuple[list[str], set[str]]:
    """Return what is left of the measures, and which alerts, for the tests of one alert.

    `rules` replace the two rule files that ship: measures, then alerts.
    """
    project, files = depot
    paths = ("rules/measures.yml", "rules/depot.yml")
    made = with_needed_rules(project, {**files, **dict(zip(paths, rules, strict=False))})
    recorded, alerts = (names(made[f"needed/{alert}/{path}"]) for path in paths)
    return recorded, set(alerts)


def measures(*expressions: str) -> str:
    """Return a rule file that ships; each rule is named after its place."""
    rules = "".join(f"  - record: depot:m{n}\n    expr: {one}\n" for n, one in enumerate(expressions))
    return f"groups:\n- name: measures\n  rules:\n{rules}"


def alarm(expression: str) -> str:
    other = "  - alert: Other\n    expr: vector(1)\n"
    return f"groups:\n- name: depot\n  rules:\n{other}  - alert: ServerDown\n    expr: {expression}\n"


def test_measures_that_are_read_through_others_and_by_conditions_are_kept(depot: Depot) -> None:
    recorded, alerts = needed(depot, "LongQueue")
    assert recorded == ["depot:queue_length", "depot:longest_queue", "depot:closed"]
    assert alerts == {"LongQueue"}


def test_what_is_left_is_whole_lines_of_what_ships_in_their_order(depot: Depot) -> None:
    project, files = depot
    for path, text in with_needed_rules(project, files).items():
        shipped = iter(files[path.split("/", 2)[2]].splitlines())
        assert all(line in shipped for line in text.splitlines()), path


def test_the_tests_are_those_that_ship(depot: Depot) -> None:
    project, files = depot
    made = with_needed_rules(project, files)
    for name in project.alerts:
        assert made[f"needed/{name}/tests/{name}.yml"] == files[f"tests/{name}.yml"]


@pytest.mark.parametrize("selector", ['{__name__=~"depot:m."}', '{job="web"}'])
def test_a_selector_without_a_plain_name_keeps_every_rule(depot: Depot, selector: str) -> None:
    rules = measures("vector(1)", "vector(2)", f"count({selector})")
    recorded, alerts = needed(depot, "ServerDown", rules, alarm("depot:m2 > 1"))
    assert recorded == ["depot:m0", "depot:m1", "depot:m2"]
    assert alerts == {"ServerDown", "Other"}


def test_what_reads_alerts_keeps_every_alert(depot: Depot) -> None:
    rules = measures("vector(1)", "count(ALERTS)")
    recorded, alerts = needed(depot, "ServerDown", rules, alarm("depot:m1 > 1"))
    assert (recorded, alerts) == (["depot:m1"], {"ServerDown", "Other"})


def test_rules_in_several_groups_and_out_of_order_are_cut_where_they_end(depot: Depot) -> None:
    second = "- name: more\n  rules:\n  - record: depot:n\n    expr: |-\n      depot:m1\n        + 1\n"
    recorded, _ = needed(depot, "ServerDown", measures("1", "2", "3") + second, alarm("depot:n > 1"))
    assert recorded == ["depot:m1", "depot:n"]


def test_fewer_rules_give_the_verdicts_of_all_rules(depot: Depot, tmp_path: Path) -> None:
    project, files = depot
    later = {path: text.replace("for: 5m", "for: 45m") for path, text in files.items()}
    write(tmp_path, {**later, **with_needed_rules(project, later)})
    for name in project.alerts:
        all_rules = run("promtool", "test", "rules", f"tests/{name}.yml", cwd=tmp_path)
        cut = run("promtool", "test", "rules", f"tests/{name}.yml", cwd=tmp_path / "needed" / name)
        assert cut == all_rules
        assert cut[0] == (name in {"NobodyServes", "ParcelsWhileClosed", "SlowAnswers"})
