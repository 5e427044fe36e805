"""A gauge that is read from outside tells when it was last read, and an alert watches that time.

Why: when what is asked no longer answers, such a gauge keeps its last value, and its alerts are content.
Fix: add the gauge `<name>_updated_timestamp_seconds` to `metrics.yaml`, and an alert on its age, such as
`time() - max(<name>_updated_timestamp_seconds)`; the name may leave out its unit, as in `offset_seconds`.
"""

from collections.abc import Iterator

from config.spec.model import Metric, Project
from observability.checks.finding import Finding
from observability.checks.queries import all_queries
from observability.promql import metric_names, syntax_error
from observability.world import queries_of

_ENDING = "_updated_timestamp_seconds"


def check(project: Project) -> Iterator[Finding]:
    polled = [metric for metric in project.catalogue.metrics.values() if metric.polled]
    watched = _watched(project) if polled else None
    for gauge in polled:
        if gauge.type != "gauge":
            text = f"only a gauge is polled, and {gauge.name!r} is a {gauge.type}"
            yield Finding(gauge.where("polled"), text)
        else:
            yield from _companion(project, gauge, watched)


def _companion(project: Project, gauge: Metric, watched: set[str] | None) -> Iterator[Finding]:
    metrics = project.catalogue.metrics
    companion = next((metrics[name] for name in _names(gauge) if name in metrics), None)
    wanted = f"{{type: gauge, unit: seconds, job: {gauge.job}}}"
    if companion is None:
        text = f"nobody can tell when {gauge.name!r} was last read; add {_names(gauge)[0]}: {wanted}"
        yield Finding(gauge.where("polled"), text)
    elif (companion.type, companion.unit, companion.job) != ("gauge", "seconds", gauge.job):
        yield Finding(companion.where(), f"it tells when {gauge.name!r} was last read, so it is {wanted}")
    elif watched is not None and companion.name not in watched:
        text = f"no alert tells that {gauge.name!r} is no longer read; add one on time() - {companion.name}"
        yield Finding(gauge.where("polled"), text)


def _names(gauge: Metric) -> list[str]:
    return [gauge.name + _ENDING, gauge.name.removesuffix(f"_{gauge.unit}") + _ENDING]


def _watched(project: Project) -> set[str] | None:
    """Return every metric that the measure of an alert reads; None while a query cannot be read."""
    if any(syntax_error(text) is not None for text, _ in all_queries(project)):
        return None
    names = {alert.measure for alert in project.alerts.values()} & set(project.measures)
    return {name for query in queries_of(project, *names) for name in metric_names(query)}
