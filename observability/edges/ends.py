"""What counters and histograms do so that a function of their movement gets a value."""

from decimal import ROUND_FLOOR, Decimal

import promql_parser as promql

from observability.edges import choices
from observability.edges.asked import Asked, UnsolvedError, Want, kind_of, leaves, number_of, one_of
from observability.edges.series import Regime, Series, Signal
from observability.promql import length_of, metric_name, shown

_ONE = Decimal(1)


def selector_of(node: promql.Expr) -> promql.VectorSelector:
    if isinstance(node, promql.MatrixSelector):
        return node.vector_selector
    raise UnsolvedError(f"`{shown(node)}` is a window that nobody turned round yet")


def moving(node: promql.Call, name: str, want: Want, asked: Asked) -> Signal:
    """Return what a series does so that a function of its movement is worth what is wanted."""
    window = length_of(node.args[0])
    if window is None or want.clock or (want.amount < 0 and name != "delta"):
        raise UnsolvedError(f"`{shown(node)}` is never {want.amount:f}")
    steps = Decimal(window.milliseconds) / 1000 / asked.step
    match name:
        case "rate":
            return Signal("each", want.amount * asked.step)
        case "increase":
            return Signal("once", want.amount) if asked.at_once else Signal("each", want.amount / steps)
        case "delta":
            return Signal("runs", want.amount / steps)
        case "changes":
            return Signal("anew", want.amount)
        case "count_over_time":
            kind = kind_of(selector_of(node.args[0]), asked)
            return Signal("stays", _ONE) if kind == "gauge" else Signal("each", Decimal(0))
    raise UnsolvedError(f"`{name}()` is a function that nobody turned round yet")


def minutes(node: promql.SubqueryExpr, want: Want, asked: Asked) -> Regime:
    """Return events in so many steps, one in each: how many of them an expression then sees is tried out."""
    selectors = list(leaves(node.expr, asked))
    if len(selectors) != 1 or kind_of(selectors[0], asked) != "counter":
        raise UnsolvedError(f"`{shown(node)}` is a window that nobody turned round yet")
    return one_of(selectors[0], Signal("run", want.amount), asked)


def distribution(node: promql.Call, want: Want, asked: Asked) -> Regime:
    """Return observations of which so many are under a bucket's bound that the quantile is what is wanted."""
    selector = next(one for one in choices.selectors_in(node) if metric_name(one).endswith("_bucket"))
    metric = choices.metric_of(asked.project, selector)
    share = number_of(node.args[0])
    if metric is None or share is None or want.clock:
        raise UnsolvedError(f"`{shown(node)}` is a form that nobody turned round yet")
    named = frozenset(asked.choice.pinned)
    twins = [asked.choice.of_twin(named, number) for number in range(1 + asked.twins)]
    lower = max((one for one in metric.buckets if one < want.amount), default=Decimal(0))
    upper = min((one for one in metric.buckets if one >= want.amount), default=None)
    if upper is None:
        raise UnsolvedError(f"{want.amount:f} is above all buckets of {metric.name}")
    inside = (want.amount - lower) / (upper - lower)
    if inside == 1:
        under, up_to = Decimal(0), asked.whole * share.amount
    else:
        under = ((share.amount - inside) / (1 - inside) * asked.whole).to_integral_value(ROUND_FLOOR)
        up_to = asked.whole
    amounts = {
        str(float(one)): under if one <= lower else up_to if one == upper else asked.whole
        for one in metric.buckets
    }
    told: dict[Series, Signal] = {}
    for choice in twins:
        labels = choices.labels_of(asked.project, selector, choice)
        for bound, amount in {**amounts, "+Inf": asked.whole}.items():
            name = (f"{metric.name}_bucket", labels | {("le", bound)})
            told[name] = Signal("once", amount / len(twins))
        told[(f"{metric.name}_count", labels)] = Signal("once", asked.whole / len(twins))
    return told
