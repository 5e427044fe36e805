"""A counter is read through rate() or increase(), never by its value.

Why: a counter only grows, so `errors_total > 10` fires once and for ever, and falls silent at each restart.
Fix: write `increase(errors_total[1h]) > 10`, or `rate()`.
"""

from collections.abc import Iterator

import promql_parser as promql

from config.spec.model import Project
from config.spec.problem import Severity
from observability.checks.finding import Finding
from observability.checks.gauge_in_rate import FOR_GAUGES
from observability.checks.queries import Query, readable_queries
from observability.infer import ARITHMETIC
from observability.promql import children, metric_name, nodes

# What may look at a counter itself: its speed, its resets, its age, its mere presence.
_FOR_COUNTERS = frozenset(
    {"rate", "increase", "irate", "resets", "changes", "timestamp", "absent", "absent_over_time"}
    | {"present_over_time", "count_over_time", "histogram_quantile", "last_over_time"}
    | FOR_GAUGES  # gauge_in_rate tells of these
)
_COUNTING = frozenset({"count", "group"})


def check(project: Project) -> Iterator[Finding]:
    for query in readable_queries(project):
        yield from check_query(query)


def check_query(query: Query) -> Iterator[Finding]:
    for name in dict.fromkeys(_bare_counters(query, query.tree)):
        is_guess = query.known.is_guessed and name not in query.known.told
        severity: Severity = "warning" if is_guess else "error"
        what = "by its name a counter," if is_guess else "counter"
        text = f"{what} {name!r} is read by its value; use rate() or increase()"
        yield Finding(query.place, text, severity)


def _is_part_of_whole(query: Query, node: promql.BinaryExpr) -> bool:
    """Tell whether a gauge is counted against `x_total`, which then is a gauge whatever its name says."""
    if str(node.op) not in ARITHMETIC:
        return False
    read = [
        [one for one in nodes(side) if isinstance(one, promql.VectorSelector)]
        for side in (node.lhs, node.rhs)
    ]
    counters = [sum(query.known.shape(one).type == "counter" for one in side) for side in read]
    return all(read) and 0 in counters


def _bare_counters(query: Query, node: promql.Expr) -> Iterator[str]:
    if isinstance(node, promql.Call) and node.func.name in _FOR_COUNTERS:
        return
    if isinstance(node, promql.AggregateExpr) and str(node.op) in _COUNTING:
        return
    if query.known.is_guessed and isinstance(node, promql.BinaryExpr) and _is_part_of_whole(query, node):
        return
    if isinstance(node, promql.VectorSelector) and query.known.shape(node).type == "counter":
        yield metric_name(node)
    # What stands right of `unless` and `and` only says whether there is a series.
    inner = [node.lhs] if isinstance(node, promql.BinaryExpr) and str(node.op) in ("and", "unless") else None
    for child in children(node) if inner is None else inner:
        yield from _bare_counters(query, child)
