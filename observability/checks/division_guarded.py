"""What is divided by cannot be 0.

Why: 0/0 is NaN and every comparison with it is false: the alert is silent. x/0 is infinite: it fires.
Fix: write `a / (b > 0)`: the ratio is then absent while b is 0. `a / b > 0.1 and b > 0` does as well.
"""

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import promql_parser as promql

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.checks.queries import Query, readable_queries
from observability.infer import ARITHMETIC, COMPARISONS
from observability.promql import children, metric_name, nodes, shown
from observability.wholes import is_always_running, is_never_zero, is_used_and_free, is_zero_with_whole

_ABOVE_ZERO = frozenset({">", "!=", "=="})
_NEVER_ZERO_CALLS = frozenset({"time", "timestamp", "pi", "exp", "count_over_time", "present_over_time"})
_PASSING = frozenset(
    {"label_replace", "label_join", "ceil", "scalar", "sort", "sort_desc", "round", "abs"}
    | {f"{name}_over_time" for name in ("avg", "min", "max", "sum", "last", "quantile")}
)
_SPEEDS = frozenset({"rate", "irate", "increase"})
_Leaf = Callable[[promql.VectorSelector], bool]


def check(project: Project) -> Iterator[Finding]:
    for query in readable_queries(project):
        yield from check_query(query)


def check_query(query: Query) -> Iterator[Finding]:
    """In a bundle every query is recorded, drawn and compared; in plain rules only what follows counts."""
    is_plain = query.known.is_guessed
    for division in _unguarded(query.tree, frozenset(), is_never_zero if is_plain else _may_all_be_zero):
        is_lost = is_plain and division.is_compared
        if is_lost and is_zero_with_whole(division.node):
            continue  # 0/0 is left out by the comparison, as the guard would leave it out
        is_size = is_plain and _is_size(division.node.rhs)
        divisor = shown(division.node.rhs)
        text = f"{divisor} may be 0; divide by ({divisor} > 0)"
        yield Finding(query.place, text, "warning" if is_size or is_lost else "error")


@dataclass(frozen=True, slots=True)
class _Division:
    """A division, and whether its quotient goes into nothing but a comparison."""

    node: promql.BinaryExpr
    is_compared: bool


def _unguarded(
    node: promql.Expr, guarded: frozenset[str], leaf: _Leaf, *, is_compared: bool = False
) -> Iterator[_Division]:
    """Yield where the divisor may be 0; `guarded` is what an `and` around it keeps above 0."""
    goes_on = isinstance(node, promql.ParenExpr | promql.UnaryExpr)
    if isinstance(node, promql.BinaryExpr):
        operation = str(node.op)
        if operation in ("/", "%") and not _is_safe(node.rhs, leaf) and _bare(node.rhs) not in guarded:
            yield _Division(node, is_compared)
        if operation == "and":
            guarded |= _kept_above_zero(node.lhs, leaf) | _kept_above_zero(node.rhs, leaf)
        is_bool = node.modifier is not None and node.modifier.return_bool
        is_compared = is_compared or (operation in COMPARISONS and not is_bool)
        goes_on = operation != "or" or not is_compared
    for child in children(node):
        yield from _unguarded(child, guarded, leaf, is_compared=is_compared and goes_on)


def _may_all_be_zero(_: promql.VectorSelector) -> bool:
    """In a bundle no name is trusted."""
    return False


def _is_size(divisor: promql.Expr) -> bool:
    """Tell whether it is read as it is; traffic pauses, a size may never be 0."""
    parts = list(nodes(divisor))
    is_speed = any(isinstance(part, promql.Call) and part.func.name in _SPEEDS for part in parts)
    names = [metric_name(part) for part in parts if isinstance(part, promql.VectorSelector)]
    return bool(names) and not is_speed and not any("rate" in name or "increase" in name for name in names)


def _kept_above_zero(node: promql.Expr, leaf: _Leaf) -> frozenset[str]:
    """Return what a condition lets through only while it is above 0."""
    while isinstance(node, promql.ParenExpr):
        node = node.expr
    if not isinstance(node, promql.BinaryExpr):
        return frozenset()
    if str(node.op) == "and":
        return _kept_above_zero(node.lhs, leaf) | _kept_above_zero(node.rhs, leaf)
    return frozenset({_bare(node.lhs)}) if _is_safe_operation(node, leaf) else frozenset()


def _bare(node: promql.Expr) -> str:
    while isinstance(node, promql.ParenExpr):
        node = node.expr
    return shown(node)


def _is_safe(node: promql.Expr, leaf: _Leaf) -> bool:
    match node:
        case promql.NumberLiteral():
            return bool(node.val != 0)
        case promql.VectorSelector():
            return leaf(node)
        case promql.MatrixSelector():
            return leaf(node.vector_selector)
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            return _is_safe(node.expr, leaf)
        case promql.AggregateExpr():
            # A count has a series only where it counted one; a sum of what is above 0 is above 0.
            return str(node.op) in ("count", "group") or _is_safe(node.expr, leaf)
        case promql.Call():
            return _is_safe_call(str(node.func.name), node.args, leaf)
        case promql.BinaryExpr():
            return _is_safe_operation(node, leaf)
    return False


def _is_safe_call(name: str, args: Sequence[promql.Expr], leaf: _Leaf) -> bool:
    if name in _NEVER_ZERO_CALLS:
        return True
    if name in _SPEEDS and isinstance(args[0], promql.MatrixSelector):
        return leaf is is_never_zero and is_always_running(args[0].vector_selector)
    if name == "clamp_min":
        return _is_safe(args[1], leaf)
    return name in _PASSING and any(_is_safe(one, leaf) for one in args if _is_read(one))


def _is_read(argument: promql.Expr) -> bool:
    return not isinstance(argument, promql.StringLiteral | promql.NumberLiteral)


def _is_safe_operation(node: promql.BinaryExpr, leaf: _Leaf) -> bool:
    operation = str(node.op)
    if operation in ARITHMETIC and (constant := _constant(node)) is not None:
        return constant != 0
    is_bool = node.modifier is not None and node.modifier.return_bool
    if operation in _ABOVE_ZERO and not is_bool and isinstance(node.rhs, promql.NumberLiteral):
        value = node.rhs.val
        is_kept = value >= 0 if operation == ">" else value == 0 if operation == "!=" else value != 0
        return bool(is_kept) or _is_safe(node.lhs, leaf)
    if operation == "+" and leaf is is_never_zero:
        return is_used_and_free(node) or _is_safe(node.lhs, leaf) or _is_safe(node.rhs, leaf)
    if operation in ("*", "/", "or"):
        return _is_safe(node.lhs, leaf) and _is_safe(node.rhs, leaf)
    return operation in ("and", "unless") and _is_safe(node.lhs, leaf)


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
