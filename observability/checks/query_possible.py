"""A query can return something, and what it returns can change.

Why: `{job="a", job="b"}` selects no series ever, and `1 > 0` says the same every time: neither
watches anything.
Fix: keep one of the matchers (or write `job=~"a|b"`); compare a metric.
"""

from collections.abc import Iterator, Sequence

import promql_parser as promql

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.checks.queries import Query, readable_queries
from observability.infer import COMPARISONS
from observability.promql import admits, nodes, selectors, shown


def check(project: Project) -> Iterator[Finding]:
    for query in readable_queries(project):
        yield from check_query(query)


def check_query(query: Query) -> Iterator[Finding]:
    for _, selector in selectors(query.text):
        matchers = selector.matchers.matchers
        for name in sorted({str(matcher.name) for matcher in matchers}):
            yield from _label(query, name, [matcher for matcher in matchers if matcher.name == name])
    for node in nodes(query.tree):
        if _compares_constants(node):
            yield Finding(query.place, f"{shown(node)} compares two constants; it never changes")


def _label(query: Query, name: str, matchers: Sequence[promql.Matcher]) -> Iterator[Finding]:
    equal = list(dict.fromkeys(str(one.value) for one in matchers if one.op == promql.MatchOp.Equal))
    if len(equal) > 1:
        both = " and ".join(f"{value!r}" for value in equal)
        yield Finding(query.place, f"label {name!r} cannot be {both} at once")
    elif equal and (other := next((one for one in matchers if not admits(one, equal[0])), None)):
        yield Finding(
            query.place, f"label {name!r} is {equal[0]!r}, and another matcher ({other.value!r}) forbids it"
        )
    elif any(one.op == promql.MatchOp.NotRe and one.value == ".*" for one in matchers):
        yield Finding(query.place, f'no value of label {name!r} passes !~".*"')


def _compares_constants(node: promql.Expr) -> bool:
    if not isinstance(node, promql.BinaryExpr) or str(node.op) not in COMPARISONS:
        return False
    return _is_constant(node.lhs) and _is_constant(node.rhs)


def _is_constant(node: promql.Expr) -> bool:
    match node:
        case promql.NumberLiteral():
            return True
        case promql.ParenExpr() | promql.UnaryExpr():
            return _is_constant(node.expr)
        case promql.BinaryExpr():
            return _is_constant(node.lhs) and _is_constant(node.rhs)
        case promql.Call():
            return node.func.name in ("vector", "pi") and all(map(_is_constant, node.args))
    return False
