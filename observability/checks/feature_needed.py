"""A rule uses only functions that Prometheus has without a feature flag.

Why: Prometheus refuses to load the whole file when one expression uses an experimental function and it was
started without the flag, or a function that its version does not have.
Fix: use another function, or start every server that loads the file with
`--enable-feature=promql-experimental-functions`.
"""

from collections.abc import Iterator

import promql_parser as promql

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.checks.queries import Query, readable_queries
from observability.promql import nodes

# As of Prometheus 3.5, the release with long-term support.
_EXPERIMENTAL = frozenset(
    {"mad_over_time", "sort_by_label", "sort_by_label_desc", "info", "double_exponential_smoothing"}
    | {"ts_of_max_over_time", "ts_of_min_over_time", "ts_of_last_over_time", "limitk", "limit_ratio"}
)
_LATER = frozenset(
    {"first_over_time", "ts_of_first_over_time", "histogram_quantiles", "step", "range", "start", "end"}
    | {"min_of", "max_of"}
)


def check(project: Project) -> Iterator[Finding]:
    for query in readable_queries(project):
        yield from check_query(query)


def check_query(query: Query) -> Iterator[Finding]:
    names = [_function(node) for node in nodes(query.tree)]
    for name in dict.fromkeys(names):
        if name in _EXPERIMENTAL:
            text = f"{name}() is experimental: Prometheus refuses it without a feature flag"
            # Who writes plain rules may have set it.
            yield Finding(query.place, text, "warning" if query.known.is_guessed else "error")
        elif name in _LATER:
            yield Finding(query.place, f"Prometheus 3.5 has no {name}()", "warning")


def _function(node: promql.Expr) -> str:
    if isinstance(node, promql.Call):
        return str(node.func.name)
    return str(node.op) if isinstance(node, promql.AggregateExpr) else ""
