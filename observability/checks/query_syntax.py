"""Every query is valid PromQL.

Why: Prometheus refuses to load a whole rule file for one bad expression, and a panel shows only an error.
Fix: correct the expression; the message is the parser's.
"""

from collections.abc import Iterator

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.checks.queries import all_queries
from observability.promql import syntax_error


def check(project: Project) -> Iterator[Finding]:
    for query, place in all_queries(project):
        if error := syntax_error(query):
            yield Finding(place, f"not valid PromQL: {error}")
