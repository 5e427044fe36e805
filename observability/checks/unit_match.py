"""What is added, compared or drawn has the unit that is said, and a share is compared with at most 1.

Why: `errors / requests > 5` meant as five percent never fires, and seconds compared with a rate say nothing.
Bounds, axes and texts are written in the unit of the measure, so a wrong one misleads all of them.
Fix: write 0.05 for 5 %; bring both sides to one unit; give the measure and its panels the unit of the query.
"""

from collections.abc import Iterator

import promql_parser as promql

from config.spec.model import Project, Unit
from observability.checks.finding import Finding
from observability.checks.queries import Known, Query, alarms, known_of, readable_queries
from observability.infer import COMPARISONS
from observability.promql import metric_name, nodes, parse, shown, syntax_error
from observability.wholes import is_part

_ALIKE = COMPARISONS | {"+", "-"}
_RISING = frozenset({">", ">=", "=="})


def check(project: Project) -> Iterator[Finding]:
    for query in readable_queries(project):
        yield from check_query(query)
    for alarm in alarms(project):
        yield from check_query(alarm.query)
    yield from _said(project)


def check_query(query: Query) -> Iterator[Finding]:
    for node in nodes(query.tree):
        if isinstance(node, promql.BinaryExpr) and str(node.op) in _ALIKE:
            left, right = query.known.shape(node.lhs).unit, query.known.shape(node.rhs).unit
            if left is not None and right is not None and not _are_alike(left, right):
                sides = f"{shown(node.lhs)} is {_word(left)} and {shown(node.rhs)} is {_word(right)}"
                yield Finding(query.place, f"{sides}; bring them to one unit")
            elif str(node.op) in _RISING and _is_share(query, node.lhs) and _number(node.rhs) > 1:
                text = f"{shown(node.lhs)} is a share, never above 1; compared with {shown(node.rhs)}"
                is_guess = query.known.is_guessed and isinstance(node.lhs, promql.VectorSelector)
                yield Finding(query.place, text, "warning" if is_guess else "error")


def _said(project: Project) -> Iterator[Finding]:
    """Yield measures and panels that say another unit than their queries have."""
    known = known_of(project)
    for measure in project.measures.values():
        unit = _unit(measure.query, known)
        if unit is not None and not _are_alike(unit, measure.unit):
            text = f"`unit` says {measure.unit}, and the query is {_word(unit)}"
            yield Finding(measure.where("unit"), text)
    for panel in (panel for board in project.dashboards.values() for panel in board.panels):
        drawn = {name: project.measures[name].unit for name in panel.measures if name in project.measures} | {
            query.expr: _unit(query.expr, known) for query in panel.queries
        }
        for name, unit in drawn.items():
            if unit is not None and not _are_alike(unit, panel.unit):
                yield Finding(panel.where("unit"), f"`unit` says {panel.unit}, and {name} is {_word(unit)}")


def _unit(text: str, known: Known) -> Unit | None:
    return known.shape(parse(text)).unit if syntax_error(text) is None else None


def _are_alike(left: Unit, right: Unit) -> bool:
    """Seconds of work per second are a ratio, and as well a count of workers."""
    return left == right or {left, right} == {"ratio", "count"}


def _is_share(query: Query, node: promql.Expr) -> bool:
    """Tell whether the value is a part of a whole: named a ratio, or a metric divided by itself."""
    while isinstance(node, promql.ParenExpr):
        node = node.expr
    if isinstance(node, promql.VectorSelector):
        return metric_name(node).endswith("ratio") and query.known.shape(node).unit == "ratio"
    return isinstance(node, promql.BinaryExpr) and str(node.op) == "/" and is_part(node.lhs, node.rhs)


def _number(node: promql.Expr) -> float:
    return float(node.val) if isinstance(node, promql.NumberLiteral) else 0.0


def _word(unit: Unit) -> str:
    return {"count": "a count", "ratio": "a ratio", "per_second": "per second"}.get(unit, f"in {unit}")
