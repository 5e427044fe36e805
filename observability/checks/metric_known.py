"""Every metric, and every label value that a query asks for, is in the catalogue.

Why: a rule on a metric that nobody exports never fires, and nothing tells you so.
Fix: correct the name, or add the metric to `metrics.yaml`.
"""

from collections.abc import Iterator

from config.spec.model import Metric, Project
from config.spec.names import did_you_mean
from config.spec.problem import Place
from observability.checks.finding import Finding
from observability.checks.queries import readable_queries
from observability.infer import TARGET_LABELS, exported_names
from observability.names import recorded
from observability.promql import SYNTHETIC, label_matchers, selectors


def check(project: Project) -> Iterator[Finding]:
    known = {name: metric for metric in project.catalogue.metrics.values() for name in exported_names(metric)}
    measures = {recorded(project, name) for name in project.measures}
    for query in readable_queries(project):
        for name, selector in selectors(query.text):
            if name in known:
                yield from _labels(query.place, known[name], name, label_matchers(selector))
            elif name not in measures and name not in SYNTHETIC:
                near = did_you_mean(name, [*known, *measures])
                yield Finding(query.place, f"no metric named {name!r} in metrics.yaml{near}")
    for event in project.catalogue.events.values():
        for increment in event.adds:
            yield from _increment(known, increment.metric, dict(increment.labels), increment.where("metric"))


def _labels(place: Place, metric: Metric, name: str, wanted: list[tuple[str, str]]) -> Iterator[Finding]:
    labels = dict(metric.labels)
    if name.endswith("_bucket"):
        labels["le"] = ()
    for label, value in wanted:
        if label in TARGET_LABELS:
            continue
        if label not in labels:
            near = did_you_mean(label, labels)
            yield Finding(place, f"metric {name!r} has no label {label!r}{near}")
        elif labels[label] and value not in labels[label]:
            near = did_you_mean(value, labels[label])
            yield Finding(place, f"label {label!r} of {name!r} is never {value!r}{near}")


def _increment(
    known: dict[str, Metric], name: str, labels: dict[str, str], place: Place
) -> Iterator[Finding]:
    metric = known.get(name)
    if metric is None:
        yield Finding(place, f"no metric named {name!r} in metrics.yaml{did_you_mean(name, known)}")
        return
    if metric.type != "counter":
        yield Finding(place, f"an event adds to counters, and {name!r} is a {metric.type}")
    yield from _labels(place, metric, name, list(labels.items()))
    if missing := sorted(set(metric.labels) - set(labels)):
        yield Finding(place, f"label {missing[0]!r} of {name!r} is not given")
