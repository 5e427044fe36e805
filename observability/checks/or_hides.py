"""The right side of `or` is seen although the left one is there.

Why: `rate(a[5m]) or rate(b[5m])` with equal labels returns the left side alone, so what the right one counts
is lost as long as the left exists.
Fix: add the two up, or give each a label of its own with label_replace(); write `or on ()` where the
right side is meant to stand in only while the left is missing.
"""

from collections.abc import Iterator
from difflib import SequenceMatcher

import promql_parser as promql

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.checks.queries import Query, readable_queries
from observability.infer import COMPARISONS
from observability.promql import label_matchers, metric_name, nodes, shown

_SPEEDS = frozenset({"rate", "irate", "increase"})
_FILTERS = COMPARISONS | {"and", "unless"}
_RENAMED = 0.75  # names so alike are one metric before and after it was renamed


def check(project: Project) -> Iterator[Finding]:
    for query in readable_queries(project):
        yield from check_query(query)


def check_query(query: Query) -> Iterator[Finding]:
    for node in nodes(query.tree):
        if isinstance(node, promql.BinaryExpr) and str(node.op) == "or" and not _is_meant(query, node):
            left, right = query.known.shape(node.lhs).labels, query.known.shape(node.rhs).labels
            if left is not None and left == right and not _are_apart(node, left):
                dropped = f"{shown(node.rhs)} is dropped while {shown(node.lhs)} exists"
                yield Finding(query.place, f"{dropped}, because their labels are equal", "warning")


def _is_meant(query: Query, node: promql.BinaryExpr) -> bool:
    """Tell whether the right side is there to stand in, or the left one is there only at times."""
    if node.modifier is not None and node.modifier.matching is not None:
        return True
    sides = [list(nodes(node.lhs)), list(nodes(node.rhs))]
    if not all(
        any(isinstance(one, promql.Call) and one.func.name in _SPEEDS for one in side) for side in sides
    ):
        return True
    if any(isinstance(one, promql.BinaryExpr) and str(one.op) in _FILTERS for one in sides[0]):
        return True
    if not query.known.is_guessed:
        return False  # a catalogue has both names, so neither is the other's old one
    names = [{metric_name(one) for one in side if isinstance(one, promql.VectorSelector)} for side in sides]
    return any(_are_alike(left, right) for left in names[0] for right in names[1])


def _are_alike(left: str, right: str) -> bool:
    return left != right and SequenceMatcher(None, left, right).ratio() >= _RENAMED


def _are_apart(node: promql.BinaryExpr, labels: frozenset[str]) -> bool:
    """Tell whether a label that is left has another value on each side."""
    left, right = _fixed(node.lhs), _fixed(node.rhs)
    return any(left[name] != right[name] for name in labels & left.keys() & right.keys())


def _fixed(tree: promql.Expr) -> dict[str, str]:
    selectors = [node for node in nodes(tree) if isinstance(node, promql.VectorSelector)]
    return {name: value for selector in selectors for name, value in label_matchers(selector)}
