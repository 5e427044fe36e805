"""Compares the catalogue with what the exporters export: is it there, of that type, with those labels?"""

from collections.abc import Iterator, Sequence

from config.spec.model import Metric, Project
from config.spec.problem import Problem
from observability.infer import TARGET_LABELS, exported_names
from observability.live.prometheus import Prometheus, Series

_UNTOLD = frozenset({"unknown", "untyped", ""})  # some exporters tell no type


def metric_problems(project: Project, prometheus: Prometheus) -> Iterator[Problem]:
    """Yield what the catalogue says of each metric and the latest scrape does not show."""
    for job in project.scrape.jobs:
        metrics = [metric for metric in project.catalogue.metrics.values() if metric.job == job]
        names = "|".join(name for metric in metrics for name in exported_names(metric))
        if not metrics:
            continue
        found: dict[str, list[Series]] = {}
        for one in prometheus.query(f'{{job="{job}",__name__=~"{names}"}}'):
            found.setdefault(one.labels["__name__"], []).append(one)
        types = prometheus.types(job)
        for metric in metrics:
            for text in _wrong(metric, found, types):
                yield Problem(metric.where(), f"{metric.name} {text}", "live/metric")


def _wrong(metric: Metric, found: dict[str, list[Series]], types: dict[str, str]) -> Iterator[str]:
    missing = [name for name in exported_names(metric) if name not in found]
    if metric.planned:
        if not missing:
            yield f"is exported by {metric.job} although it is `planned`; take that away"
        return
    if missing:
        yield f"is not exported by {metric.job}; correct the name, or say `planned: true`"
        return
    # OpenMetrics tells the type of a counter without the end of its name.
    kind = types.get(metric.name) or types.get(metric.name.removesuffix("_total"), "")
    if kind not in _UNTOLD and kind != metric.type:
        yield f"is a {kind} of {metric.job}, not a {metric.type}"
    yield from _labels(metric, [one for name in exported_names(metric) for one in found[name]])


def _labels(metric: Metric, series: Sequence[Series]) -> Iterator[str]:
    own = {"__name__", "le"} if metric.type == "histogram" else {"__name__"}
    real = {label for one in series for label in one.labels} - TARGET_LABELS - own
    for label in sorted(real - metric.labels.keys()):
        yield f"has the label {label!r}, which the catalogue lacks"
    for label, values in metric.labels.items():
        if label not in real:
            yield f"has no label {label!r}"
        seen = {one.labels[label] for one in series if label in one.labels}
        if values and (unknown := sorted(seen - set(values))):
            yield f"has {label}={unknown[0]!r}, which is not among the values of the catalogue"
