"""`tradewatch contract`: saved texts of /metrics against the catalogue of the shop, without any server."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from observability.__main__ import main
from tests.bundle_of import lay_out, replaced
from tests.observability.conftest import Check
from tests.observability.fake_prometheus import FakePrometheus

TEXT = """\
# HELP http_requests_total Requests that were answered
# TYPE http_requests_total counter
http_requests_total{code="200"} 5.0
http_requests_total{code="500"} 0.0
# HELP queue_length Parcels that wait
# TYPE queue_length gauge
queue_length 3.0
# HELP request_seconds Time to answer
# TYPE request_seconds histogram
request_seconds_bucket{le="0.1"} 1.0
request_seconds_bucket{le="1.0"} 4.0
request_seconds_bucket{le="+Inf"} 5.0
request_seconds_count 5.0
request_seconds_sum 6.5
# HELP python_info Python platform information
# TYPE python_info gauge
python_info{version="3.11"} 1.0
"""
Contract = Callable[..., tuple[int, str, str]]


@pytest.fixture
def contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Contract:
    """Return what compares texts with the shop, whose job may be its own; gives code and output."""
    monkeypatch.chdir(tmp_path)

    def run(*texts: str, ours: bool = True, extra: tuple[str, ...] = ()) -> tuple[int, str, str]:
        path = "{metrics_path: /internal/metrics}"
        own = replaced("config/scrape.yaml", path, path.replace("}", ", ours: true}"))
        lay_out(tmp_path, own if ours else None)
        names = [f"{number}.txt" for number in range(len(texts))]
        for name, text in zip(names, texts, strict=True):
            (tmp_path / name).write_text(text, "utf-8")
        code = main(["contract", "--job", "web", *names, *extra])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_where_all_is_as_the_catalogue_says_the_metrics_are_counted(contract: Contract) -> None:
    assert contract(TEXT) == (0, "web: 3 metrics of the catalogue compared\n", "")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("queue_length 3.0\n", 'queue_length{shop="a"} 3.0\n', "4:3: queue_length has the label 'shop'"),
        ("gauge\nqueue", "counter\nqueue", "4:3: queue_length is a counter of web, not a gauge"),
        ('{code="500"}', '{code="404"}', "2:3: http_requests_total has code='404', which is not among"),
        (
            'http_requests_total{code="500"} 0.0\n',
            "",
            '2:3: http_requests_total lacks the series {code="500"}',
        ),
        ('request_seconds_bucket{le="0.1"} 1.0\n', "", "6:3: request_seconds has no bucket le=0.1"),
        ('le="0.1"', 'le="0.2"', "6:3: request_seconds has a bucket le=0.2, which the catalogue lacks"),
        ("request_seconds_sum 6.5\n", "", "6:3: request_seconds is not exported by web"),
        ("5.0\nhttp", "-5.0\nhttp", "2:3: http_requests_total is less than 0, which no counter is"),
        ("Parcels that wait", "Parcels", "4:3: queue_length says of itself 'Parcels', and not what the cat"),
        ("python_info", "mood", "5:3: web exports mood, which metrics.yaml lacks; add it there"),
    ],
)
def test_each_breach_is_told_at_its_metric(contract: Contract, old: str, new: str, said: str) -> None:
    assert old in TEXT
    code, _, err = contract(TEXT.replace(old, new))
    assert code == 1
    assert said in err
    assert "[contract/metric]" in err


def test_a_time_in_milliseconds_is_told(contract: Contract, tmp_path: Path) -> None:
    metrics = (
        "  opened_timestamp_seconds: {type: gauge, unit: seconds, job: web, help: When it opened}\nevents:"
    )
    changed = replaced("config/metrics.yaml", "events:", metrics)
    for value, code in (("1.7e9", 0), ("1.7e12", 1)):
        text = f"{TEXT}opened_timestamp_seconds {value}\n"
        lay_out(tmp_path, changed)
        (tmp_path / "text.txt").write_text(text, "utf-8")
        assert main(["contract", "--job", "web", "text.txt"]) == code


def test_a_counter_may_be_called_otherwise_than_openmetrics_wants(contract: Contract, tmp_path: Path) -> None:
    metrics = "  openings: {type: counter, unit: count, job: web, help: How often it opened}\nevents:"
    lay_out(tmp_path, replaced("config/metrics.yaml", "events:", metrics))
    (tmp_path / "text.txt").write_text(f"{TEXT}# TYPE openings counter\nopenings 3\n", "utf-8")
    assert main(["contract", "--job", "web", "text.txt"]) == 0


def test_a_label_without_a_value_is_none(contract: Contract) -> None:
    assert contract(TEXT.replace("queue_length 3.0", 'queue_length{error=""} 3.0'))[0] == 0


def test_another_peoples_exporter_may_export_more_and_say_it_in_its_words(contract: Contract) -> None:
    other = TEXT.replace("Parcels that wait", "Parcels").replace("python_info", "mood")
    assert contract(other.replace('http_requests_total{code="500"} 0.0\n', ""), ours=False)[0] == 0


def test_what_has_no_series_yet_is_named_and_another_text_may_have_it(contract: Contract) -> None:
    idle = TEXT.replace("queue_length 3.0\n", "")
    waits = "without a series yet, so neither labels nor values were compared: queue_length\n"
    assert contract(idle) == (0, f"{waits}web: 3 metrics of the catalogue compared\n", "")
    assert "without" not in contract(idle, "# TYPE queue_length gauge\nqueue_length 3.0\n")[1]


def test_machines_get_the_problems(contract: Contract) -> None:
    code, out, _ = contract(TEXT.replace("queue_length", "queue"), extra=("--format", "json"))
    assert code == 1
    assert {one["check"] for one in json.loads(out)} == {"contract/metric"}


def test_standard_input_is_read(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    assert contract(extra=("-",))[0] == 0


def test_a_running_prometheus_is_asked_the_same(check: Check) -> None:
    def without_bucket(prometheus: FakePrometheus) -> None:
        prometheus.series = [one for one in prometheus.series if one.get("le") != "0.1"]

    def with_another(prometheus: FakePrometheus) -> None:
        prometheus.series.append({"__name__": "mood", "job": "web"})
        prometheus.series.append({"__name__": "scrape_duration_seconds", "job": "web"})

    path = "{metrics_path: /internal/metrics}"
    own = replaced("config/scrape.yaml", path, path.replace("}", ", ours: true}"))
    assert "6:3: request_seconds has no bucket le=0.1 [live/metric]" in check(without_bucket)[2]
    assert check(with_another)[0] == 0
    code, _, err = check(with_another, own)
    assert code == 1
    assert "web exports mood, which metrics.yaml lacks; add it there, or take it away [live/metric]" in err
    assert "scrape_duration_seconds" not in err


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (("nowhere.txt",), "nowhere.txt: No such file or directory"),
        (("http://127.0.0.1:1/metrics",), "http://127.0.0.1:1/metrics cannot be reached: "),
        (("config/scrape.yaml",), "config/scrape.yaml is no text of /metrics: "),
    ],
)
def test_what_cannot_be_read_is_wrong_usage(contract: Contract, where: tuple[str, ...], said: str) -> None:
    code, _, err = contract(extra=where)
    assert code == 2
    assert said in err
