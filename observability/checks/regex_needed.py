"""A regular expression stands only where one is needed.

Why: `=~"api"` is slower than `="api"` and hides what is meant; `=~".*"` selects nothing away; Prometheus
anchors every regular expression itself.
Fix: write `=` or `!=`, leave out the matcher, or leave out `^` and `$`.
"""

import re
from collections.abc import Iterator

import promql_parser as promql

from config.spec.model import Project
from observability.checks.finding import Finding
from observability.checks.queries import Query, readable_queries
from observability.promql import selectors

_REGEX = (promql.MatchOp.Re, promql.MatchOp.NotRe)
_ESCAPED = re.compile(r"\\[^\w\s]")
_SPECIAL = re.compile(r"[\\.+*?()\[\]{}|^$]")


def check(project: Project) -> Iterator[Finding]:
    for query in readable_queries(project):
        yield from check_query(query)


def check_query(query: Query) -> Iterator[Finding]:
    for _, selector in selectors(query.text):
        for matcher in selector.matchers.matchers:
            if matcher.op in _REGEX and (text := _fault(matcher)):
                yield Finding(query.place, text, "warning")


def _fault(matcher: promql.Matcher) -> str | None:
    is_equal = matcher.op == promql.MatchOp.Re
    name, pattern = str(matcher.name), str(matcher.value)
    shown = f'{name}{"=~" if is_equal else "!~"}"{pattern}"'
    if "$" in pattern.removesuffix("$"):
        return None  # a variable of a dashboard
    if is_equal and pattern == ".*":
        return f"{shown} selects nothing away; leave it out"
    if _is_anchored(pattern):
        return f"{shown}: Prometheus anchors it anyway; leave out ^ and $"
    if not _SPECIAL.search(_ESCAPED.sub("", pattern)):
        plain, sign = re.sub(r"\\(.)", r"\1", pattern), "=" if is_equal else "!="
        return f'{shown} is plain text; write {name}{sign}"{plain}"'
    return None


def _is_anchored(pattern: str) -> bool:
    """Tell whether a `^` or `$` at the ends holds for the whole pattern."""
    if "|" in pattern:
        return False
    return pattern.startswith("^") or (pattern.endswith("$") and not pattern.endswith("\\$"))
