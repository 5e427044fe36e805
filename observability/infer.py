"""What an expression evaluates to, told from its tree and the catalogue: kind, type, labels, unit, series.

None means "not known", never "nothing": a check that asks speaks only of what is known.
"""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field, replace
from math import prod
from typing import Literal

import promql_parser as promql

from config.spec.model import Metric, MetricType, Unit
from observability.promql import admits, metric_name

Kind = Literal["scalar", "vector", "matrix", "string"]
# What the scrape configuration puts on every series: `environment` is the name of the environment.
TARGET_LABELS = frozenset({"job", "instance", "environment"})
HISTOGRAM_SUFFIXES = ("_bucket", "_count", "_sum")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What is known of a value: the labels that its series may carry, and how many there are at most.

    `values` has all that a label can be, `""` if it may be missing; what is not in it can be anything.
    """

    kind: Kind = "vector"
    type: MetricType | None = None
    labels: frozenset[str] | None = None
    unit: Unit | None = None
    series: int | None = None
    values: Mapping[str, Set[str]] = field(default_factory=dict)

    @property
    def pinned(self) -> frozenset[str]:
        """The labels that can be one thing only, and so tell no series from another."""
        return frozenset(label for label, values in self.values.items() if len(values) == 1)


SCALAR = Shape(kind="scalar", type="gauge", labels=frozenset(), series=1)
Lookup = Callable[[str], Shape]


def exported_names(metric: Metric) -> list[str]:
    """Return the names of the series that a metric has; a histogram has three."""
    suffixes = HISTOGRAM_SUFFIXES if metric.type == "histogram" else ("",)
    return [metric.name + suffix for suffix in suffixes]


def infer(node: promql.Expr, lookup: Lookup) -> Shape:
    """Return the shape of an expression."""
    shape = _inferred(node, lookup)
    if shape.labels is None:
        return shape
    # There are no more series than what is known of their labels makes, multiplied.
    values = {label: told for label, told in shape.values.items() if label in shape.labels}
    counts = [shape.series] if shape.series is not None else []
    if len(values) == len(shape.labels):
        counts.append(prod(map(len, values.values())))
    return replace(shape, values=values, series=min(counts, default=None))


def _inferred(node: promql.Expr, lookup: Lookup) -> Shape:
    match node:
        case promql.VectorSelector():
            return _selected(node, lookup(metric_name(node)))
        case promql.MatrixSelector():
            return replace(infer(node.vector_selector, lookup), kind="matrix")
        case promql.SubqueryExpr():
            return replace(infer(node.expr, lookup), kind="matrix")
        case promql.ParenExpr():
            return infer(node.expr, lookup)
        case promql.UnaryExpr():
            return replace(infer(node.expr, lookup), type="gauge")
        case promql.AggregateExpr():
            return _aggregate(node, infer(node.expr, lookup))
        case promql.BinaryExpr():
            return _binary(node, infer(node.lhs, lookup), infer(node.rhs, lookup))
        case promql.Call():
            return _call(node, [infer(argument, lookup) for argument in node.args])
        case promql.StringLiteral():
            return Shape(kind="string")
    return SCALAR


def _selected(node: promql.VectorSelector, shape: Shape) -> Shape:
    """A label that must equal nothing is not there."""
    matchers = node.matchers.matchers
    gone = {m.name for m in matchers if m.op == promql.MatchOp.Equal and not m.value}
    values = dict(shape.values)
    for matcher in matchers:
        name = str(matcher.name)
        if matcher.op == promql.MatchOp.Equal:
            values[name] = frozenset({str(matcher.value)})
        elif name in values and name not in TARGET_LABELS:
            values[name] = frozenset(value for value in values[name] if admits(matcher, value))
    labels = None if shape.labels is None else shape.labels - gone
    return replace(shape, labels=labels, values=values)


# Aggregations that pick whole series and so keep their labels.
_PICKING = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
_COUNTING = frozenset({"count", "group", "count_values"})


def _aggregate(node: promql.AggregateExpr, inner: Shape) -> Shape:
    operation = str(node.op)
    if operation in _PICKING:
        return replace(inner, type="gauge", series=_picked(node, inner.series))
    labels = kept_labels(node, inner.labels)
    if operation == "count_values":
        new = str(node.param.val) if isinstance(node.param, promql.StringLiteral) else ""
        labels = labels | {new} if labels is not None and new else labels
        return Shape(
            type="gauge", labels=labels, unit="count", series=inner.series, values=_without(inner, new)
        )
    unit: Unit | None = "count" if operation in _COUNTING else inner.unit
    return Shape(
        type="gauge",
        labels=labels,
        unit=None if operation == "stdvar" else unit,
        series=inner.series,
        values=inner.values,
    )


def _without(shape: Shape, *labels: str) -> dict[str, Set[str]]:
    return {label: told for label, told in shape.values.items() if label not in labels}


def _picked(node: promql.AggregateExpr, series: int | None) -> int | None:
    """topk(3, x) leaves three; topk by (label) leaves three for each."""
    if node.modifier is None and isinstance(node.param, promql.NumberLiteral) and node.param.val >= 1:
        count = int(node.param.val)
        return count if series is None else min(count, series)
    return series


def kept_labels(node: promql.AggregateExpr, labels: frozenset[str] | None) -> frozenset[str] | None:
    """Return the labels that an aggregation leaves."""
    if node.modifier is None:
        return frozenset()
    named = frozenset(map(str, node.modifier.labels))
    if node.modifier.type == promql.AggModifierType.By:
        return named if labels is None else named & labels
    return None if labels is None else labels - named


ARITHMETIC = frozenset({"+", "-", "*", "/", "%", "^", "atan2"})
COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})


def _binary(node: promql.BinaryExpr, left: Shape, right: Shape) -> Shape:
    operation = str(node.op)
    if left.kind == "scalar" and right.kind == "scalar":
        return replace(SCALAR, unit=_unit_of(operation, left, right))
    if operation in ("and", "unless"):
        return left
    if operation == "or":
        return _either(left, right)
    unit = left.unit if operation in COMPARISONS else _unit_of(operation, left, right)
    if operation in COMPARISONS and node.modifier is not None and node.modifier.return_bool:
        unit, filters = "count", False
    else:
        filters = operation in COMPARISONS
    if left.kind == "scalar" or right.kind == "scalar":
        vector = right if left.kind == "scalar" else left
        return replace(vector, unit=vector.unit) if filters else replace(vector, type="gauge", unit=unit)
    return Shape(
        type=left.type if filters else "gauge",
        labels=matched_labels(node, left.labels, right.labels),
        unit=unit,
        series=_matched_series(node, left.series, right.series),
        values=_matched_values(node, left, right),
    )


def _either(left: Shape, right: Shape) -> Shape:
    """`or` gives the left side, and of the right what the left has not."""
    return Shape(
        type=left.type if left.type == right.type else None,
        labels=None if left.labels is None or right.labels is None else left.labels | right.labels,
        unit=left.unit if left.unit == right.unit else None,
        series=None if left.series is None or right.series is None else left.series + right.series,
        values=_values_of_either(left, right),
    )


def _values_of_either(left: Shape, right: Shape) -> dict[str, Set[str]]:
    """A label that one side has not may be missing."""
    told: dict[str, Set[str]] = {}
    for label in left.values.keys() | right.values.keys():
        sides = [
            one.values.get(label, {""} if one.labels is not None and label not in one.labels else set())
            for one in (left, right)
        ]
        if all(sides):
            told[label] = frozenset().union(*sides)
    return told


def matched_labels(
    node: promql.BinaryExpr, left: frozenset[str] | None, right: frozenset[str] | None
) -> frozenset[str] | None:
    """Return the labels of what arithmetic or a comparison makes of two vectors."""
    modifier = node.modifier
    if modifier is None:
        return left
    if modifier.card != promql.VectorMatchCardinality.OneToOne:
        is_left = modifier.card == promql.VectorMatchCardinality.ManyToOne
        many, one = (left, right) if is_left else (right, left)
        given = frozenset(map(str, modifier.group_labels or ()))
        # A label that the one side has not is taken from the many.
        return None if many is None else (many - given) | (given if one is None else given & one)
    if modifier.matching is None:
        return left
    named = frozenset(map(str, modifier.matching.labels))
    if modifier.matching.type == promql.LabelModifierType.Include:
        return named if left is None else named & left
    return None if left is None else left - named


def _matched_series(node: promql.BinaryExpr, left: int | None, right: int | None) -> int | None:
    """One to one there are no more than on the smaller side; else as many as on the many's."""
    card = None if node.modifier is None else node.modifier.card
    if card == promql.VectorMatchCardinality.ManyToOne:
        return left
    if card == promql.VectorMatchCardinality.OneToMany:
        return right
    return min((count for count in (left, right) if count is not None), default=None)


def _matched_values(node: promql.BinaryExpr, left: Shape, right: Shape) -> Mapping[str, Set[str]]:
    """What the labels of the many can be; those that group_left() and group_right() name are the other's."""
    modifier = node.modifier
    if modifier is None or modifier.card == promql.VectorMatchCardinality.OneToOne:
        return left.values
    is_left = modifier.card == promql.VectorMatchCardinality.ManyToOne
    many, one = (left, right) if is_left else (right, left)
    given = frozenset(map(str, modifier.group_labels or ()))
    return {**_without(many, *given), **{name: one.values[name] for name in given & one.values.keys()}}


def _unit_of(operation: str, left: Shape, right: Shape) -> Unit | None:
    numbers = [side for side in (left, right) if side.kind == "scalar" and side.unit is None]
    if numbers:
        # A bare number has no unit: a factor may change the unit, a summand does not.
        return (left if numbers[0] is right else right).unit if operation in ("+", "-", "%") else None
    if operation in ("+", "-", "%"):
        return left.unit if left.unit == right.unit else None
    return _QUOTIENTS.get((left.unit, right.unit)) if operation == "/" else None


_UNITS: tuple[Unit, ...] = ("ratio", "count", "seconds", "per_second", "bytes", "usdt")
# Seconds per second over events per second are the seconds of one event.
_QUOTIENTS: Mapping[tuple[Unit | None, Unit | None], Unit] = {
    **{(unit, unit): "ratio" for unit in _UNITS},
    ("ratio", "per_second"): "seconds",
    ("count", "seconds"): "per_second",
}
_PER_SECOND: Mapping[Unit, Unit] = {"count": "per_second", "seconds": "ratio"}
_RATES = frozenset({"rate", "irate", "deriv"})
_COUNTS = frozenset({"count_over_time", "changes", "resets"})
# What else changes the number changes its unit too, or nobody knows.
_KEEPING_UNIT = frozenset(
    {"abs", "ceil", "floor", "round", "clamp", "clamp_min", "clamp_max", "increase", "delta", "idelta"}
    | {"sort", "sort_desc", "sort_by_label", "sort_by_label_desc", "predict_linear", "holt_winters"}
    | {
        f"{name}_over_time"
        for name in ("avg", "min", "max", "sum", "last", "first", "quantile", "stddev", "mad")
    }
    | {"double_exponential_smoothing"}
)


def _call(node: promql.Call, arguments: list[Shape]) -> Shape:
    name = str(node.func.name)
    if name in ("time", "pi", "scalar"):
        return replace(SCALAR, unit="seconds" if name == "time" else arguments[0].unit if arguments else None)
    if name == "vector":
        return Shape(type="gauge", labels=frozenset(), unit=arguments[0].unit, series=1)
    if name in ("absent", "absent_over_time"):
        return Shape(type="gauge", labels=_absent_labels(node.args[0]), unit="count", series=1)
    vectors = [shape for shape in arguments if shape.kind in ("vector", "matrix")]
    if not vectors:
        return Shape(type="gauge", labels=frozenset(), series=1)
    inner = replace(vectors[0], kind="vector", type="gauge")
    if name in ("label_replace", "label_join"):
        labels = _with_label(inner.labels, node.args[1])
        new = str(getattr(node.args[1], "val", ""))
        return replace(inner, type=vectors[0].type, labels=labels, values=_without(inner, new))
    if name in ("histogram_quantile", "histogram_fraction"):
        labels = None if inner.labels is None else inner.labels - {"le"}
        return replace(inner, labels=labels, unit="ratio" if name == "histogram_fraction" else None)
    if name == "info":
        return replace(inner, labels=None, unit=vectors[0].unit)
    if name in ("last_over_time", "sort", "sort_desc", "abs", "ceil", "floor", "round"):
        return replace(inner, type=vectors[0].type)
    return replace(inner, unit=_unit_of_call(name, inner.unit))


def _unit_of_call(name: str, unit: Unit | None) -> Unit | None:
    if name in _RATES:
        return _PER_SECOND.get(unit) if unit else None
    if name in _COUNTS:
        return "count"
    if name == "timestamp":
        return "seconds"
    return unit if name in _KEEPING_UNIT else None


def _with_label(labels: frozenset[str] | None, name: promql.Expr) -> frozenset[str] | None:
    return labels | {str(name.val)} if labels is not None and isinstance(name, promql.StringLiteral) else None


def _absent_labels(argument: promql.Expr) -> frozenset[str] | None:
    """Only the labels that a plain selector wants equal, and says no more of, come out of absent()."""
    while isinstance(argument, promql.ParenExpr):
        argument = argument.expr
    selector = argument.vector_selector if isinstance(argument, promql.MatrixSelector) else argument
    if not isinstance(selector, promql.VectorSelector):
        return frozenset()
    kept: set[str] = set()
    for matcher in selector.matchers.matchers:
        if matcher.op == promql.MatchOp.Equal and matcher.name not in kept:
            kept.add(str(matcher.name))
        else:
            kept.discard(str(matcher.name))
    return frozenset(kept) - {"__name__"}
