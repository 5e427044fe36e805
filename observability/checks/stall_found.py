"""A rate that is compared with 0 is accompanied by absent().

Why: `rate(x[5m]) == 0` returns nothing when the series is gone, so the worst stall of all is silent.
Fix: add `or absent(x)`, or let another alert watch the job and say so.
"""

from collections.abc import Iterator

import promql_parser as promql

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.checks.queries import Query, readable_queries
from observability.promql import nodes, shown

_RATES = frozenset({"rate", "increase", "irate", "delta", "changes"})


def check(project: Project) -> Iterator[Finding]:
    for query in readable_queries(project):
        yield from check_query(query)


def check_query(query: Query) -> Iterator[Finding]:
    every = list(nodes(query.tree))
    has_absent = any(
        isinstance(node, promql.Call) and str(node.func.name).startswith("absent") for node in every
    )
    joined = {shown(node) for node in _joined(every, is_plain=query.known.is_guessed)}
    for node in every:
        if shown(node) in joined:
            continue
        if isinstance(node, promql.BinaryExpr) and _is_compared_with_zero(node) and not has_absent:
            text = f"{shown(node)} is silent when the series is gone; add `or absent(...)`"
            # Where no catalogue tells what must be there, this may be as meant.
            yield Finding(query.place, text, "warning" if query.known.is_guessed else "error")


def _joined(every: list[promql.Expr], *, is_plain: bool) -> Iterator[promql.Expr]:
    """Yield what only narrows another condition.

    That is what stands right of `and`. In plain rules it is both sides of every join: there the other side
    says when standing still is bad, and it is gone together with the target.
    """
    for node in every:
        if isinstance(node, promql.BinaryExpr) and (
            str(node.op) == "and" or (is_plain and str(node.op) != "or" and _is_join(node))
        ):
            yield from nodes(node.rhs)
            yield from nodes(node.lhs) if is_plain else ()


def _is_join(node: promql.BinaryExpr) -> bool:
    return all(
        any(isinstance(part, promql.VectorSelector) for part in nodes(side)) for side in (node.lhs, node.rhs)
    )


def _is_compared_with_zero(node: promql.BinaryExpr) -> bool:
    is_zero = isinstance(node.rhs, promql.NumberLiteral) and node.rhs.val == 0
    is_rate = any(isinstance(n, promql.Call) and n.func.name in _RATES for n in nodes(node.lhs))
    return is_zero and is_rate and str(node.op) in ("==", "<=")
