"""Questions to the trees of the expressions that an alert consists of."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import promql_parser as promql

from observability.edges import choices
from observability.edges.series import Regime, Series, Signal
from observability.promql import nodes


def nothing_under(parts: list[promql.Expr], regime: Regime) -> Mapping[Series, Signal]:
    """Return the regime with every denominator at 0."""
    told = dict(regime)
    for node in parts:
        if isinstance(node, promql.BinaryExpr) and str(node.op) == "/":
            under = {str(one.name) for one in choices.selectors_in(node.rhs)}
            told |= {name: replace(told[name], amount=Decimal(0)) for name in told if name[0] in under}
    return told


def divides(parts: list[promql.Expr]) -> bool:
    return any(isinstance(node, promql.BinaryExpr) and str(node.op) == "/" for node in parts)


def is_plain(node: promql.Expr) -> bool:
    return not any(isinstance(one, promql.BinaryExpr) for one in nodes(node))
