"""An alert waits for two evaluations before it fires.

Why: with a shorter `for` one late scrape or a restart pages somebody; absent() is true at every restart.
Fix: set `for` to twice the evaluation interval or longer; a window such as increase(x[10m]), or an
age such as time() - x, holds an alert still as well, so that one needs no `for`.
"""

from collections.abc import Iterator

import promql_parser as promql

from config.spec.duration import Duration
from config.spec.model import Project
from observability.checks.finding import Finding
from observability.checks.queries import Alarm, alarms
from observability.infer import ARITHMETIC
from observability.promql import label_matchers, length_of, names_in, nodes
from observability.wholes import words_of

EVALUATIONS = 2
# These tell an age or a date, by their names.
_DATES = frozenset({"uptime", "expiration", "expiry", "expires", "expiring", "ttl"})
_INFO = ("_info", "_metadata", "_labels")  # joined for their labels; their value is always 1


def check(project: Project) -> Iterator[Finding]:
    for alarm in alarms(project):
        yield from check_alarm(alarm)


def check_alarm(alarm: Alarm) -> Iterator[Finding]:
    least = Duration(EVALUATIONS * alarm.evaluated_every.milliseconds)
    waits = alarm.rule.for_ or Duration(0)
    if waits >= least or _is_held(alarm.read, least):
        return
    place = alarm.rule.where("for")
    if not waits.milliseconds:
        why = "an alert without `for` fires on one bad sample"
        if _asks_absence(alarm.read):
            why = "absent() without `for` fires at every restart"
        elif _joins_jobs(alarm.read):
            why = "after a restart of Prometheus some targets of a job are read before those of the other"
        yield Finding(place, f"{why}; wait {least} or longer", alarm.severity)
    else:
        text = f"`for` of {waits} is shorter than {EVALUATIONS} evaluations; make it {least} or longer"
        yield Finding(place, text, alarm.severity)


def _is_held(tree: promql.Expr, least: Duration) -> bool:
    """Tell whether one bad sample changes nothing: all is read over a window, or an age; never an absence."""
    if _asks_absence(tree) or _joins_jobs(tree):
        return False
    if any(isinstance(node, promql.Call) and node.func.name == "time" for node in nodes(tree)):
        return True
    if any(words_of(name) & _DATES for name in names_in(tree)):
        return True
    return _selectors(tree) == sum(
        _selectors(node)
        for node in nodes(tree)
        if (length := length_of(node)) is not None and length >= least
    )


def _joins_jobs(tree: promql.Expr) -> bool:
    """Tell whether sums over the targets of two jobs are set against each other."""
    return any(
        isinstance(node, promql.BinaryExpr)
        and str(node.op) in ARITHMETIC
        and all(map(_is_summed, (node.lhs, node.rhs)))
        and len({frozenset(_jobs(side)) for side in (node.lhs, node.rhs)} - {frozenset()}) > 1
        for node in nodes(tree)
    )


def _is_summed(tree: promql.Expr) -> bool:
    return any(isinstance(node, promql.AggregateExpr) for node in nodes(tree))


def _jobs(tree: promql.Expr) -> Iterator[str]:
    for node in nodes(tree):
        if isinstance(node, promql.VectorSelector):
            yield from (value for name, value in label_matchers(node) if name == "job")


def _selectors(tree: promql.Expr) -> int:
    return sum(not name.endswith(_INFO) for name in names_in(tree))


def _asks_absence(tree: promql.Expr) -> bool:
    return any(isinstance(node, promql.Call) and node.func.name == "absent" for node in nodes(tree))
