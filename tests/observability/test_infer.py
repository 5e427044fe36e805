"""What is told of an expression without evaluating it, as Prometheus would evaluate it."""

from decimal import Decimal

import pytest

from config.spec.model import Metric
from config.spec.problem import Place
from observability.catalogue_metrics import catalogue_lookup
from observability.infer import Shape, infer
from observability.promql import parse

NOWHERE = Place("metrics.yaml", 1, 1)
METRICS = {
    "orders_total": {
        "type": "counter",
        "unit": "count",
        "labels": {"source": ("a", "b"), "side": ("x", "y", "z")},
    },
    "fails_total": {"type": "counter", "unit": "count", "labels": {"source": ("a", "b")}},
    "busy_seconds_total": {"type": "counter", "unit": "seconds", "labels": {}},
    "age_seconds": {"type": "gauge", "unit": "seconds", "labels": {"source": ("a", "b")}},
    "space_bytes": {"type": "gauge", "unit": "bytes", "labels": {}},
    "free_bytes": {"type": "gauge", "unit": "bytes", "labels": {"disk": ()}},
    "build_info": {"type": "gauge", "unit": "count", "labels": {"version": ()}},
    "wait_seconds": {
        "type": "histogram",
        "unit": "seconds",
        "labels": {},
        "buckets": (Decimal(1), Decimal(2)),
    },
}
CATALOGUE = catalogue_lookup(
    {
        name: Metric(where=lambda *at: NOWHERE, name=name, help="", job="bot", **given)  # type: ignore[arg-type]
        for name, given in METRICS.items()
    },
    {"bot": {"bot:1"}, "web": {"web:1", "web:2"}},
)
RATIO = Shape(type="gauge", labels=frozenset({"source"}), unit="ratio", series=2)
TARGET = {"job", "instance", "environment"}


def shape_of(text: str) -> Shape:
    return infer(parse(text), lambda name: RATIO if name == "shop:ratio" else CATALOGUE(name))


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("fails_total", {"source", *TARGET}),
        ("unknown", None),
        ("up", TARGET),
        ('fails_total{source=""}', TARGET),
        ('fails_total{source="a"}', {"source", *TARGET}),
        ("wait_seconds_bucket", {"le", *TARGET}),
        ("wait_seconds_count", TARGET),
        ("shop:ratio", {"source"}),
        ("-fails_total", {"source", *TARGET}),
        ("fails_total offset 5m", {"source", *TARGET}),
        # Aggregation
        ("sum(unknown)", set()),
        ("sum by (source, disk) (fails_total)", {"source"}),
        ("sum by (source) (unknown)", {"source"}),
        ("sum without (job) (fails_total)", {"source", "instance", "environment"}),
        ("sum without (job) (unknown)", None),
        ("topk(2, fails_total)", {"source", *TARGET}),
        ("topk by (source) (2, fails_total)", {"source", *TARGET}),
        ('count_values("age", fails_total)', {"age"}),
        ('count_values by (source) ("age", fails_total)', {"age", "source"}),
        ("quantile by (source) (0.9, age_seconds)", {"source"}),
        # Matching
        ("fails_total / 2", {"source", *TARGET}),
        ("2 * fails_total", {"source", *TARGET}),
        ("fails_total / age_seconds", {"source", *TARGET}),
        ("fails_total / on (source) shop:ratio", {"source"}),
        ("fails_total > on (source) shop:ratio", {"source"}),
        ("unknown / on (source) shop:ratio", {"source"}),
        ("fails_total > ignoring (job, instance, environment) shop:ratio", {"source"}),
        ("unknown > ignoring (job) shop:ratio", None),
        ("fails_total * on (job) group_left (version) build_info", {"source", "version", *TARGET}),
        ("fails_total * on (job) group_left (disk) build_info", {"source", *TARGET}),
        ("fails_total * on (job) group_left (source) build_info", TARGET),
        ("fails_total * on (job) group_left (version) unknown", {"source", "version", *TARGET}),
        ("build_info * on (job) group_right (version) fails_total", {"source", "version", *TARGET}),
        ("unknown * on (job) group_left (version) build_info", None),
        ("fails_total and on (source) shop:ratio", {"source", *TARGET}),
        ("fails_total unless on () build_info", {"source", *TARGET}),
        ("fails_total or build_info", {"source", "version", *TARGET}),
        ("fails_total or unknown", None),
        ("fails_total > bool 3", {"source", *TARGET}),
        ("3 < fails_total", {"source", *TARGET}),
        ("1 + 2", set()),
        ("1 > bool 2", set()),
        # Functions
        ("rate(fails_total[5m])", {"source", *TARGET}),
        ("histogram_quantile(0.9, rate(wait_seconds_bucket[5m]))", TARGET),
        ("histogram_quantile(0.9, sum by (le) (rate(wait_seconds_bucket[5m])))", set()),
        ('label_replace(up, "host", "$1", "instance", "(.*):.*")', {"host", *TARGET}),
        ('label_join(up, "where", "-", "job", "instance")', {"where", *TARGET}),
        ('label_join(unknown, "where", "-", "job", "instance")', None),
        ('absent(up{job="bot"})', {"job"}),
        ('absent((up{job="bot", instance=~"a.*"}))', {"job"}),
        ('absent(up{job="bot", job!="x"})', set()),
        ("absent(sum(up))", set()),
        ('absent_over_time(up{job="bot"}[5m])', {"job"}),
        ("vector(1)", set()),
        ("scalar(up)", set()),
        ("time()", set()),
        ("hour()", set()),
        ("timestamp(up)", TARGET),
        ("max_over_time(fails_total[5m])", {"source", *TARGET}),
        ("quantile_over_time(0.9, age_seconds[5m])", {"source", *TARGET}),
        ("predict_linear(free_bytes[1h], 3600)", {"disk", *TARGET}),
        ("max_over_time(sum by (source) (rate(fails_total[5m]))[1h:])", {"source"}),
        ("info(up)", None),
    ],
)
def test_labels(text: str, labels: set[str] | None) -> None:
    assert shape_of(text).labels == labels


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("rate(fails_total[5m])", "per_second"),
        ("irate(fails_total[5m])", "per_second"),
        ("rate(busy_seconds_total[5m])", "ratio"),
        ("increase(fails_total[5m])", "count"),
        ("increase(busy_seconds_total[5m])", "seconds"),
        ("rate(wait_seconds_sum[5m]) / rate(wait_seconds_count[5m])", "seconds"),
        ("increase(fails_total[5m]) / 300", None),
        ("fails_total / orders_total", "ratio"),
        ("space_bytes * 8", None),
        ("space_bytes + 8", "bytes"),
        ("space_bytes - on (job) free_bytes", "bytes"),
        ("space_bytes + age_seconds", None),
        ("time() - age_seconds", "seconds"),
        ("age_seconds - time()", "seconds"),
        ("time() - space_bytes", None),
        ("time() - 5", "seconds"),
        ("age_seconds > 5", "seconds"),
        ("5 < age_seconds", "seconds"),
        ("age_seconds > bool 5", "count"),
        ("age_seconds > on (source) shop:ratio", "seconds"),
        ("age_seconds or space_bytes", None),
        ("age_seconds and space_bytes", "seconds"),
        ("avg by (source) (age_seconds)", "seconds"),
        ("stdvar(age_seconds)", None),
        ("count(age_seconds)", "count"),
        ('count_values("age", age_seconds)', "count"),
        ("timestamp(space_bytes)", "seconds"),
        ("hour(age_seconds)", None),
        ("ln(age_seconds)", None),
        ("clamp_min(age_seconds, 1)", "seconds"),
        ("max_over_time(age_seconds[5m])", "seconds"),
        ("count_over_time(age_seconds[5m])", "count"),
        ("changes(age_seconds[5m])", "count"),
        ("stdvar_over_time(age_seconds[5m])", None),
        ("predict_linear(free_bytes[1h], 3600)", "bytes"),
        ("deriv(age_seconds[5m])", "ratio"),
        ("max_over_time(rate(fails_total[5m])[1h:1m])", "per_second"),
        ("histogram_quantile(0.9, rate(wait_seconds_bucket[5m]))", None),
        ("histogram_fraction(0, 1, unknown)", "ratio"),
        ("scalar(age_seconds)", "seconds"),
        ("vector(time())", "seconds"),
        ("absent(age_seconds)", "count"),
        ("shop:ratio", "ratio"),
        ("unknown", None),
    ],
)
def test_units(text: str, unit: str | None) -> None:
    assert shape_of(text).unit == unit


@pytest.mark.parametrize(
    ("text", "kind", "type_"),
    [
        ("fails_total", "vector", "counter"),
        ("fails_total[5m]", "matrix", "counter"),
        ("fails_total[1h:5m]", "matrix", "counter"),
        ("fails_total > 3", "vector", "counter"),
        ("fails_total > bool 3", "vector", "gauge"),
        ("fails_total * 2", "vector", "gauge"),
        ("-fails_total", "vector", "gauge"),
        ("sum(fails_total)", "vector", "gauge"),
        ("rate(fails_total[5m])", "vector", "gauge"),
        ("last_over_time(fails_total[5m])", "vector", "counter"),
        ('label_replace(fails_total, "a", "b", "job", "c")', "vector", "counter"),
        ("fails_total or orders_total", "vector", "counter"),
        ("fails_total or age_seconds", "vector", None),
        ("wait_seconds_bucket", "vector", "counter"),
        ("scalar(fails_total)", "scalar", "gauge"),
        ("time()", "scalar", "gauge"),
        ("1 + 2", "scalar", "gauge"),
        ("vector(1)", "vector", "gauge"),
        ('"text"', "string", None),
        ("unknown", "vector", None),
    ],
)
def test_kind_and_type(text: str, kind: str, type_: str | None) -> None:
    shape = shape_of(text)
    assert (shape.kind, shape.type) == (kind, type_)


@pytest.mark.parametrize(
    ("text", "series"),
    [
        ("orders_total", 6),
        ("wait_seconds_bucket", 3),
        ("free_bytes", None),
        ("sum(orders_total)", 1),
        ("sum by (source) (orders_total)", 2),
        ("sum by (source, disk) (orders_total)", 2),
        ("sum without (source) (orders_total)", 3),
        ("sum by (disk) (free_bytes)", None),
        ("max(free_bytes) by (job)", 1),
        ("sum by (source) (unknown)", None),
        ('orders_total{source="a"}', 3),
        ('orders_total{source="c"}', 3),
        ('orders_total{source=~"a|c"}', 3),
        ('orders_total{side!="x"}', 4),
        ('orders_total{side!~"x|y"}', 2),
        ('free_bytes{disk="sda"}', 1),
        ("up", 6),
        ("sum by (instance) (up)", 3),
        ("count by (job) (up)", 2),
        ('up{job="web", instance="web:1"}', 1),
        ('count_values by (source) ("n", orders_total)', 6),
        ('count_values("source", orders_total)', 6),
        ("sum by (side) (orders_total) * on () group_left (source) fails_total", 3),
        ('label_replace(sum by (source) (orders_total), "source", "x", "", "")', 2),
        ('sum by (side) (label_replace(orders_total, "side", "$1", "source", "(.*)"))', 6),
        ("histogram_quantile(0.9, wait_seconds_bucket)", 1),
        ("sum by (source, side) (orders_total) or sum by (source) (fails_total)", 8),
        ("sum by (source) (orders_total or fails_total)", 2),
        ("sum by (side) (orders_total or fails_total)", 4),
        ("sum by (side) (orders_total or unknown)", None),
        ("sum by (source) (shop:ratio)", 2),
        ("topk(2, orders_total)", 2),
        ("topk(9, orders_total)", 6),
        ("topk by (source) (2, orders_total)", 6),
        ("orders_total or fails_total", 8),
        ("orders_total or free_bytes", None),
        ("orders_total / fails_total", 2),
        ("orders_total / on (source) group_left () fails_total", 6),
        ("fails_total / on (source) group_right () orders_total", 6),
        ("orders_total > 3", 6),
        ("vector(1)", 1),
        ("absent(free_bytes)", 1),
        ("time()", 1),
    ],
)
def test_series_are_never_more_than_told(text: str, series: int | None) -> None:
    assert shape_of(text).series == series
