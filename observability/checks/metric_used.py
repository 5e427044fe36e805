"""Every metric of the catalogue is read by a measure or by a panel.

Why: a metric that nobody looks at costs memory, and whoever finds it takes the thing for watched.
Fix: read it in a measure or a panel, or take it out of `metrics.yaml`.
"""

from collections.abc import Iterator

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.checks.queries import all_queries
from observability.infer import exported_names
from observability.promql import metric_names, syntax_error


def check(project: Project) -> Iterator[Finding]:
    if any(syntax_error(text) is not None for text, _ in all_queries(project)):
        return  # nobody knows what that one reads
    read = {name for text, _ in all_queries(project) for name in metric_names(text)}
    for metric in project.catalogue.metrics.values():
        if read.isdisjoint(exported_names(metric)):
            yield Finding(metric.where(), f"no measure and no panel reads {metric.name!r}", "warning")
