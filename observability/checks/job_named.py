"""A metric that every exporter has is asked of one job, or the job stays in the result.

Why: `up`, `process_…`, `go_…` and `scrape_…` come from each target; `max(process_open_fds)` meant for one
service speaks of whichever has most.
Fix: write `up{job="web"}`, or keep `job` in the aggregation.
"""

from collections.abc import Iterator

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.checks.queries import readable_queries
from observability.promql import selectors

# What the client libraries and Prometheus itself add to whatever is exported.
_EVERYWHERE = ("process_", "go_", "python_", "promhttp_", "scrape_")
_JOB = "job"


def check(project: Project) -> Iterator[Finding]:
    for query in readable_queries(project):
        labels = query.known.shape(query.tree).labels
        if labels is None or _JOB in labels:
            continue
        for name, selector in selectors(query.text):
            is_common = name == "up" or name.startswith(_EVERYWHERE)
            if is_common and all(matcher.name != _JOB for matcher in selector.matchers.matchers):
                yield Finding(query.place, f"every job exports {name!r}: say which, as in {name}{{job=…}}")
