"""A computed value is not compared for equality with a number other than 0.

Why: increase() and rate() are extrapolated to the ends of the window, so one event counts 1.07 and
`increase(x[5m]) == 1` is never true; an average or a quotient of floats misses a number just as often.
Fix: compare with `>`, `>=`, `<` or `<=`; round() first where a whole number is meant.
"""

from collections.abc import Iterator

import promql_parser as promql

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.checks.queries import Query, alarms, readable_queries
from observability.promql import nodes, shown

_EXTRAPOLATED = frozenset({"rate", "irate", "increase", "delta", "deriv", "predict_linear"})
_PASSING = frozenset({"abs", "label_replace", "label_join", "sort", "sort_desc"})


def check(project: Project) -> Iterator[Finding]:
    for query in readable_queries(project):
        yield from check_query(query)
    for alarm in alarms(project):
        yield from check_query(alarm.query)


def check_query(query: Query) -> Iterator[Finding]:
    for node in nodes(query.tree):
        if not isinstance(node, promql.BinaryExpr) or str(node.op) not in ("==", "!="):
            continue
        number = node.rhs
        if isinstance(number, promql.NumberLiteral) and number.val and _is_extrapolated(node.lhs):
            always = "is hardly ever" if str(node.op) == "==" else "is nearly always"
            yield Finding(query.place, f"{shown(node)} {always} true, because the left side is extrapolated")


def _is_extrapolated(node: promql.Expr) -> bool:
    match node:
        case promql.Call():
            name = str(node.func.name)
            return name in _EXTRAPOLATED or (name in _PASSING and _is_extrapolated(node.args[0]))
        case promql.ParenExpr() | promql.UnaryExpr():
            return _is_extrapolated(node.expr)
        case promql.AggregateExpr():
            return str(node.op) in ("sum", "avg", "max", "min") and _is_extrapolated(node.expr)
    return False
