"""What a running Prometheus has loaded and scrapes, against what the specs say of it."""

import pytest

from tests.observability.conftest import Change, Check
from tests.observability.fake_prometheus import FakePrometheus


def rule(**changes: object) -> Change:
    return lambda prometheus: prometheus.rule("ManyErrors", severity="warning").update(changes)


def without_measures(prometheus: FakePrometheus) -> None:
    del prometheus.groups[0]["rules"][1:]


def with_another(prometheus: FakePrometheus) -> None:
    one = prometheus.rule("ManyErrors", severity="warning")
    prometheus.groups[1]["rules"].append({**one, "name": "FewErrors"})


def of_another_file(prometheus: FakePrometheus) -> None:
    one = prometheus.rule("ManyErrors", severity="warning")
    prometheus.groups.append({"name": "of others", "rules": [{**one, "name": "FewErrors"}]})


MEASURE = "config/measures.yaml:12:12: rule shop:queue_length "
WARNING = "config/alerts/web.yaml:5:7: rule ManyErrors (severity=warning) "
LOAD = "let Prometheus load the new files [live/rule]"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without_measures, f"{MEASURE}is not loaded; {LOAD}"),
        (rule(query="shop:error_ratio > 0.2"), f"{WARNING}is loaded with another query; {LOAD}"),
        (rule(duration=60), f"{WARNING}is loaded with another `for`; {LOAD}"),
        (rule(keepFiringFor=60), f"{WARNING}is loaded with another `keep_firing_for`; {LOAD}"),
        (rule(annotations={}), f"{WARNING}is loaded with other annotations; {LOAD}"),
        (rule(health="err", lastError="many-to-many"), f"{WARNING}is err: many-to-many [live/rule]"),
        (rule(health="unknown"), f"{WARNING}is unknown: it was not evaluated yet [live/rule]"),
        (
            with_another,
            "config/scrape.yaml:1:1: rule FewErrors (severity=warning) is loaded, but no spec makes it; "
            "load the new files [live/rule]",
        ),
    ],
)
def test_a_rule_that_is_not_loaded_as_it_was_made_is_told_at_its_spec(
    check: Check, change: Change, said: str
) -> None:
    code, _, err = check(change)
    assert code == 1
    assert err.splitlines()[0] == said
    assert err.splitlines()[-1] == "1 problem"


def test_rules_of_other_people_are_theirs(check: Check) -> None:
    assert check(of_another_file)[0] == 0


def test_a_rule_as_prometheus_writes_it_is_the_same(check: Check) -> None:
    def rewrite(prometheus: FakePrometheus) -> None:
        rule = prometheus.rule("shop:error_ratio")
        rule["query"] = rule["query"].replace("[10m]", "[600s]").replace(" / ", "/").replace('"500"', "'500'")

    assert check(rewrite)[0] == 0


def no_target(prometheus: FakePrometheus) -> None:
    prometheus.targets.clear()


def down(prometheus: FakePrometheus) -> None:
    prometheus.targets[0].update(health="down", lastError="connection refused")


def new(prometheus: FakePrometheus) -> None:
    prometheus.targets[0].update(health="unknown")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (no_target, "Prometheus has no target of the job web"),
        (down, "web: one:80 is down: connection refused"),
        (new, "web: one:80 is unknown: it was not scraped yet"),
    ],
)
def test_a_job_that_is_not_scraped_is_told(check: Check, change: Change, said: str) -> None:
    code, _, err = check(change)
    assert code == 1
    assert err.splitlines()[0] == f"config/scrape.yaml:5:3: {said} [live/target]"


def scraped(name: str, **labels: str | None) -> Change:
    """Return what changes the labels of a metric's series; None takes one away."""

    def change(prometheus: FakePrometheus) -> None:
        for series in prometheus.metric(name):
            series.update({label: value for label, value in labels.items() if value})
            for label in [label for label, value in labels.items() if value is None]:
                del series[label]

    return change


def typed(name: str, kind: str) -> Change:
    return lambda prometheus: prometheus.types.update({name: kind})


def not_exported(name: str) -> Change:
    return lambda prometheus: prometheus.series.remove(prometheus.metric(name)[0])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            not_exported("queue_length"),
            "4:3: queue_length is not exported by web; correct the name, or say `planned: true`",
        ),
        (
            not_exported("request_seconds_sum"),
            "6:3: request_seconds is not exported by web; correct the name, or say `planned: true`",
        ),
        (typed("queue_length", "counter"), "4:3: queue_length is a counter of web, not a gauge"),
        (
            scraped("queue_length", shop="a"),
            "4:3: queue_length has the label 'shop', which the catalogue lacks",
        ),
        (scraped("http_requests_total", code=None), "2:3: http_requests_total has no label 'code'"),
        (
            scraped("http_requests_total", code="404"),
            "2:3: http_requests_total has code='404', which is not among the values of the catalogue",
        ),
    ],
)
def test_a_metric_that_is_not_as_the_catalogue_says_is_told(check: Check, change: Change, said: str) -> None:
    code, _, err = check(change)
    assert code == 1
    assert err.splitlines()[0] == f"config/metrics.yaml:{said} [live/metric]"
    assert err.splitlines()[-1] == "1 problem"


@pytest.mark.parametrize("kind", ["unknown", "untyped"])
def test_a_type_that_no_exporter_tells_is_no_other_one(check: Check, kind: str) -> None:
    assert check(typed("queue_length", kind))[0] == 0


def test_openmetrics_tells_a_counter_without_the_end_of_its_name(check: Check) -> None:
    def told(kind: str) -> Change:
        def change(prometheus: FakePrometheus) -> None:
            del prometheus.types["http_requests_total"]
            prometheus.types["http_requests"] = kind

        return change

    assert check(told("counter"))[0] == 0
    assert "http_requests_total is a gauge of web" in check(told("gauge"))[2]
