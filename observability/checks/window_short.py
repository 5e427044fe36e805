"""A window holds at least four scrapes.

Why: rate() needs two samples; in a window of two scrapes one that fails leaves it empty: silence.
Fix: make the window four times the scrape interval or longer.
"""

from collections.abc import Iterator

import promql_parser as promql

from config.spec.duration import Duration
from config.spec.model import Project
from observability.checks.finding import Finding
from observability.checks.queries import Query, readable_queries
from observability.promql import length_of, nodes

SCRAPES = 4
_NEEDING_SAMPLES = frozenset({"rate", "increase", "irate", "delta", "idelta", "deriv", "predict_linear"})


def check(project: Project) -> Iterator[Finding]:
    for query in readable_queries(project):
        yield from check_query(query)


def check_query(query: Query) -> Iterator[Finding]:
    least = Duration(SCRAPES * query.known.scrape_interval.milliseconds)
    for node in nodes(query.tree):
        if isinstance(node, promql.Call) and node.func.name in _NEEDING_SAMPLES:
            window = length_of(node.args[0])
            if window is not None and window < least:
                text = f"a window of {window} holds fewer than {SCRAPES} scrapes; make it {least} or longer"
                yield Finding(query.place, text)
