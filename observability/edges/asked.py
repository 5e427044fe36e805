"""The question how an expression gets a value, and what is known of its parts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal

import promql_parser as promql

from config.spec.model import Project
from observability.edges import choices
from observability.edges.choices import Choice
from observability.edges.series import Regime, Signal
from observability.names import recorded
from observability.promql import metric_name, parse, shown

_ONE = Decimal(1)


class UnsolvedError(Exception):
    """No series can be found; says for which form."""


@dataclass(frozen=True, slots=True)
class Want:
    """A wanted value: an amount, and how often the time is added to it."""

    amount: Decimal
    clock: int = 0

    def __neg__(self) -> "Want":
        return Want(-self.amount, -self.clock)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How to turn round: `whole` is the denominator of a share, `at_once` lets events come in one step.

    With `twins` a sum is spread over two series, and beside the greatest is a lesser one.
    `given` are series that have a meaning already, `worth` is what an expression is worth with them. What
    runs on gets where it is wanted after `after` steps.
    """

    project: Project
    choice: Choice
    whole: Decimal = Decimal(1000)
    at_once: bool = True
    twins: bool = True
    step: int = 60
    given: Regime = field(default_factory=dict)
    worth: Callable[[promql.Expr, Regime], Decimal | None] = lambda _node, _given: None
    after: int = 0


def number_of(node: promql.Expr) -> Want | None:
    """Return what a scalar is: a number, or the time."""
    match node:
        case promql.ParenExpr():
            return number_of(node.expr)
        case promql.NumberLiteral():
            return Want(Decimal(repr(node.val)))
        case promql.Call() if str(node.func.name) == "time":
            return Want(Decimal(0), 1)
    return None


def measure_of(node: promql.VectorSelector, asked: Asked) -> promql.Expr | None:
    prefix = recorded(asked.project, "")
    name = metric_name(node).removeprefix(prefix)
    is_one = metric_name(node).startswith(prefix) and name in asked.project.measures
    return parse(asked.project.measures[name].query) if is_one else None


def kind_of(node: promql.VectorSelector, asked: Asked) -> str:
    metric = choices.metric_of(asked.project, node)
    return metric.type if metric else "gauge"


def one_of(node: promql.VectorSelector, signal: Signal, asked: Asked) -> Regime:
    name = (metric_name(node), choices.labels_of(asked.project, node, asked.choice))
    if asked.given.get(name, signal) != signal:
        raise UnsolvedError(f"`{shown(node)}` has to be two things at once")
    return {name: signal}


def leaves(node: promql.Expr, asked: Asked) -> Iterator[promql.VectorSelector]:
    """Yield every selector of raw series below an expression, through recorded measures."""
    for one in choices.selectors_in(node):
        measure = measure_of(one, asked)
        if measure:
            yield from leaves(measure, asked)
        else:
            yield one


def is_given(node: promql.Expr, asked: Asked) -> bool:
    """Whether all series of an expression have a meaning already."""
    names = {name for name, _ in asked.given}
    return bool(names) and all(metric_name(one) in names for one in leaves(node, asked))


def side(operation: str, limit: Decimal, *, holds: bool) -> Decimal:
    """Return the value nearest to the limit, in ones, for which a comparison holds or does not."""
    ones = (limit.to_integral_value(ROUND_CEILING) - 1 + n for n in range(4))
    nearest = sorted([*ones, limit], key=lambda one: abs(one - limit))
    return next(one for one in nearest if holds_for(operation, one, limit) is holds)


def holds_for(operation: str, value: Decimal, limit: Decimal) -> bool:
    match operation:
        case ">":
            return value > limit
        case "<":
            return value < limit
        case ">=":
            return value >= limit
        case "<=":
            return value <= limit
        case "==":
            return value == limit
    return value != limit
