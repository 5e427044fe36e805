"""A quantile is asked of the speed of whole buckets, as a share between 0 and 1.

Why: `histogram_quantile(0.9, sum by (job) (rate(x_bucket[5m])))` has lost the buckets with the label `le` and
returns nothing; without rate() it speaks of the whole life of the process; and 95 for 0.95 is infinite.
Fix: write `histogram_quantile(0.95, sum by (le) (rate(x_bucket[5m])))`, with the labels to keep beside `le`.
"""

from collections.abc import Iterator

import promql_parser as promql

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.checks.queries import Query, readable_queries
from observability.promql import metric_name, nodes, shown

_BUCKET = "_bucket"
_SPEEDS = frozenset({"rate", "irate", "increase", "delta"})
_CALLS = frozenset({"histogram_quantile", "quantile_over_time"})


def check(project: Project) -> Iterator[Finding]:
    for query in readable_queries(project):
        yield from check_query(query)


def check_query(query: Query) -> Iterator[Finding]:
    for node in nodes(query.tree):
        share = _share(node)
        if isinstance(share, promql.NumberLiteral) and not 0 <= share.val <= 1:
            text = f"a quantile is a share from 0 to 1, and {shown(share)} is none"
            yield Finding(query.place, f"{text}; write {share.val / 100:g}" if share.val > 1 else text)
        if isinstance(node, promql.Call) and node.func.name == "histogram_quantile":
            yield from _buckets(query, node.args[1])


def _share(node: promql.Expr) -> promql.Expr | None:
    if isinstance(node, promql.AggregateExpr) and str(node.op) == "quantile":
        return node.param
    return node.args[0] if isinstance(node, promql.Call) and node.func.name in _CALLS else None


def _buckets(query: Query, argument: promql.Expr) -> Iterator[Finding]:
    """A recorded series may be the speed already; a native histogram has no label `le`."""
    every = list(nodes(argument))
    names = [metric_name(one) for one in every if isinstance(one, promql.VectorSelector)]
    if not names or not all(name.endswith(_BUCKET) and ":" not in name for name in names):
        return
    if not any(isinstance(one, promql.Call) and one.func.name in _SPEEDS for one in every):
        yield Finding(query.place, f"{names[0]} counts from the start of the process; use rate() of it")
    for one in every:
        if isinstance(one, promql.AggregateExpr) and _loses_le(one):
            yield Finding(query.place, f"{one.op} loses label 'le', so no bucket is left; keep it by (le)")


def _loses_le(node: promql.AggregateExpr) -> bool:
    if str(node.op) in ("topk", "bottomk", "limitk", "limit_ratio"):
        return False
    if node.modifier is None:
        return True
    is_named = "le" in map(str, node.modifier.labels)
    return is_named is not (node.modifier.type == promql.AggModifierType.By)
