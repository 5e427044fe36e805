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
from observability.promql import metric_name, nodes, shown

_JOB = "job"
_PAIRING = ARITHMETIC | COMPARISONS | {"and", "unless"}
_SPEEDS = frozenset(
    {"rate", "irate", "increase", "delta", "idelta", "deriv", "abs", "round", "ceil", "floor"}
)


def check(project: Project) -> Iterator[Finding]:
    for query in readable_queries(project):
        yield from check_query(query)


def check_query(query: Query) -> Iterator[Finding]:
    for node in nodes(query.tree):
        if isinstance(node, promql.BinaryExpr) and str(node.op) in _PAIRING:
            yield from _operands(query, node)


def _operands(query: Query, node: promql.BinaryExpr) -> Iterator[Finding]:
    left, right = query.known.shape(node.lhs), query.known.shape(node.rhs)
    if "scalar" in (left.kind, right.kind):
        return
    matching = node.modifier.matching if node.modifier is not None else None
    named = frozenset(map(str, matching.labels)) if matching is not None else frozenset[str]()
    if left.labels is None or right.labels is None:
        if matching is None or matching.type != promql.LabelModifierType.Include:
            yield from _scraped(query, node, named)
        return
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


def _scraped(query: Query, node: promql.BinaryExpr, ignored: frozenset[str]) -> Iterator[Finding]:
    """Judge what no catalogue tells of: yet whatever is scraped has the label of its job."""
    for side, other in ((node.lhs, node.rhs), (node.rhs, node.lhs)):
        labels = query.known.shape(other).labels
        if labels is not None and _JOB not in labels | ignored and _is_scraped(query, side):
            text = f"{shown(side)} has its own labels, such as job, and {shown(other)} has not"
            yield Finding(query.place, f"{text}, so nothing matches; write on (...) or aggregate both sides")


def _is_scraped(query: Query, node: promql.Expr) -> bool:
    """Tell whether the series keep all the labels of their target; a recorded one may have lost them."""
    match node:
        case promql.VectorSelector():
            name = metric_name(node)
            is_other = not name or ":" in name or name.startswith("ALERTS") or not query.known.is_guessed
            is_blank = any(matcher.name == _JOB and not matcher.value for matcher in node.matchers.matchers)
            return not is_other and not is_blank and query.known.lookup(name).type != "gauge"
        case promql.MatrixSelector():
            return _is_scraped(query, node.vector_selector)
        case promql.ParenExpr() | promql.UnaryExpr():
            return _is_scraped(query, node.expr)
        case promql.Call():
            name = str(node.func.name)
            reads = name in _SPEEDS or name.endswith("_over_time")
            return reads and name != "absent_over_time" and any(_is_scraped(query, one) for one in node.args)
        case promql.BinaryExpr():
            is_plain = isinstance(node.rhs, promql.NumberLiteral)
            return is_plain and _is_scraped(query, node.lhs)
    return False
