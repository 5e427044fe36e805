"""rate() comes before sum(), and an alert stands on no irate() or topk().

Why: the sum of counters falls when one restarts, and rate() takes that for growth. irate() looks at two
samples only, and topk() changes its mind: what stands on them flaps.
Fix: write `sum(rate(x[5m]))`; use rate() for irate(); aggregate with max() for topk().
"""

from collections.abc import Iterator

import promql_parser as promql

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.checks.queries import Query, readable_queries
from observability.promql import nodes

_RATES = frozenset({"rate", "irate", "increase"})
_PICKING = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})


def check(project: Project) -> Iterator[Finding]:
    for query in readable_queries(project):
        yield from check_query(query)


def check_query(query: Query) -> Iterator[Finding]:
    for node in nodes(query.tree):
        if isinstance(node, promql.Call) and node.func.name in _RATES:
            inner = node.args[0].expr if isinstance(node.args[0], promql.SubqueryExpr) else None
            if isinstance(inner, promql.AggregateExpr):
                yield Finding(query.place, f"{node.func.name}() of {inner.op}(): turn them round")
            if node.func.name == "irate" and query.is_alarming:
                yield Finding(
                    query.place, "irate() looks at two samples only; an alert on it flaps; use rate()"
                )
        if (
            isinstance(node, promql.AggregateExpr)
            and str(node.op) in _PICKING
            and query.is_alarming
            and not _picks_one(node)
        ):
            yield Finding(
                query.place, f"{node.op}() changes its mind; an alert on it flaps; use max() or min()"
            )


def _picks_one(node: promql.AggregateExpr) -> bool:
    """`topk by (labels) (1, x)` only leaves one of several equal series, as a join needs it."""
    is_one = isinstance(node.param, promql.NumberLiteral) and node.param.val == 1
    return is_one and node.modifier is not None
