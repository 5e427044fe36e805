"""rate() and its kin take counters; delta(), deriv() and predict_linear() take gauges.

Why: rate() takes a gauge's fall for a restart and invents growth; deriv() takes a restart for a fall.
Fix: use deriv() or delta() for a gauge, rate() or increase() for a counter.
"""

from collections.abc import Iterator

import promql_parser as promql

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.checks.queries import Query, readable_queries
from observability.promql import names_in, nodes, shown

_FOR_COUNTERS = frozenset({"rate", "increase", "irate", "resets"})
FOR_GAUGES = frozenset({"delta", "idelta", "deriv", "predict_linear"})


def check(project: Project) -> Iterator[Finding]:
    for query in readable_queries(project):
        yield from check_query(query)


def check_query(query: Query) -> Iterator[Finding]:
    for node in nodes(query.tree):
        if not isinstance(node, promql.Call) or not node.args or _is_sum(node.args[0]):
            continue
        name, kind = str(node.func.name), query.known.shape(node.args[0]).type
        if name in _FOR_COUNTERS and kind == "gauge":
            yield Finding(query.place, f"{name}() is for counters, and {shown(node.args[0])} is a gauge")
        if name in FOR_GAUGES and kind == "counter":
            is_guess = query.known.is_guessed and not query.known.told.issuperset(names_in(node.args[0]))
            by = "by its name " if is_guess else ""
            text = f"{name}() is for gauges, and {shown(node.args[0])} is {by}a counter"
            yield Finding(query.place, text, "warning" if is_guess else "error")


def _is_sum(argument: promql.Expr) -> bool:
    """An aggregation over time is rate_first's to tell."""
    return isinstance(argument, promql.SubqueryExpr) and any(
        isinstance(node, promql.AggregateExpr) for node in nodes(argument.expr)
    )
