"""What is added or compared has the same unit, and a share is compared with at most 1.

Why: `errors / requests > 5` meant as five percent never fires, and seconds compared with a rate say nothing.
Fix: write 0.05 for 5 %; bring both sides to one unit.
"""

from collections.abc import Iterator

import promql_parser as promql

from config.spec.model import Project, Unit
from observability.checks.finding import Finding
from observability.checks.queries import Query, alarms, readable_queries
from observability.infer import COMPARISONS
from observability.promql import metric_name, nodes, shown

_ALIKE = COMPARISONS | {"+", "-"}
_RISING = frozenset({">", ">=", "=="})


def check(project: Project) -> Iterator[Finding]:
    for query in readable_queries(project):
        yield from check_query(query)
    for alarm in alarms(project):
        yield from check_query(alarm.query)


def check_query(query: Query) -> Iterator[Finding]:
    for node in nodes(query.tree):
        if isinstance(node, promql.BinaryExpr) and str(node.op) in _ALIKE:
            left, right = query.known.shape(node.lhs).unit, query.known.shape(node.rhs).unit
            if left is not None and right is not None and not _are_alike(left, right):
                sides = f"{shown(node.lhs)} is {_word(left)} and {shown(node.rhs)} is {_word(right)}"
                yield Finding(query.place, f"{sides}; bring them to one unit")
            elif str(node.op) in _RISING and _is_share(query, node.lhs) and _number(node.rhs) > 1:
                yield Finding(
                    query.place,
                    f"{shown(node.lhs)} is a share, never above 1; compared with {shown(node.rhs)}",
                )


def _are_alike(left: Unit, right: Unit) -> bool:
    """Seconds of work per second are a ratio, and as well a count of workers."""
    return left == right or {left, right} == {"ratio", "count"}


def _is_share(query: Query, node: promql.Expr) -> bool:
    """Tell whether the value is a part of a whole: named a ratio, or a metric divided by itself."""
    while isinstance(node, promql.ParenExpr):
        node = node.expr
    if isinstance(node, promql.VectorSelector):
        return metric_name(node).endswith("ratio") and query.known.shape(node).unit == "ratio"
    if not isinstance(node, promql.BinaryExpr) or str(node.op) != "/":
        return False
    parts = [
        [one for one in nodes(side) if isinstance(one, promql.VectorSelector)]
        for side in (node.lhs, node.rhs)
    ]
    if any(len(side) != 1 or side[0].offset is not None for side in parts):
        return False
    [[part], [whole]] = parts
    # The whole has none of the matchers that make the part.
    is_part = len(part.matchers.matchers) > len(whole.matchers.matchers)
    return is_part and metric_name(part) == metric_name(whole) and _plain(node.lhs) and _plain(node.rhs)


def _plain(side: promql.Expr) -> bool:
    """Tell whether nothing but sums and speeds stands between the metric and the division."""
    return not any(
        (isinstance(one, promql.BinaryExpr) and str(one.op) not in COMPARISONS)
        or (isinstance(one, promql.AggregateExpr) and str(one.op) != "sum")
        for one in nodes(side)
    )


def _number(node: promql.Expr) -> float:
    return float(node.val) if isinstance(node, promql.NumberLiteral) else 0.0


def _word(unit: Unit) -> str:
    return {"count": "a count", "ratio": "a ratio", "per_second": "per second"}.get(unit, f"in {unit}")
