"""The real tools' judgement on files that were spoiled after they were rendered."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from config.spec.model import Project
from config.spec.problem import Problem
from observability.compile import Request, compile_bundle
from observability.verify import verify
from observability.verify.tool import run, run_all
from tests.bundle_of import BUNDLE, DEPOT


@pytest.fixture(scope="module")
def shop() -> tuple[Project, Mapping[str, str]]:
    outcome = compile_bundle(Request(config_dir=BUNDLE / "config"))
    assert outcome.project is not None
    return outcome.project, outcome.files


@pytest.fixture(scope="module")
def depot() -> tuple[Project, Mapping[str, str]]:
    outcome = compile_bundle(Request(config_dir=DEPOT / "config"))
    assert outcome.project is not None
    return outcome.project, outcome.files


def judged(shop: tuple[Project, Mapping[str, str]], path: str, old: str, new: str) -> list[Problem]:
    project, files = shop
    assert old in files[path], files[path]
    return verify(project, {**files, path: files[path].replace(old, new)})


def test_the_tools_have_nothing_against_what_is_rendered(shop: tuple[Project, Mapping[str, str]]) -> None:
    assert verify(*shop) == []


def test_a_scrape_configuration_that_prometheus_refuses_is_told(
    shop: tuple[Project, Mapping[str, str]],
) -> None:
    found = judged(shop, "cellar/prometheus.yml", "scrape_timeout:", "scrape_patience:")
    assert [problem.check for problem in found] == ["promtool/config"]
    assert "scrape_patience" in found[0].message
    assert found[0].place == shop[0].environments["cellar"].where()


def test_what_only_lint_refuses_is_told(shop: tuple[Project, Mapping[str, str]]) -> None:
    project, files = shop
    rule = "  - record: shop:twice\n    expr: vector(1)\n"
    twice = f"groups:\n- name: twice\n  rules:\n{rule}{rule}"
    found = verify(project, {**files, "rules/twice.yml": twice})
    assert [problem.check for problem in found] == ["promtool/rules"]
    assert "duplicate" in found[0].message


def test_an_alert_that_goes_to_another_receiver_is_told(shop: tuple[Project, Mapping[str, str]]) -> None:
    found = judged(shop, "cellar/alertmanager.yml", "- receiver: warning", "- receiver: nobody")
    assert [problem.check for problem in found] == ["amtool/routes"]
    assert "ManyErrors of severity warning does not reach warning in cellar" in found[0].message


def test_alerts_that_go_the_same_way_are_told_together(depot: tuple[Project, Mapping[str, str]]) -> None:
    found = judged(depot, "cellar/alertmanager.yml", "- receiver: warning", "- receiver: nobody")
    others = sum("warning" in alert.levels for alert in depot[0].alerts.values()) - 1
    assert [problem.message.partition(":")[0] for problem in found] == [
        f"LongQueue of severity warning and {others} more like it do not reach warning in cellar"
    ]


@pytest.mark.parametrize("wanted", ['alertname=~"Que.*"', 'alertname="QueueFillsUp"'])
def test_a_route_for_one_alert_alone_leads_no_other_astray(
    depot: tuple[Project, Mapping[str, str]], wanted: str
) -> None:
    first = "  - receiver: heartbeat\n"
    stray = f"  - receiver: nobody\n    matchers:\n    - {wanted}\n"
    found = judged(depot, "cellar/alertmanager.yml", first, stray + first)
    assert {problem.message.partition(" ")[0] for problem in found} == {"QueueFillsUp"}
    assert not [problem for problem in found if "more like it" in problem.message]


def test_a_rule_that_was_spoiled_fails_the_stories_of_its_alert(
    shop: tuple[Project, Mapping[str, str]],
) -> None:
    found = judged(shop, "rules/web.yml", "> 0.5", "> 5")
    assert {problem.check for problem in found} == {"promtool/test"}
    assert all("ManyErrors" in problem.message for problem in found)


def test_a_configuration_that_alertmanager_refuses_is_told(shop: tuple[Project, Mapping[str, str]]) -> None:
    found = judged(shop, "cellar/alertmanager.yml", "receivers:\n- name", "receivers:\n- nome")
    assert [problem.check for problem in found] == ["amtool/config"]


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("cellar/prometheus.yml", "scrape_timeout:", "scrape_patience:"),
        ("rules/web.yml", "groups:", "gruppen:"),
        ("tests/ManyErrors.yml", "rule_files:", "rule_fails:"),
        ("cellar/alertmanager.yml", "receivers:\n- name", "receivers:\n- nome"),
    ],
)
def test_no_message_shows_the_temporary_folder(
    shop: tuple[Project, Mapping[str, str]], path: str, old: str, new: str
) -> None:
    found = judged(shop, path, old, new)
    assert found
    assert not [problem.message for problem in found if "tradewatch-" in problem.message]


def tool(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a tool of our own in the place of the real ones."""
    file = folder / "promtool"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    monkeypatch.setattr("observability.verify.tool._FETCHED", folder)


def test_a_tool_that_hangs_is_stopped_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tmp_path, monkeypatch, "exec sleep 1000")
    good, said = run("promtool", cwd=tmp_path, patience=0.1)
    assert (good, said) == (False, "promtool gave no answer within 0.1 s and was stopped")


def test_what_a_tool_says_has_paths_below_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tmp_path, monkeypatch, 'echo "$PWD/rules/a.yml: bad"; printf "\\377" >&2; exit 1')
    assert run("promtool", cwd=tmp_path) == (False, "rules/a.yml: bad\n\N{REPLACEMENT CHARACTER}")


def test_answers_come_in_the_order_of_the_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tmp_path, monkeypatch, 'echo "$1"')
    calls = [("promtool", str(number)) for number in range(8)]
    assert run_all(calls, cwd=tmp_path) == [(True, str(number)) for number in range(8)]
