"""What is divided by cannot be 0.

Why: 0/0 is NaN and every comparison with it is false: the alert is silent. x/0 is infinite: it fires.
Fix: write `a / (b > 0)`: the ratio is then absent while b is 0. `a / b > 0.1 and b > 0` does as well.
"""

import operator
from collections.abc import Callable, Iterator, Mapping

import promql_parser as promql

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.checks.queries import Query, readable_queries
from observability.infer import ARITHMETIC
from observability.promql import children, nodes, shown

_ABOVE_ZERO = frozenset({">", "!=", "=="})
_NEVER_ZERO_CALLS = frozenset({"time", "timestamp", "pi", "exp"})


def check(project: Project) -> Iterator[Finding]:
    for query in readable_queries(project):
        yield from check_query(query)


def check_query(query: Query) -> Iterator[Finding]:
    for divisor in _unguarded(query.tree, frozenset()):
        # Traffic pauses; a size that no catalogue tells of may never be 0.
        is_size = query.known.is_guessed and _is_read_bare(divisor)
        text = f"{shown(divisor)} may be 0; divide by ({shown(divisor)} > 0)"
        yield Finding(query.place, text, "warning" if is_size else "error")


def _unguarded(node: promql.Expr, guarded: frozenset[str]) -> Iterator[promql.Expr]:
    """Yield what is divided by and may be 0; `guarded` is what an `and` around it keeps above 0."""
    if isinstance(node, promql.BinaryExpr):
        if str(node.op) in ("/", "%") and not _is_safe(node.rhs) and _bare(node.rhs) not in guarded:
            yield node.rhs
        if str(node.op) == "and":
            guarded |= _kept_above_zero(node.lhs) | _kept_above_zero(node.rhs)
    for child in children(node):
        yield from _unguarded(child, guarded)


def _is_read_bare(node: promql.Expr) -> bool:
    parts = list(nodes(node))
    is_made = any(isinstance(part, promql.Call | promql.AggregateExpr) for part in parts)
    return not is_made and any(isinstance(part, promql.VectorSelector) for part in parts)


def _kept_above_zero(node: promql.Expr) -> frozenset[str]:
    """Return what a condition lets through only while it is above 0."""
    while isinstance(node, promql.ParenExpr):
        node = node.expr
    if not isinstance(node, promql.BinaryExpr):
        return frozenset()
    if str(node.op) == "and":
        return _kept_above_zero(node.lhs) | _kept_above_zero(node.rhs)
    return frozenset({_bare(node.lhs)}) if _is_safe_operation(node) else frozenset()


def _bare(node: promql.Expr) -> str:
    while isinstance(node, promql.ParenExpr):
        node = node.expr
    return shown(node)


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
    if operation in ARITHMETIC and (constant := _constant(node)) is not None:
        return constant != 0
    is_bool = node.modifier is not None and node.modifier.return_bool
    if operation in _ABOVE_ZERO and not is_bool and isinstance(node.rhs, promql.NumberLiteral):
        value = node.rhs.val
        return (
            bool(value >= 0) if operation == ">" else bool(value == 0) if operation == "!=" else bool(value)
        )
    if operation in ("*", "/"):
        return _is_safe(node.lhs) and _is_safe(node.rhs)
    return operation in ("and", "unless") and _is_safe(node.lhs)


_OPERATIONS: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "^": pow,
}


def _constant(node: promql.Expr) -> float | None:
    """Return the value of an operation between plain numbers."""
    match node:
        case promql.NumberLiteral():
            return float(node.val)
        case promql.ParenExpr():
            return _constant(node.expr)
        case promql.BinaryExpr() if str(node.op) in _OPERATIONS:
            left, right = _constant(node.lhs), _constant(node.rhs)
            return None if left is None or right is None else _OPERATIONS[str(node.op)](left, right)
    return None
