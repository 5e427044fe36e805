"""Which divisors are never 0, told from their names, and which quotients are a part of a whole."""

import re
from collections.abc import Iterator
from itertools import chain

import promql_parser as promql

from observability.infer import COMPARISONS
from observability.promql import metric_name, nodes, shown

_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+")
# A machine, a disk or a cluster has these as long as it is there.
_WHOLES = frozenset(
    {"capacity", "allocatable", "limit", "limits", "softlimit", "hardlimit", "quota", "maximum"}
)
_WHOLES |= {"cores", "cpus", "period", "interval", "allowed"}
# Each of these words says it only beside one of the others.
_BESIDE = {
    "total": frozenset({"bytes", "mb", "kb", "gb", "memory", "mem", "disk", "size", "space", "physical"}),
    "size": frozenset({"filesystem", "fs", "disk", "volume", "storage", "heap", "partition", "buffers"}),
    "max": frozenset({"connections", "fds", "memory", "heap", "bytes", "clients", "threads", "locks"})
    | {"count", "nodes", "concurrent", "users", "files"},
    "physical": frozenset({"memory", "bytes"}),
    "sys": frozenset({"memstats", "memory"}),
    "num": frozenset({"cpu", "cpus", "cores"}),
}
# And these are 0 where nothing is set: no swap, no limit, a filesystem that counts no files.
_MAY_BE_NOTHING = frozenset({"swap", "pagefile", "inodes", "files"})
_NO_LIMIT_IS_ZERO = frozenset({"container_spec_memory_limit_bytes", "redis_memory_max_bytes"})
# What is only a part of the whole, or counts events around it.
_PARTS = frozenset({"used", "usage", "utilisation", "utilization", "ratio", "free", "available", "remaining"})
_PARTS |= {"allocated", "exceeded", "reached", "errors", "requests", "increase", "rate", "queued", "pending"}
_ALWAYS_RUNNING = frozenset(
    {"node_cpu_seconds_total", "windows_cpu_time_total", "node_context_switches_total", "node_intr_total"}
)
_LEFT_OVER = frozenset({"free", "available", "space", "remaining", "unused"})


def is_never_zero(selector: promql.VectorSelector) -> bool:
    """Tell whether a name speaks of a size that is there as long as the thing itself is."""
    name = metric_name(selector)
    words = words_of(name)
    if name in _NO_LIMIT_IS_ZERO or words & (_MAY_BE_NOTHING | _PARTS):
        return False
    if name.endswith("_total"):
        return bool(words & _WHOLES)  # its last word says nothing of a size
    return bool(words & _WHOLES) or any(word in words and words & near for word, near in _BESIDE.items())


def is_always_running(selector: promql.VectorSelector) -> bool:
    """Tell whether a counter grows whatever happens: the time of all modes of a processor."""
    is_one_mode = any(matcher.name == "mode" for matcher in selector.matchers.matchers)
    return metric_name(selector) in _ALWAYS_RUNNING and not is_one_mode


def is_used_and_free(node: promql.BinaryExpr) -> bool:
    """Tell whether a sum is of what is used and what is left, which is all there is."""
    left, right = (
        set(chain.from_iterable(words_of(metric_name(one)) for one in _selectors(side)))
        for side in (node.lhs, node.rhs)
    )
    return str(node.op) == "+" and bool(left & _LEFT_OVER) != bool(right & _LEFT_OVER)


def is_part(part: promql.Expr, whole: promql.Expr) -> bool:
    """Tell whether one metric stands on both sides, and the part selects fewer of its series."""
    sides = [_selectors(part), _selectors(whole)]
    if any(len(side) != 1 or side[0].offset is not None for side in sides):
        return False
    [[upper], [lower]] = sides
    of_whole = {str(matcher) for matcher in lower.matchers.matchers}
    is_fewer = of_whole < {str(matcher) for matcher in upper.matchers.matchers}
    return is_fewer and metric_name(upper) == metric_name(lower) and _plain(part) and _plain(whole)


def is_zero_with_whole(division: promql.BinaryExpr) -> bool:
    """Tell whether what is divided is 0 whenever the divisor is: a part of it, over the same time."""
    part = _unscaled(division.lhs)
    if any(shown(part) == shown(term) for term in _terms(division.rhs)):
        return True
    is_zero_too = is_part(part, division.rhs) or _is_sum_of(part, division.rhs)
    return is_zero_too and _ranges(part) == _ranges(division.rhs)


def _is_sum_of(total: promql.Expr, count: promql.Expr) -> bool:
    """Tell whether these are the sum and the count of one histogram or summary: an average."""
    sides = [_selectors(total), _selectors(count)]
    if any(len(side) != 1 or side[0].offset is not None for side in sides):
        return False
    [[upper], [lower]] = sides
    name, suffix, rest = metric_name(upper).rpartition("_sum")
    is_one = bool(suffix) and not rest and metric_name(lower) == f"{name}_count"
    matchers = [{str(matcher) for matcher in one.matchers.matchers} for one in (upper, lower)]
    return is_one and matchers[0] == matchers[1] and _plain(total) and _plain(count)


def _unscaled(node: promql.Expr) -> promql.Expr:
    """Return an expression without a constant factor before or behind it."""
    while isinstance(node, promql.ParenExpr):
        node = node.expr
    if isinstance(node, promql.BinaryExpr) and str(node.op) == "*":
        sides = [side for side in (node.lhs, node.rhs) if not isinstance(side, promql.NumberLiteral)]
        return _unscaled(sides[0]) if len(sides) == 1 else node
    return node


def _terms(node: promql.Expr) -> Iterator[promql.Expr]:
    """Yield what is added up, where something is."""
    while isinstance(node, promql.ParenExpr):
        node = node.expr
    if isinstance(node, promql.BinaryExpr) and str(node.op) == "+":
        for side in (node.lhs, node.rhs):
            yield _unscaled(side)
            yield from _terms(side)


def _ranges(node: promql.Expr) -> list[str]:
    return [str(one.range) for one in nodes(node) if isinstance(one, promql.MatrixSelector)]


def words_of(name: str) -> frozenset[str]:
    """Return the words that a metric's name is made of."""
    return frozenset(word.lower() for word in _WORD.findall(name))


def _selectors(node: promql.Expr) -> list[promql.VectorSelector]:
    return [one for one in nodes(node) if isinstance(one, promql.VectorSelector)]


def _plain(side: promql.Expr) -> bool:
    """Tell whether nothing but sums and speeds stands between the metric and the division."""
    return not any(
        (isinstance(one, promql.BinaryExpr) and str(one.op) not in COMPARISONS)
        or (isinstance(one, promql.AggregateExpr) and str(one.op) != "sum")
        for one in nodes(side)
    )
