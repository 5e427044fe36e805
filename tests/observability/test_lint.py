"""Rule files that know no spec, and problems for machines."""

import json
from pathlib import Path
from typing import Any

import pytest

from observability.__main__ import main

RULES = """\
groups:
  - name: shop
    rules:
      - record: shop:errors
        expr: sum by (code) (rate(http_errors[5m]))
      - alert: ManyErrors
        expr: shop:errors / sum(rate(http_requests_total[5m])) > 0.1
        for: 5m
        annotations: {summary: Many}
      - alert: CounterByValue
        expr: http_requests_total > 10
        for: 5m
        annotations: {summary: Many}
"""
METRICS = """\
# TYPE http_errors gauge
http_errors{code="500"} 1
# TYPE http_requests_total counter
http_requests_total{code="500"} 7
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("rules.yml").write_text(RULES)
    Path("metrics.txt").write_text(METRICS)
    return "rules.yml"


def problems_of(file: str, capsys: pytest.CaptureFixture[str], *more: str) -> list[dict[str, Any]]:
    assert main(["lint", file, "--format", "json", *more]) == 1
    return list(json.loads(capsys.readouterr().out))


def test_names_alone_tell_counters_and_what_may_be_zero(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {(one["check"], one["line"]) for one in problems_of(file, capsys)}
    # The recording rule keeps `code` and the sum does not, whatever the metrics are.
    assert found == {("division_guarded", 7), ("operands_match", 7), ("counter_as_gauge", 11)}


def test_a_saved_metrics_text_tells_types_and_labels(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = {(one["check"], one["line"]) for one in problems_of(file, capsys, "--metrics", "metrics.txt")}
    assert found == {
        ("gauge_in_rate", 5),
        ("division_guarded", 7),
        ("operands_match", 7),
        ("counter_as_gauge", 11),
    }


def test_the_scrape_interval_decides_what_is_short(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = {one["check"] for one in problems_of(file, capsys, "--scrape-interval", "2m")}
    assert "window_short" in found


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("alerts: []\n", 1, "no rule file: it has no list `groups`"),
        ("groups:\n  - rules:\n      - alert: A\n", 3, "a rule needs alert or record, and expr"),
        (
            "groups:\n  - rules:\n      - {alert: A, record: b, expr: up}\n",
            3,
            "a rule needs alert or record, and expr",
        ),
        (
            "groups:\n  - rules:\n      - {alert: A, expr: sum(}\n",
            3,
            "not valid PromQL: unclosed left parenthesis",
        ),
    ],
)
def test_what_is_no_rule_is_told_at_its_place(
    text: str, line: int, message: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(file).write_text(text)
    [one] = problems_of(file, capsys)
    assert (one["path"], one["line"]) == (file, line)
    assert one["message"].startswith(message)


def test_a_rule_that_reads_itself_is_no_endless_loop(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(file).write_text("groups:\n  - rules:\n      - {record: a, expr: a + 1}\n")
    assert main(["lint", file]) == 0
    assert "1 rule in 1 file: nothing found" in capsys.readouterr().out


def test_a_metrics_text_that_is_none_is_refused(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("metrics.txt").write_text("{not metrics\n")
    assert main(["lint", file, "--metrics", "metrics.txt"]) == 2
    assert "--metrics metrics.txt is no text of /metrics" in capsys.readouterr().err


def test_github_annotations_are_escaped(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", file, "--format", "github"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == (
        "::warning file=rules.yml,line=11,col=15,title=counter_as_gauge::"
        "by its name a counter, 'http_requests_total' is read by its value; use rate() or increase()"
    )


def test_sarif_names_every_rule_that_it_uses(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", file, "--format", "sarif"]) == 1
    run = json.loads(capsys.readouterr().out)["runs"][0]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert {result["ruleId"] for result in run["results"]} == rules
    assert run["results"][0]["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 7,
        "startColumn": 15,
    }


def test_checks_are_listed_and_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert "division_guarded" in names
    for name in names:
        assert main(["explain", name]) == 0
        assert "Why: " in capsys.readouterr().out
    assert main(["explain", "division_garded"]) == 2
    assert "did you mean 'division_guarded'?" in capsys.readouterr().err


def test_a_file_with_warnings_alone_passes(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(file).write_text("groups:\n  - rules:\n      - {alert: A, expr: up == 0}\n")
    assert main(["lint", file]) == 0
    output = capsys.readouterr()
    assert "rules.yml:3:9: warning: an alert without `for`" in output.err
    assert "warning: alert 'A' has no annotation `summary`" in output.err
    assert output.err.endswith("1 rule in 1 file: 2 warnings\n")
    assert "nothing found" not in output.out


def test_hidden_findings_are_not_nothing(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(file).write_text("groups:\n  - rules:\n      - {alert: A, expr: up == 0}\n")
    assert main(["lint", file, "--allow", "alarm_for", "--allow", "alarm_summary"]) == 0
    output = capsys.readouterr()
    assert output.out == "1 rule in 1 file: nothing but what --allow hides\n"
    assert "hidden by --allow alarm_for: 1 problem" in output.err


def test_a_list_of_rule_objects_is_read(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    rules = "{name: a, rules: [{alert: A, expr: up == 0, for: 5m, annotations: {summary: A}}]}"
    one = f"  - {{kind: PrometheusRule, spec: {{groups: [{rules}]}}}}\n"
    Path(file).write_text(f"kind: List\nitems:\n{one}{one}  - {{kind: Secret}}\n")
    assert main(["lint", file]) == 1
    assert "alert 'A' exists twice" in capsys.readouterr().err


def test_a_rule_object_of_kubernetes_is_a_rule_file(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(file).write_text(
        "kind: PrometheusRule\nspec:\n" + RULES.replace("\n", "\n  ").replace("groups", "  groups", 1)
    )
    found = {(one["check"], one["line"]) for one in problems_of(file, capsys)}
    assert found == {("division_guarded", 9), ("operands_match", 9), ("counter_as_gauge", 13)}


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("{alert: A, expr: up, for: soon}", "for: 'soon' is not a duration such as 30s, 5m or 1h30m"),
        ("{alert: A, expr: up, labels: [a]}", "labels must map names to texts"),
        ("{alert: A, expr: up, annotations: [a]}", "annotations must map names to texts"),
        ("{alert: A, expr: up, keep_firing_for: soon}", "keep_firing_for: 'soon' is not a duration such as"),
        (
            "{alert: A, expr: up, lables: {a: b}}",
            "Prometheus knows no key 'lables' here; did you mean 'labels'?",
        ),
        ("{record: a, expr: up, for: 5m}", "for belongs to alerts, not to a recording rule"),
    ],
)
def test_parts_of_a_rule_that_cannot_be_read_are_told(
    rule: str, message: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(file).write_text(f"groups:\n  - rules:\n      - {rule}\n")
    found = [one["message"] for one in problems_of(file, capsys) if one["check"] == "lint/form"]
    assert [text[: len(message)] for text in found] == [message]


def test_groups_of_one_name_and_unknown_keys_of_a_group_are_told(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(file).write_text(
        "groups:\n"
        "  - {name: a, query_offset: 1m, source_tenants: [b], rules: []}\n"
        "  - {name: a, intervall: 1m, rules: []}\n"
    )
    found = [(one["line"], one["message"]) for one in problems_of(file, capsys)]
    assert found == [
        (3, "group 'a' exists twice in this file"),
        (3, "Prometheus knows no key 'intervall' here; did you mean 'interval'?"),
    ]


@pytest.mark.parametrize("text", ["{}\n", "null\n", "groups: []\n"])
def test_a_file_without_rules_is_no_mistake(text: str, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(file).write_text(text)
    assert main(["lint", file]) == 0
    assert "0 rules in 1 file: nothing found" in capsys.readouterr().out


def test_static_labels_of_a_recording_rule_are_labels_of_its_series(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(file).write_text(
        "groups:\n  - rules:\n"
        "      - {record: a, expr: sum(up), labels: {where: here}}\n"
        "      - {record: b, expr: a / (sum(up) > 0)}\n"
        "      - {record: c, expr: sum(up)}\n"
        "      - {record: c, expr: sum by (job) (up)}\n"
        "      - {record: d, expr: c / (sum(up) > 0)}\n"
    )
    [one] = problems_of(file, capsys)
    assert one["message"].startswith("a has label 'where'")
