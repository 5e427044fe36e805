"""`tradewatch check-live` against a Prometheus with a script: each problem, and each reason for none."""

import json
import re
from pathlib import Path

import pytest

from config.spec.problem import Place
from observability.__main__ import main
from observability.live.prometheus import Prometheus
from observability.live.questions import Question
from observability.live.values import answers
from observability.promql import prettified
from observability.render import firing
from tests.bundle_of import DEPOT, lay_out, load_shop, replaced
from tests.observability.conftest import Change, Check
from tests.observability.fake_prometheus import FakePrometheus, serving

RATIO = 'sum(rate(http_requests_total{code="500"}[10m])) / (sum(rate(http_requests_total[10m])) > 0)'
QUEUE = "max by (instance) (queue_length)"
FIRING = firing.query(load_shop())
P90 = "histogram_quantile(0.9, sum by (le) (rate(request_seconds_bucket[10m])))"


def test_where_all_is_there_the_queries_are_counted(check: Check) -> None:
    code, out, err = check()
    assert (code, err) == (0, "")
    counts = r"(\d+) queries asked: \1 with values, 0 empty for a reason, 0 without an answer"
    assert re.fullmatch(counts, out.splitlines()[-1])


def answer(query: str, given: object) -> Change:
    return lambda prometheus: prometheus.answers.update({query: given})


NOTHING: list[object] = []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            answer(RATIO, NOTHING),
            "config/measures.yaml:6:12: measure error_ratio: has no value; if that can be although all is "
            "well, say `may_be_empty` [live/empty]",
        ),
        (
            answer("shop:queue_length", NOTHING),
            "config/dashboards/web.yaml:19:19: panel web/queue: has no value; if that can be although all "
            "is well, say `may_be_empty` [live/empty]",
        ),
        (
            answer(P90, "found duplicate series for the match group"),
            "config/dashboards/web.yaml:26:20: panel web/slow: found duplicate series for the match group "
            "[live/query]",
        ),
        (answer(P90, [({}, "NaN")]), "config/dashboards/web.yaml:26:20: panel web/slow: is NaN [live/nan]"),
        (
            answer(QUEUE, [({"instance": "a"}, "1"), ({"instance": "b"}, "+Inf")]),
            'config/measures.yaml:12:12: measure queue_length: is Inf in {instance="b"} [live/nan]',
        ),
        (
            answer(QUEUE, [({"pod": "a"}, "1")]),
            "config/measures.yaml:12:12: measure queue_length: has no label 'instance' [live/legend]",
        ),
        (
            answer(QUEUE, [({"instance": "a"}, "1"), ({"pod": "b"}, "1")]),
            "config/measures.yaml:12:12: measure queue_length: has no label 'instance' in {pod=\"b\"} "
            "[live/legend]",
        ),
    ],
)
def test_an_answer_that_shows_nothing_is_told_at_its_query(check: Check, given: Change, said: str) -> None:
    code, _, err = check(given)
    assert code == 1
    assert err.splitlines()[0] == said
    assert err.splitlines()[-1] == "1 problem"


def test_a_selector_that_finds_nothing_is_told_although_the_query_has_a_value(check: Check) -> None:
    failed = 'http_requests_total{code="500"}'
    code, _, err = check(answer(failed, NOTHING))
    assert code == 1
    assert err.splitlines()[0] == (
        f"config/measures.yaml:6:12: measure error_ratio: finds nothing by {failed}, which the rest of it "
        "hides [live/empty]"
    )
    excused = replaced("config/measures.yaml", "    query: sum(", "    may_be_empty: night\n    query: sum(")
    assert check(answer(failed, NOTHING), excused)[0] == 0


def test_what_fires_and_what_was_is_no_part_to_find(check: Check) -> None:
    parts = ['ALERTS{severity="critical"}', "queue_length offset 1h", "queue_length"]
    quantile = "histogram_quantile(0.9, sum by (le) (rate(request_seconds_bucket[10m])))"
    files = replaced("config/dashboards/web.yaml", quantile, f"max({' or '.join(parts)})")
    asked: list[str] = []

    def watch(prometheus: FakePrometheus) -> None:
        prometheus.asked = asked

    check(watch, files)
    assert set(parts) & set(asked) == {"queue_length"}


def test_a_measure_that_is_not_recorded_is_told_where_it_is_read(check: Check) -> None:
    code, _, err = check(answer("shop:error_ratio", NOTHING))
    assert code == 1
    assert "config/alerts/web.yaml:3:14: alert ManyErrors: has no value; " in err
    assert "config/dashboards/web.yaml:12:19: panel web/errors: has no value; " in err


@pytest.mark.parametrize(
    ("series", "said"),
    [
        ([({"shop": "a", "till": "1"}, "1"), ({"shop": "b"}, "1")], []),
        ([({"shop": "a"}, "1")], ["has no label 'till' [live/legend]"]),
        (
            [({"shop": "a", "till": "1"}, "1"), ({}, "1")],
            ["has no label 'shop' or 'till' [live/legend]"],
        ),
    ],
)
def test_a_legend_needs_each_label_somewhere_and_is_blank_nowhere(
    tmp_path: Path, series: object, said: list[str]
) -> None:
    """The legend of plain specs cannot name a label that the query does not keep, so it is asked directly."""
    question = Question(
        of="panel web/slow", query=P90, place=Place("web.yaml", 1, 1), labels=(("shop", "till"),)
    )
    prometheus = FakePrometheus(lay_out(tmp_path))
    prometheus.answers[P90] = series
    with serving(prometheus):
        (found,) = answers(Prometheus(prometheus.url), [question])
    assert [str(one).removeprefix("web.yaml:1:1: panel web/slow: ") for one in found.problems] == said


PLANNED = replaced(
    "config/metrics.yaml", "help: Parcels that wait}", "help: Parcels that wait, planned: true}"
)


def test_what_is_planned_may_be_empty_wherever_it_is_read(check: Check) -> None:
    def empty(prometheus: FakePrometheus) -> None:
        prometheus.answers |= {QUEUE: [], "shop:queue_length": []}

    code, out, err = check(empty, PLANNED)
    assert (code, err) == (0, "")
    assert (
        "empty, because nothing exports queue_length yet:\n  measure queue_length\n  panel web/queue\n" in out
    )
    assert "2 empty for a reason, 0 without an answer\n" in out


def test_what_is_exported_is_not_planned_any_more(check: Check) -> None:
    def exported(prometheus: FakePrometheus) -> None:
        prometheus.series.append({"__name__": "queue_length", "job": "web"})

    code, out, err = check(exported, PLANNED)
    assert code == 1
    assert "queue_length is exported by web although it is `planned`; take that away [live/metric]" in err
    assert out.startswith("has a value, although nothing exports queue_length yet:\n  measure queue_length\n")


def test_a_reason_of_a_measure_is_one_for_all_that_read_it(check: Check) -> None:
    files = replaced(
        "config/measures.yaml",
        "query: max by (instance) (queue_length)",
        "query: max by (instance) (queue_length)\n    may_be_empty: no shop is open",
    )

    def empty(prometheus: FakePrometheus) -> None:
        prometheus.answers |= {QUEUE: [], "shop:queue_length": []}

    code, out, _ = check(empty, files)
    assert code == 0
    assert "empty, because no shop is open:\n  measure queue_length\n  panel web/queue\n" in out


def test_a_reason_of_a_panels_query_is_its_own(check: Check) -> None:
    files = replaced("config/dashboards/web.yaml", "legend: p90}", "legend: p90, may_be_empty: nobody asked}")
    assert "empty, because nobody asked:\n  panel web/slow\n" in check(answer(P90, NOTHING), files)[1]
    code, out, _ = check(lambda _: None, files)
    assert code == 0
    assert out.startswith("has a value, although nobody asked:\n  panel web/slow\n")


def test_a_reason_excuses_nothing_but_emptiness(check: Check) -> None:
    files = replaced("config/dashboards/web.yaml", "legend: p90}", "legend: p90, may_be_empty: nobody asked}")
    code, _, err = check(answer(P90, [({}, "NaN")]), files)
    assert code == 1
    assert "panel web/slow: is NaN [live/nan]" in err


def test_what_fires_is_asked_for_its_labels_and_may_be_nothing(check: Check) -> None:
    def quiet(prometheus: FakePrometheus) -> None:
        prometheus.answers[FIRING] = NOTHING

    code, out, _ = check(quiet)
    assert code == 0
    assert "empty, because no alert fires:\n  panel web/firing\n" in out
    code, _, err = check(answer(FIRING, [({"severity": "critical", "alertname": "ManyErrors"}, "1")]))
    assert code == 1
    assert "panel web/firing: has no label 'runbook' [live/legend]" in err


def test_a_condition_that_never_meets_its_measure_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = lay_out(tmp_path, bundle=DEPOT)
    prometheus = FakePrometheus(config)
    prometheus.answers["depot:longest_queue and on () depot:closed"] = NOTHING
    with serving(prometheus):
        assert main(["check-live", "--config", str(config), "--prometheus", prometheus.url]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[0].endswith(
        "config/alerts/depot.yaml:9:24: condition of LongQueue: has no value; if that can be although all "
        "is well, say `may_be_empty` [live/empty]"
    )
    assert said[-1] == "1 problem"


def test_an_equal_query_is_sent_once(tmp_path: Path) -> None:
    config = lay_out(tmp_path)
    prometheus = FakePrometheus(config)
    with serving(prometheus):
        assert main(["check-live", "--config", str(config), "--prometheus", prometheus.url]) == 0
    assert prometheus.asked.count("shop:error_ratio") == 1


def test_a_stack_that_runs_faster_is_asked_for_its_own_windows(tmp_path: Path) -> None:
    config = lay_out(tmp_path)
    prometheus = FakePrometheus(config, time_scale=60)
    command = ["check-live", "--config", str(config), "--time-scale", "60"]
    with serving(prometheus):
        assert main([*command, "--prometheus", prometheus.url]) == 0
        assert main([*command[:3], "--prometheus", prometheus.url]) == 1
    fast = prettified(P90.replace("[10m]", "[10s]"))
    assert fast in [prettified(query) for query in prometheus.asked]


def test_machines_get_every_query_and_every_problem(check: Check) -> None:
    code, out, err = check(answer(P90, NOTHING), None, "--format", "json")
    told = json.loads(out)
    assert (code, err) == (1, "")
    assert {"of": "panel web/slow", "query": P90, "series": 0, "may_be_empty": None} in told["queries"]
    assert [problem["check"] for problem in told["problems"]] == ["live/empty"]


def test_what_is_no_prometheus_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = lay_out(tmp_path)
    prometheus = FakePrometheus(config)
    prometheus.answer = lambda *_: (200, [])  # type: ignore[method-assign]
    with serving(prometheus):
        command = ["check-live", "--config", str(config), "--prometheus", prometheus.url]
        assert main(command) == 2
    assert "answers, but not like Prometheus" in capsys.readouterr().err
    assert main(command) == 2
    assert "cannot be reached: " in capsys.readouterr().err


def test_specs_with_problems_are_not_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = lay_out(tmp_path, replaced("config/alerts/web.yaml", "panel: web/errors", "panel: web/error"))
    assert main(["check-live", "--config", str(config)]) == 2
    assert "has problems; see `tradewatch check`" in capsys.readouterr().err
