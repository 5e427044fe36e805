"""Series for which an expression has a wanted value: each form of PromQL turned round, from its tree.

Where there are several ways - a side of `or`, a sign - each is one answer. What comes out is only a proposal:
`evaluate` says what the whole is worth with it.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal

import promql_parser as promql

from observability.edges import choices
from observability.edges.asked import (
    Asked,
    UnsolvedError,
    Want,
    holds_for,
    is_given,
    kind_of,
    leaves,
    measure_of,
    number_of,
    one_of,
    side,
)
from observability.edges.ends import distribution, minutes, moving, selector_of
from observability.edges.series import Regime, Signal, merged
from observability.infer import COMPARISONS
from observability.promql import names_in, shown

_ONE = Decimal(1)


def ways(node: promql.Expr, want: Want, asked: Asked) -> Iterator[Regime]:
    """Yield series with which the expression is worth what is wanted; UnsolvedError if there are none."""
    match node:
        case promql.NumberLiteral():
            if want != Want(Decimal(repr(node.val))):
                raise UnsolvedError(f"`{shown(node)}` is what it is")
            yield {}
        case promql.ParenExpr():
            yield from ways(node.expr, want, asked)
        case promql.UnaryExpr():
            yield from ways(node.expr, -want, asked)
        case promql.VectorSelector():
            yield from _selected(node, want, asked)
        case promql.AggregateExpr():
            yield from _aggregated(node, want, asked)
        case promql.BinaryExpr():
            yield from _binary(node, want, asked)
        case promql.Call():
            yield from _called(node, want, asked)
        case _:
            raise UnsolvedError(f"`{shown(node)}` is a form that nobody turned round yet")


def _selected(node: promql.VectorSelector, want: Want, asked: Asked) -> Iterator[Regime]:
    if measure := measure_of(node, asked):
        yield from ways(measure, want, asked)
        return
    if want.clock not in (0, 1):
        raise UnsolvedError(f"`{shown(node)}` cannot run against the clock")
    if kind_of(node, asked) != "gauge":
        raise UnsolvedError(f"`{shown(node)}` is a counter, of which nobody reads the height")
    yield one_of(node, Signal("follows" if want.clock else "stays", want.amount), asked)


def _aggregated(node: promql.AggregateExpr, want: Want, asked: Asked) -> Iterator[Regime]:
    operation = str(node.op)
    if node.modifier is not None and node.modifier.type != promql.AggModifierType.By:
        raise UnsolvedError("`without` keeps labels that nobody named")
    named = frozenset(map(str, node.modifier.labels)) if node.modifier else frozenset()
    wants = (
        [want] if not asked.twins or not _free(node, named, asked) else _parts(operation, want, node, asked)
    )
    if operation == "count":
        wants = [Want(_ONE)] * int(want.amount)
    elif operation not in ("sum", "min", "max", "avg"):
        raise UnsolvedError(f"`{operation}` is an aggregation that nobody turned round yet")
    if not wants:
        yield {}
        return
    told: list[list[Regime]] = []
    for number, part in enumerate(wants):
        inner = replace(asked, choice=asked.choice.of_twin(named, number))
        told.append(list(ways(node.expr, part, inner)))
    for way in range(max(map(len, told))):
        yield merged(one[min(way, len(one) - 1)] for one in told)


def _free(node: promql.AggregateExpr, named: frozenset[str], asked: Asked) -> bool:
    """Whether two series can be in one group: they differ in some label that it does not keep."""
    first, second = (asked.choice.of_twin(named, number) for number in (0, 1))
    return all(
        choices.labels_of(asked.project, selector, first)
        != choices.labels_of(asked.project, selector, second)
        for selector in leaves(node.expr, asked)
    )


def _parts(operation: str, want: Want, node: promql.AggregateExpr, asked: Asked) -> list[Want]:
    """Return what two series of a group are worth, so that together they are what is wanted."""
    amount = want.amount
    if operation == "sum" and want.clock == 0:
        first = amount / 2
        if amount == amount.to_integral_value():
            first = first.to_integral_value(ROUND_CEILING)
        return [Want(first), Want(amount - first)]
    aside = abs(amount) / 2 or _ONE
    if want.clock == 0 and amount in (0, 1):
        # Most of these are or are not so, and nothing between.
        beside = {"min": _ONE, "max": Decimal(0)}
        return [want, Want(beside[operation])] if operation in beside else [want]
    match operation:
        case "min":
            return [want, Want(amount + aside, want.clock)]
        case "max":
            return [want, Want(amount - aside, want.clock)]
        case "avg":
            return [Want(amount + aside, want.clock), Want(amount - aside, want.clock)]
    return [want]


def _binary(node: promql.BinaryExpr, want: Want, asked: Asked) -> Iterator[Regime]:
    operation = str(node.op)
    if operation == "or":
        yield from _either(node, want, asked)
    elif operation == "and":
        for left in ways(node.lhs, want, asked):
            yield merged([left, _holding(node.rhs, replace(asked, given={**asked.given, **left}))])
    elif operation in COMPARISONS:
        yield from _compared(node, want, asked)
    elif operation == "/" and number_of(node.rhs) is None:
        yield from _divided(node, want, asked)
    elif operation == "-" and number_of(node.rhs) is None and number_of(node.lhs) is None:
        yield from _difference(node, want, asked)
    else:
        yield from _reckoned(node, operation, want, asked)


def _reckoned(node: promql.BinaryExpr, operation: str, want: Want, asked: Asked) -> Iterator[Regime]:
    """Bring a number to the other side; of two sums the one is all and the other nothing."""
    left, right = number_of(node.lhs), number_of(node.rhs)
    other, number = (node.rhs, left) if left is not None else (node.lhs, right)
    if number is None and operation == "+":
        for mine, rest in ((node.lhs, node.rhs), (node.rhs, node.lhs)):
            given = dict(asked.given)
            known = [name for name in given if name[0] in names_in(mine)]
            if known and len(known) == len(choices.selectors_in(mine)):
                height = sum((given[name].amount for name in known), Decimal(0))
                yield from ways(rest, Want(want.amount - height), asked)
                return
        for mine, rest in ((node.lhs, node.rhs), (node.rhs, node.lhs)):
            for nothing in ways(rest, Want(Decimal(0)), asked):
                yield from (merged([one, nothing]) for one in ways(mine, want, asked))
        return
    if number is None:
        raise UnsolvedError(f"`{operation}` of two vectors is a form that nobody turned round yet")
    match operation:
        case "-" if left is not None:
            inner = Want(number.amount - want.amount, number.clock - want.clock)
        case "-":
            inner = Want(want.amount + number.amount, want.clock + number.clock)
        case "+":
            inner = Want(want.amount - number.amount, want.clock - number.clock)
        case "*" if not number.clock and not want.clock and number.amount:
            inner = Want(want.amount / number.amount)
        case "/" if right is not None and not number.clock and not want.clock:
            inner = Want(want.amount * number.amount)
        case _:
            raise UnsolvedError(f"`{shown(node)}` is a form that nobody turned round yet")
    yield from ways(other, inner, asked)


def _either(node: promql.BinaryExpr, want: Want, asked: Asked) -> Iterator[Regime]:
    """The left side; and the right one, with the left one just not there where that can be had."""
    found, why = False, ""
    for mine, rest in ((node.lhs, None), (node.rhs, node.lhs)):
        try:
            for one in ways(mine, want, asked):
                found = True
                yield merged([one, _failing(rest, replace(asked, given=one)) if rest else {}])
        except UnsolvedError as error:
            why = why or str(error)
    if not found:
        raise UnsolvedError(why)


def _compared(node: promql.BinaryExpr, want: Want, asked: Asked) -> Iterator[Regime]:
    limit = number_of(node.rhs)
    if limit is None or limit.clock:
        raise UnsolvedError(f"`{shown(node)}` compares two vectors")
    if node.modifier is not None and node.modifier.return_bool:
        if want.clock or want.amount not in (0, 1):
            raise UnsolvedError(f"`{shown(node)}` is 0 or 1")
        yield from ways(node.lhs, Want(side(str(node.op), limit.amount, holds=want.amount == 1)), asked)
    elif not want.clock and not holds_for(str(node.op), want.amount, limit.amount):
        raise UnsolvedError(f"`{shown(node)}` is never {want.amount:f}")
    else:
        yield from ways(node.lhs, want, asked)


def _holding(node: promql.Expr, asked: Asked) -> Regime:
    """Return series that let `and` through; those that have a meaning already must do so by themselves."""
    if is_given(node, asked):
        return {}
    match node:
        case promql.ParenExpr():
            return _holding(node.expr, asked)
        case promql.BinaryExpr() if str(node.op) in COMPARISONS and (limit := number_of(node.rhs)):
            return next(ways(node.lhs, Want(side(str(node.op), limit.amount, holds=True)), asked))
    return next(ways(node, Want(_ONE), asked))


def _failing(node: promql.Expr, asked: Asked) -> Regime:
    """Return series with which an expression has no value, just so; without any it has none either."""
    match node:
        case promql.ParenExpr():
            return _failing(node.expr, asked)
        case promql.BinaryExpr() if str(node.op) in COMPARISONS and (limit := number_of(node.rhs)):
            try:
                return next(ways(node.lhs, Want(side(str(node.op), limit.amount, holds=False)), asked))
            except UnsolvedError:
                return {}
        case promql.BinaryExpr() if number_of(node.lhs) is None and str(node.op) != "or":
            return _failing(node.lhs, asked)
        case promql.BinaryExpr() if str(node.op) != "or":
            return _failing(node.rhs, asked)
    return {}


def _divided(node: promql.BinaryExpr, want: Want, asked: Asked) -> Iterator[Regime]:
    """A share of a whole; what is over it may be known already, and then the whole follows from it."""
    if want.clock:
        raise UnsolvedError(f"`{shown(node)}` does not run with the clock")
    if number := number_of(node.lhs):
        yield from ways(node.rhs, Want(number.amount / want.amount), asked)
        return
    if is_given(node.lhs, asked):
        height = asked.worth(node.lhs, asked.given)
        if height is None or not want.amount:
            raise UnsolvedError(f"`{shown(node.lhs)}` is what it is")
        yield from ways(node.rhs, Want(height / want.amount), asked)
        return
    for over in ways(node.lhs, Want(want.amount * asked.whole), asked):
        inner = replace(asked, given={**asked.given, **over})
        yield from (merged([over, under]) for under in _whole(node.rhs, want.amount, inner))


def _whole(node: promql.Expr, share: Decimal, asked: Asked) -> list[Regime]:
    """Return series that are the whole, or the rest of it where it holds what is over it too."""
    try:
        return list(ways(node, Want(asked.whole), asked))
    except UnsolvedError:
        rest = Want(asked.whole * (1 - share))
        return list(ways(node, rest, replace(asked, twins=False)))


def _difference(node: promql.BinaryExpr, want: Want, asked: Asked) -> Iterator[Regime]:
    """What grows from one to the other; or the first alone, with nothing of the second."""
    grown = _predicted(node.lhs)
    if grown is not None and sorted(set(names_in(node.lhs))) == sorted(set(names_in(node.rhs))):
        selector, _, seconds = grown
        slope = want.amount * asked.step / seconds
        twins = [asked.choice.of_twin(frozenset(), number) for number in range(1 + asked.twins)]
        yield merged(
            one_of(selector, Signal("runs", slope / len(twins)), replace(asked, choice=one)) for one in twins
        )
        return
    nothing = next(ways(node.rhs, Want(Decimal(0)), asked))
    yield from (merged([one, nothing]) for one in ways(node.lhs, want, asked))


def _predicted(node: promql.Expr) -> tuple[promql.VectorSelector, promql.Expr, Decimal] | None:
    """Return of which selector, and for how many seconds, predict_linear() tells, if that is all there is."""
    match node:
        case promql.ParenExpr() | promql.AggregateExpr():
            return _predicted(node.expr)
        case promql.Call() if str(node.func.name) == "predict_linear":
            seconds = number_of(node.args[1])
            if isinstance(node.args[0], promql.MatrixSelector) and seconds is not None:
                return node.args[0].vector_selector, node.args[0], seconds.amount
    return None


def _to_come(node: promql.Call, want: Want, asked: Asked) -> Iterator[Regime]:
    """What stays where it is, and what gets there by running straight on; that which falls runs slowly."""
    selector, seconds = selector_of(node.args[0]), number_of(node.args[1])
    if want.clock or seconds is None:
        raise UnsolvedError(f"`{shown(node)}` does not run with the clock")
    if want.amount >= 0:
        yield from ways(selector, want, asked)
    steps = seconds.amount / asked.step
    slope = want.amount / 2 / steps if want.amount > 0 else -_SLOWLY
    base = want.amount - slope * (steps + asked.after)
    whole = Decimal(1000)
    for one in ways(selector, Want(whole), asked):
        if any(signal.does != "stays" for signal in one.values()):
            raise UnsolvedError(f"`{shown(selector)}` is more than one gauge")
        yield {
            name: Signal("runs", slope * signal.amount / whole, base * signal.amount / whole)
            for name, signal in one.items()
        }


_SLOWLY = Decimal("0.25")  # a step, so that one step is less than one
_PLAIN = frozenset({"last_over_time", "max_over_time", "min_over_time", "avg_over_time"})


def _called(node: promql.Call, want: Want, asked: Asked) -> Iterator[Regime]:
    name, arguments = str(node.func.name), node.args
    match name:
        case "abs":
            yield from ways(arguments[0], want, asked)
            yield from ways(arguments[0], -want, asked)
        case "clamp_min" | "clamp_max":
            yield from ways(arguments[0], want, asked)
        case "predict_linear":
            yield from _to_come(node, want, asked)
        case "label_replace":
            yield from ways(arguments[0], want, choices.replacing(asked, node))
        case "vector":
            yield from ways(arguments[0], want, asked)
        case "histogram_quantile":
            yield distribution(node, want, asked)
        case "sum_over_time" if isinstance(arguments[0], promql.SubqueryExpr):
            yield minutes(arguments[0], want, asked)
        case _ if name in _PLAIN:
            yield from ways(selector_of(arguments[0]), want, asked)
        case _:
            yield one_of(selector_of(arguments[0]), moving(node, name, want, asked), asked)
