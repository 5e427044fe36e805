"""A metric has at most 1,000 series per target, and an alert fires for at most 100 series at once.

Why: label values multiply: ten by ten by eleven buckets are 1,100 series of every process, kept for weeks.
And what breaks for all at once sends a page for each.
Fix: leave out a label or some values or buckets; let the measure aggregate, so that one page tells of all.
"""

from collections.abc import Iterator
from math import prod

from config.spec.model import Alert, Measure, Metric, Project
from config.spec.problem import Related
from observability.checks.finding import Finding
from observability.checks.queries import known_of
from observability.infer import Shape
from observability.names import recorded

MOST_OF_METRIC = 1000
MOST_OF_ALERT = 100
_OTHER_OF_HISTOGRAM = 3  # the bucket +Inf, the sum and the count


def check(project: Project) -> Iterator[Finding]:
    for metric in project.catalogue.metrics.values():
        yield from _metric(metric)
    lookup = known_of(project).lookup
    for alert in project.alerts.values():
        if measure := project.measures.get(alert.measure):
            yield from _alert(alert, measure, lookup(recorded(project, measure.name)))


def _metric(metric: Metric) -> Iterator[Finding]:
    counts = {label: len(values) for label, values in metric.labels.items() if values}
    if metric.type == "histogram":
        counts["buckets"] = len(metric.buckets) + _OTHER_OF_HISTOGRAM
    if (series := prod(counts.values())) > MOST_OF_METRIC:
        shown = " x ".join(f"{count} {label}" for label, count in counts.items())
        text = f"{metric.name!r} has {series} series per target ({shown}); {MOST_OF_METRIC} is the most"
        yield Finding(metric.where(), text, "warning")


def _alert(alert: Alert, measure: Measure, shape: Shape) -> Iterator[Finding]:
    # A label that can be anything may be one thing only, which is never too many.
    counts = {label: len(shape.values.get(label, "1")) for label in measure.by}
    series = prod(counts.values())
    shown = " x ".join(f"{count} {label}" for label, count in counts.items())
    if shape.series is not None and shape.series < series:
        series, shown = shape.series, f"of {shown}"
    if series > MOST_OF_ALERT:
        text = f"{alert.name} may fire {series} times at once ({shown}); {MOST_OF_ALERT} is the most"
        related = (Related(measure.where("by"), "one alert for each of these"),)
        yield Finding(alert.where("measure"), text, related=related)
