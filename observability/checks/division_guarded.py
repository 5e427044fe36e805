"""What is divided by cannot be 0.

Why: 0/0 is NaN and every comparison with it is false: the alert is silent. x/0 is infinite: it fires.
Fix: write `a / (b > 0)`: the ratio is then absent while b is 0.
"""

from collections.abc import Iterator

import promql_parser as promql

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.checks.queries import Query, readable_queries
from observability.promql import nodes, shown

_ABOVE_ZERO = frozenset({">", "!=", "=="})
_NEVER_ZERO_CALLS = frozenset({"time", "timestamp", "pi", "exp"})


def check(project: Project) -> Iterator[Finding]:
    for query in readable_queries(project):
        yield from check_query(query)


def check_query(query: Query) -> Iterator[Finding]:
    for node in nodes(query.tree):
        if isinstance(node, promql.BinaryExpr) and str(node.op) in ("/", "%") and not _is_safe(node.rhs):
            divisor = shown(node.rhs)
            yield Finding(query.place, f"{divisor} may be 0; divide by ({divisor} > 0)")


def _is_safe(node: promql.Expr) -> bool:
    match node:
        case promql.NumberLiteral():
            return bool(node.val != 0)
        case promql.ParenExpr() | promql.UnaryExpr():
            return _is_safe(node.expr)
        case promql.AggregateExpr():
            # A count has a series only where it counted one; a sum of what is above 0 is above 0.
            return str(node.op) in ("count", "group") or _is_safe(node.expr)
        case promql.Call():
            name = str(node.func.name)
            return name in _NEVER_ZERO_CALLS or (name == "clamp_min" and _is_safe(node.args[1]))
        case promql.BinaryExpr():
            return _is_safe_operation(node)
    return False


def _is_safe_operation(node: promql.BinaryExpr) -> bool:
    operation = str(node.op)
    is_bool = node.modifier is not None and node.modifier.return_bool
    if operation in _ABOVE_ZERO and not is_bool and isinstance(node.rhs, promql.NumberLiteral):
        value = node.rhs.val
        return (
            bool(value >= 0) if operation == ">" else bool(value == 0) if operation == "!=" else bool(value)
        )
    if operation in ("*", "/"):
        return _is_safe(node.lhs) and _is_safe(node.rhs)
    return operation in ("and", "unless") and _is_safe(node.lhs)
