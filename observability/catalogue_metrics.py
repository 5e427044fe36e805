"""What a catalogue tells of its metrics: the labels of their series, and what each can be."""

from collections.abc import Collection, Mapping, Set

from config.spec.model import Metric, Unit
from observability.infer import TARGET_LABELS, Lookup, Shape, exported_names

_ONE = frozenset({"the one"})  # stands for a value that nobody here needs to know


def catalogue_lookup(metrics: Mapping[str, Metric], targets: Mapping[str, Set[str]]) -> Lookup:
    """Return what knows the metrics of a catalogue, given the targets of each job; the rest is unknown."""
    known = {
        name: _exported(metric, name, targets.get(metric.job, ()))
        for metric in metrics.values()
        for name in exported_names(metric)
    }
    every = {"job": {*targets}, "instance": set().union(*targets.values())}
    known["up"] = Shape(
        type="gauge", labels=TARGET_LABELS, unit="count", values=_told({**every, "environment": _ONE})
    )

    def lookup(name: str) -> Shape:
        return known.get(name) or Shape()

    return lookup


def _exported(metric: Metric, name: str, targets: Collection[str]) -> Shape:
    values: dict[str, Collection[str]] = {
        **metric.labels,
        "job": {metric.job},
        "instance": targets,
        "environment": _ONE,
    }
    if name.endswith("_bucket") and metric.type == "histogram":
        values["le"] = [*map(str, metric.buckets), "+Inf"]
    unit: Unit = "count" if metric.type == "histogram" and not name.endswith("_sum") else metric.unit
    return Shape(
        type="counter" if metric.type == "histogram" else metric.type,
        labels=frozenset(values),
        unit=unit,
        values=_told(values),
    )


def _told(values: Mapping[str, Collection[str]]) -> dict[str, frozenset[str]]:
    """Leave out the labels of which no value is told: they can be anything."""
    return {label: frozenset(told) for label, told in values.items() if told}
