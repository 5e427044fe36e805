"""The mutants of an expression."""

import pytest

from observability.infer import Shape
from observability.mutate.expressions import changes, renamed

SHAPES = {
    "orders_total": Shape(type="counter", labels=frozenset({"source", "instance"}), unit="count"),
    "failed_total": Shape(
        type="counter",
        labels=frozenset({"source", "reason", "instance"}),
        unit="count",
        values={"reason": frozenset({"refused", "timeout"})},
    ),
    "used_ratio": Shape(type="gauge", labels=frozenset({"instance"}), unit="ratio"),
    "free_bytes": Shape(type="gauge", labels=frozenset({"instance"}), unit="bytes"),
}


def made(text: str) -> dict[str, str]:
    """Return the kind of each mutant by the expression that it is."""
    return {one.expr: one.kind for one in changes(text, lambda name: SHAPES.get(name, Shape()))}


@pytest.mark.parametrize(
    ("text", "mutant", "kind"),
    [
        ("used_ratio > 0.5", "used_ratio >= 0.5", "comparison"),
        ("used_ratio > 0.5", "used_ratio < 0.5", "comparison"),
        ("used_ratio > 0.5", "used_ratio", "comparison"),
        ("used_ratio > 0.5", "used_ratio > 0.45", "threshold"),
        ("used_ratio > 0.5", "used_ratio > 0.55", "threshold"),
        ("sum(orders_total) > 2", "sum(orders_total) > 3", "threshold"),
        ("free_bytes < 0", "free_bytes < 1000000", "threshold"),
        ("used_ratio > bool 0.5", "used_ratio > 0.5", "comparison"),
        ("up and on (job) down", "up", "condition"),
        ("up and on (job) down", "up unless on (job) down", "condition"),
        ("up and on (job, instance) down", "up and on (job) down", "matching"),
        ("up unless on () down", "up and on () down", "condition"),
        ("up or down", "up", "branch"),
        ("up or down", "down", "branch"),
        ("time() - up", "up - time()", "swapped"),
        ("time() - up", "time() + up", "arithmetic"),
        ("1 - up", "2 - up", "number"),
        ("-up", "up", "sign"),
        ("sum(failed_total) / (sum(orders_total) > 0)", "sum(failed_total) / (sum(orders_total))", "guard"),
        (
            "sum(failed_total) / sum(orders_total)",
            "sum(orders_total) / sum(orders_total)",
            "metric",
        ),
        ("max(used_ratio)", "min(used_ratio)", "aggregation"),
        ("sum by (source)(orders_total)", "sum(orders_total)", "by"),
        ("sum by (source)(orders_total)", "sum by (source, instance)(orders_total)", "by"),
        ("rate(orders_total[5m])", "rate(orders_total[2m])", "window"),
        ("rate(orders_total[5m])", "rate(orders_total[10m])", "window"),
        ("rate(orders_total[5m] offset 1h)", "rate(orders_total[5m])", "offset"),
        ("rate(orders_total[5m] offset 1h)", "rate(orders_total[10m] offset 1h)", "window"),
        ("rate(orders_total[5m])", "increase(orders_total[5m])", "function"),
        ("max_over_time(up[10m:1m])", "max_over_time(up[20m:1m])", "window"),
        ("abs(used_ratio)", "used_ratio", "function"),
        ("predict_linear(free_bytes[1h], 3600)", "predict_linear(free_bytes[1h], 7200)", "number"),
        ('failed_total{reason="timeout"}', "failed_total", "matcher"),
        ('failed_total{reason="timeout"}', 'failed_total{reason!="timeout"}', "matcher"),
        ('failed_total{reason="timeout"}', 'failed_total{reason="refused"}', "matcher"),
        ('failed_total{source=~"a|b"}', 'failed_total{source!~"a|b"}', "matcher"),
    ],
)
def test_every_kind_of_change(text: str, mutant: str, kind: str) -> None:
    assert made(text).get(mutant) == kind, list(made(text))


def test_no_mutant_is_the_expression_itself_or_another_mutant() -> None:
    text = 'sum by (source)(rate(failed_total{reason="timeout"}[5m])) > 0.5 and on () up == 1'
    found = [one.expr for one in changes(text, lambda name: SHAPES.get(name, Shape()))]
    assert len(found) == len(set(found))
    assert text not in found


def test_what_can_be_one_series_only_is_not_aggregated_otherwise() -> None:
    one = {"used_ratio": Shape(type="gauge", labels=frozenset({"instance"}))}
    kinds = {change.kind for change in changes("max by (instance)(used_ratio)", lambda name: one[name])}
    assert kinds == {"by"}


def test_renaming_keeps_all_but_the_names() -> None:
    text = 'sum(rate(a:b{x="1"}[5m] offset 1h)) > 2 and on () ALERTS{alertname="Old",alertstate="firing"}'
    assert renamed(text, {"a:b": "a:c"}, {"Old": "New"}) == (
        'sum(rate(a:c{x="1"}[5m] offset 1h)) > 2 and on () ALERTS{alertname="New",alertstate="firing"}'
    )
