"""The two sides of an operation have the same labels, or say on what they match.

Why: `a / b` pairs series whose labels are all equal; a label on one side only, and nothing comes back.
Fix: aggregate both sides to the same labels, or write `on (...)` or `ignoring (...)`.
"""

from collections.abc import Iterator

import promql_parser as promql

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.checks.queries import Query, readable_queries
from observability.infer import ARITHMETIC, COMPARISONS
from observability.promql import nodes, shown

_PAIRING = ARITHMETIC | COMPARISONS | {"and"}


def check(project: Project) -> Iterator[Finding]:
    for query in readable_queries(project):
        yield from check_query(query)


def check_query(query: Query) -> Iterator[Finding]:
    for node in nodes(query.tree):
        if isinstance(node, promql.BinaryExpr) and str(node.op) in _PAIRING:
            yield from _operands(query, node)


def _operands(query: Query, node: promql.BinaryExpr) -> Iterator[Finding]:
    left, right = query.known.shape(node.lhs), query.known.shape(node.rhs)
    if "scalar" in (left.kind, right.kind) or left.labels is None or right.labels is None:
        return
    matching = node.modifier.matching if node.modifier is not None else None
    named = frozenset(map(str, matching.labels)) if matching is not None else frozenset[str]()
    if matching is not None and matching.type == promql.LabelModifierType.Include:
        for label in sorted(named - (left.labels & right.labels)):
            side = node.rhs if label in left.labels else node.lhs
            yield Finding(query.place, f"{shown(side)} has no label {label!r} to match on")
        return
    only = (left.labels ^ right.labels) - named
    for label in sorted(only):
        side, other = (node.lhs, node.rhs) if label in left.labels else (node.rhs, node.lhs)
        has = f"{shown(side)} has label {label!r} and {shown(other)} has not"
        yield Finding(query.place, f"{has}, so nothing matches")
