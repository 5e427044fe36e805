"""A metric has at most 1,000 series per target, and an alert fires for at most 100 series at once.

Why: label values multiply: ten by ten by eleven buckets are 1,100 series of every process, kept for weeks.
And what breaks for all at once sends a page for each.
Fix: leave out a label or some values or buckets; let the measure aggregate, so that one page tells of all.
"""

from collections.abc import Iterator, Mapping
from math import prod

from config.spec.model import Alert, Metric, Project
from config.spec.problem import Related
from observability.checks.finding import Finding
from observability.checks.queries import all_queries
from observability.infer import exported_names
from observability.promql import label_matchers, selectors, syntax_error
from observability.world import UP, queries_of

MOST_OF_METRIC = 1000
MOST_OF_ALERT = 100
_OTHER_OF_HISTOGRAM = 3  # the bucket +Inf, the sum and the count


def check(project: Project) -> Iterator[Finding]:
    for metric in project.catalogue.metrics.values():
        yield from _metric(metric)
    if all(syntax_error(text) is None for text, _ in all_queries(project)):
        metrics = {name: one for one in project.catalogue.metrics.values() for name in exported_names(one)}
        targets = {
            job: max((len(one.targets.get(job, ())) for one in project.environments.values()), default=1)
            for job in project.scrape.jobs
        }
        for alert in project.alerts.values():
            yield from _alert(project, alert, metrics, targets)


def _metric(metric: Metric) -> Iterator[Finding]:
    counts = {label: len(values) for label, values in metric.labels.items() if values}
    if metric.type == "histogram":
        counts["buckets"] = len(metric.buckets) + _OTHER_OF_HISTOGRAM
    if (series := prod(counts.values())) > MOST_OF_METRIC:
        shown = " x ".join(f"{count} {label}" for label, count in counts.items())
        text = f"{metric.name!r} has {series} series per target ({shown}); {MOST_OF_METRIC} is the most"
        yield Finding(metric.where(), text, "warning")


def _alert(
    project: Project, alert: Alert, metrics: Mapping[str, Metric], targets: Mapping[str, int]
) -> Iterator[Finding]:
    measure = project.measures.get(alert.measure)
    if measure is None or not measure.by:
        return
    known = [_known(query, metrics, targets) for query in queries_of(project, measure.name)]
    # A label that nobody has counted may have one value, which is never too many.
    counts = {label: max((one.get(label, 1) for one in known), default=1) for label in measure.by}
    if (series := prod(counts.values())) > MOST_OF_ALERT:
        shown = " x ".join(f"{count} {label}" for label, count in counts.items())
        text = f"{alert.name} may fire {series} times at once ({shown}); {MOST_OF_ALERT} is the most"
        related = (Related(measure.where("by"), "one alert for each of these"),)
        yield Finding(alert.where("measure"), text, related=related)


def _known(query: str, metrics: Mapping[str, Metric], targets: Mapping[str, int]) -> dict[str, int]:
    """Return how many values each label may have in a query, as far as the catalogue can tell."""
    counts: dict[str, int] = {}
    for name, selector in selectors(query):
        asked = dict(label_matchers(selector))
        if name in metrics:
            metric = metrics[name]
            found = {label: len(values) for label, values in metric.labels.items() if values}
            found["instance"] = targets.get(metric.job, 1)
        elif name == UP:
            jobs = [asked["job"]] if "job" in asked else list(targets)
            found = {"job": len(jobs), "instance": sum(targets.get(job, 1) for job in jobs)}
        else:
            continue
        for label, count in found.items():
            counts[label] = max(counts.get(label, 1), 1 if label in asked else count)
    return counts
