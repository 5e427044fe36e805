"""An alert's expression says when something is wrong: a comparison, absent(), `unless`.

Why: an alert fires for every series that its expression returns, so one without a condition always fires,
and a comparison with `bool` returns 0 where it should return nothing.
Fix: compare with a bound (`x > 5`), ask for absence, or leave out `bool`.
"""

from collections.abc import Iterator

import promql_parser as promql

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.checks.queries import Alarm
from observability.infer import COMPARISONS
from observability.promql import nodes, shown

_PLACES = frozenset({"__name__", "job", "instance", "namespace", "cluster"})
_ABSENCES = frozenset({"absent", "absent_over_time"})


def check(project: Project) -> Iterator[Finding]:
    """A level of a spec is a condition by its form."""
    yield from ()


def check_alarm(alarm: Alarm) -> Iterator[Finding]:
    tree = alarm.query.tree
    if not any(isinstance(node, promql.VectorSelector) for node in nodes(tree)):
        return  # vector(1) fires always, and is meant to
    if _is_condition(tree) or _names_trouble(tree):
        return
    place, text = (
        alarm.query.place,
        "the alert has no condition, so it fires for every series; compare with a bound",
    )
    if any(isinstance(node, promql.BinaryExpr) and _is_bool(node) for node in _outermost(tree)):
        text = f"`bool` makes 0 of what is false, and an alert fires on 0 too: {shown(tree)}"
    yield Finding(place, text, alarm.severity)


def _is_condition(node: promql.Expr) -> bool:
    """Tell whether the expression can return nothing although its metrics are there."""
    match node:
        case promql.BinaryExpr():
            operation = str(node.op)
            if operation in COMPARISONS and not _is_bool(node):
                return True
            sides = [_is_condition(node.lhs), _is_condition(node.rhs)]
            # `or` returns nothing only if both sides do; anything else if one does.
            return operation in ("and", "unless") or (all(sides) if operation == "or" else any(sides))
        case promql.Call():
            return node.func.name in _ABSENCES or any(_is_condition(argument) for argument in node.args)
        case promql.AggregateExpr() | promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            return _is_condition(node.expr)
        case promql.VectorSelector():
            return _is_alerts(node)
        case promql.MatrixSelector():
            return _is_alerts(node.vector_selector)
    return False


def _names_trouble(node: promql.Expr) -> bool:
    """Tell whether a plain selector picks the bad ones by a label, such as `state="failed"`."""
    while isinstance(node, promql.ParenExpr):
        node = node.expr
    if not isinstance(node, promql.VectorSelector):
        return False
    return any(matcher.name not in _PLACES for matcher in node.matchers.matchers)


def _is_alerts(selector: promql.VectorSelector) -> bool:
    """ALERTS is there only while an alert is."""
    return str(selector.name or "").startswith("ALERTS")


def _is_bool(node: promql.BinaryExpr) -> bool:
    return node.modifier is not None and bool(node.modifier.return_bool)


def _outermost(node: promql.Expr) -> Iterator[promql.Expr]:
    yield node
    while isinstance(node, promql.ParenExpr):
        node = node.expr
        yield node
