"""Which divisors are never 0, told from their names, and which quotients are a part of a whole."""

import re
from itertools import chain

import promql_parser as promql

from observability.infer import COMPARISONS
from observability.promql import metric_name, nodes

_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+")
# A machine, a disk or a cluster has these as long as it is there.
_WHOLES = frozenset({"capacity", "allocatable", "limit", "limits", "cores", "cpus", "period", "interval"})
# Each of these words says it only beside one of the others.
_BESIDE = {
    "total": frozenset({"bytes", "mb", "kb", "gb", "memory", "mem", "disk", "size", "space", "physical"}),
    "size": frozenset({"filesystem", "fs", "disk", "volume", "storage", "heap", "partition", "drive"}),
    "max": frozenset({"connections", "conns", "fds", "memory", "heap", "bytes", "clients", "threads"}),
    "physical": frozenset({"memory", "bytes"}),
    "sys": frozenset({"memstats", "memory"}),
    "num": frozenset({"cpu", "cpus", "cores"}),
}
# And these are 0 where nothing is set: no swap, no limit, a filesystem that counts no files.
_MAY_BE_NOTHING = frozenset({"swap", "pagefile", "inodes", "files", "quota"})
_NO_LIMIT_IS_ZERO = frozenset({"container_spec_memory_limit_bytes", "redis_memory_max_bytes"})
_ALWAYS_RUNNING = frozenset({"node_cpu_seconds_total", "windows_cpu_time_total"})
_LEFT_OVER = frozenset({"free", "available", "space", "remaining", "unused"})


def is_never_zero(selector: promql.VectorSelector) -> bool:
    """Tell whether a name speaks of a size that is there as long as the thing itself is."""
    name = metric_name(selector)
    words = words_of(name)
    if ":" in name or name in _NO_LIMIT_IS_ZERO or words & _MAY_BE_NOTHING or name.endswith("_total"):
        return False
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


def is_part_of_whole(node: promql.BinaryExpr) -> bool:
    """Tell whether a metric is divided by itself, and the upper one selects fewer of its series."""
    sides = [_selectors(side) for side in (node.lhs, node.rhs)]
    if str(node.op) != "/" or any(len(side) != 1 or side[0].offset is not None for side in sides):
        return False
    [[part], [whole]] = sides
    of_whole = {str(matcher) for matcher in whole.matchers.matchers}
    is_part = of_whole < {str(matcher) for matcher in part.matchers.matchers}
    return is_part and metric_name(part) == metric_name(whole) and _plain(node.lhs) and _plain(node.rhs)


def is_same_window(node: promql.BinaryExpr) -> bool:
    """Tell whether both sides of a quotient look at one stretch of time."""
    ranges = [
        [str(one.range) for one in nodes(side) if isinstance(one, promql.MatrixSelector)]
        for side in (node.lhs, node.rhs)
    ]
    return ranges[0] == ranges[1]


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
