"""What the series of an alert do when its measure is just past a bound, at it, or well: its regimes."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cached_property

import promql_parser as promql

from config.spec.alerting import Condition
from config.spec.duration import Duration
from config.spec.model import Alert, Level, Measure, Project
from observability.edges import choices
from observability.edges.asked import Asked, UnsolvedError, Want
from observability.edges.choices import Choice
from observability.edges.evaluate import Evaluator, UnknownFormError
from observability.edges.firing import DoubtfulError
from observability.edges.series import (
    Regime,
    Stretch,
    floats,
    merged,
    quiet,
    values_of,
)
from observability.edges.solve import ways
from observability.edges.trees import divides, is_plain
from observability.infer import TARGET_LABELS
from observability.promql import length_of, nodes, parse
from observability.world import STEP, queries_of

SECONDS = STEP.milliseconds // 1000
NOT_FOUND = (UnsolvedError, UnknownFormError, DoubtfulError, LookupError)
_RUNNING = frozenset({"predict_linear", "deriv", "delta"})
_STRONG = 20


class Regimes:
    """Everything that is asked of one alert; raises UnsolvedError where no series are found."""

    def __init__(self, project: Project, alert: Alert) -> None:
        self.project, self.alert = project, alert
        self.measure: Measure = project.measures[alert.measure]
        self.tree = parse(self.measure.query)
        self.parts = [node for query in queries_of(project, alert.measure) for node in nodes(parse(query))]
        read = queries_of(project, alert.measure, *(one.measure for one in alert.conditions))
        self.everything = [node for query in read for node in nodes(parse(query))]
        lengths = [alert.keep_firing_for, *(level.for_ for level in alert.levels.values())]
        lengths += [alert.absent_for] if alert.absent_for else []
        lengths += [length for node in self.everything if (length := length_of(node))]
        if any(length.milliseconds % STEP.milliseconds for length in lengths):
            raise UnsolvedError(f"its times are no whole numbers of {STEP}")
        self.bounds = [level.bound for level in alert.levels.values() if level.has_bound]
        self.is_above = any(level.above is not None for level in alert.levels.values())
        self.longest = max(steps_of(level.for_) for level in alert.levels.values())
        self.keep = steps_of(alert.keep_firing_for)
        functions = {str(node.func.name) for node in self.parts if isinstance(node, promql.Call)}
        # Of what runs on nothing may have been before, for it would bend the line.
        self.lead = 0 if functions & _RUNNING else 2

    @cached_property
    def windows(self) -> list[int]:
        """The lengths of the windows, in steps, from the shortest on."""
        return sorted({steps_of(length) for node in self.parts if (length := length_of(node))})

    @property
    def window(self) -> int:
        return self.windows[-1] if self.windows else 0

    @cached_property
    def counts(self) -> bool:
        """Whether what is measured comes from counters, so that a restart of the program matters."""
        leaves = (node for node in self.parts if isinstance(node, promql.VectorSelector))
        metrics = (choices.metric_of(self.project, one) for one in leaves)
        return any(metric is not None and metric.type != "gauge" for metric in metrics)

    @cached_property
    def divides(self) -> bool:
        return divides(self.parts)

    @cached_property
    def is_whole(self) -> bool:
        """Whether the measure can only be whole numbers."""
        return self.measure.unit == "count" and not self.divides

    # Values

    def past(self, level: Level) -> Decimal:
        """Return a value as near to the bound, and past it, as says something."""
        bound, sign = level.bound, 1 if level.above is not None else -1
        if self.is_whole:
            return bound.to_integral_value(ROUND_FLOOR if sign > 0 else ROUND_CEILING) + sign
        steps = {"ratio": Decimal("0.001"), "usdt": Decimal("0.01"), "seconds": Decimal(1)}
        step = steps.get(self.measure.unit)
        if self.measure.kind == "latency" or step is None:
            step = abs(bound) / 100 or Decimal("0.5")
        return bound + sign * step

    @property
    def beyond(self) -> Decimal:
        """A value just past every bound."""
        values = [self.past(level) for level in self.alert.levels.values()]
        return max(values) if self.is_above else min(values)

    @property
    def strong(self) -> Decimal:
        """A value that is far past every bound."""
        if self.measure.unit == "ratio":
            return (
                Decimal(1)
                if self.is_above and max(self.bounds) < 1
                else self.beyond * _STRONG * self.is_above
            )
        return self.beyond * _STRONG if self.is_above else min(self.beyond, Decimal(0))

    @property
    def calm(self) -> Decimal:
        """A value with which all is well."""
        if self.is_above:
            half = min(self.bounds) / 2
            return half.to_integral_value(ROUND_FLOOR) if self.is_whole else half
        most = max(self.bounds)
        if self.is_whole and self.measure.unit == "count":
            return most.to_integral_value(ROUND_CEILING)
        if self.measure.unit == "ratio":
            return min(most * 2, (1 + most) / 2)
        return most * 2 or Decimal(1_000_000)

    # Series

    def asked(self, measure: Measure | None = None, *, twins: bool = True) -> Asked:
        measure = measure or self.measure
        queries = queries_of(self.project, measure.name)
        lengths = [length_of(node) for query in queries for node in nodes(parse(query))]
        window = max((steps_of(length) for length in lengths if length), default=0)
        return Asked(
            project=self.project,
            choice=Choice(pinned=dict.fromkeys(measure.by, 0)),
            at_once=window > self.longest + 2,
            twins=twins,
            step=SECONDS,
            worth=self.worth,
            after=self._until_conditions_see(),
        )

    def _until_conditions_see(self) -> int:
        queries = queries_of(self.project, *(one.measure for one in self.alert.conditions))
        lengths = [length_of(node) for query in queries for node in nodes(parse(query))]
        windows = [steps_of(length) for length in lengths if length]
        return max(windows, default=0) + 3 if not self.lead and windows and max(windows) < self.window else 0

    def ways(self, value: Decimal, asked: Asked | None = None) -> list[Regime]:
        return list(ways(self.tree, Want(value), asked or self.asked()))

    def regime(
        self,
        value: Decimal,
        way: int = 0,
        *,
        besides: Condition | None = None,
        later: int = 0,
        twins: bool = True,
    ) -> Regime:
        """Return the series of a way, with every condition such that the alert may speak.

        The one condition `besides` is just not so. What runs on gets there so many steps later.
        """
        asked = self.asked(twins=twins)
        found = self.ways(value, replace(asked, after=asked.after + later))
        return self.with_conditions(found[min(way, len(found) - 1)], besides)

    def with_conditions(self, regime: Regime, besides: Condition | None = None) -> Regime:
        for condition in self.alert.conditions:
            holds = (condition is self.alert.only_while) is not (condition is besides)
            regime = self._with(condition, regime, holds=holds)
        return regime

    def second(self, way: int) -> Regime:
        """Return other groups in which all is well, and of which each condition that has groups is true.

        With several labels there is a group for each, which differs in that label alone.
        """
        labels = self.measure.by
        return merged(self._group(way, {one: int(one == label) for one in labels}) for label in labels)

    def _group(self, way: int, pinned: Mapping[str, int]) -> Regime:
        asked = replace(self.asked(), choice=Choice(place=1, pinned=pinned))
        well = self.well(way, asked)
        grouped = [
            condition
            for condition in self.alert.conditions
            if set(self.project.measures[condition.measure].by) & set(pinned)
        ]
        found: list[Regime] = [well, *(self._nearly(asked) if grouped else ())]
        for regime in found:
            for condition in grouped:
                regime = self._with(condition, regime, holds=True, pinned=pinned)
            if all(self._is_true(condition, regime) for condition in grouped):
                return regime
        return well

    def _nearly(self, asked: Asked) -> Iterator[Regime]:
        """Yield what another group may do too without being past any bound."""
        asked = replace(asked, after=self.longest * 4 + 2 * self.window)
        for bound in self.bounds[:1]:
            yield from self.ways(bound, asked)

    def _is_true(self, condition: Condition, regime: Regime) -> bool:
        worth = self.worth(parse(self.project.measures[condition.measure].query), regime)
        return worth is not None and worth >= condition.at_least

    def _with(
        self, condition: Condition, regime: Regime, *, holds: bool, pinned: Mapping[str, int] | None = None
    ) -> Regime:
        measure = self.project.measures[condition.measure]
        value = condition.at_least if holds else _below(condition.at_least, measure)
        asked = replace(self.asked(measure), given=regime)
        if pinned:
            asked = replace(asked, choice=Choice(place=1, pinned=pinned))
        try:
            found: Regime = next(ways(parse(measure.query), Want(value), asked))
        except UnsolvedError:
            found = {}
        if found and any(name not in regime for name in found):
            return merged([regime, found])
        return self.scaled(regime, parse(measure.query), value)

    def scaled(self, regime: Regime, node: promql.Expr, value: Decimal) -> Regime:
        """Return the same with more or less of everything, so that an expression gets a value."""
        worth = self.worth(node, regime)
        if not worth or worth == value:
            return regime
        factor = value / worth
        return {
            name: replace(signal, amount=_round(signal.amount * factor), base=signal.base)
            for name, signal in regime.items()
        }

    def worth(self, node: promql.Expr, regime: Regime) -> Decimal | None:
        """Return the greatest value of an expression once the regime has lasted, None if there is none."""
        lengths = [steps_of(length) for one in nodes(node) if (length := length_of(one))]
        lasts = 3 if any(one.does == "once" for one in regime.values()) else max(lengths, default=0) + 3
        world = values_of(
            [Stretch(regime=quiet(regime), steps=1), Stretch(regime=regime, steps=lasts)], SECONDS
        )
        try:
            lines = Evaluator(self.project, floats(world), lasts + 1, SECONDS).vector(node).values()
        except UnknownFormError:
            return None
        values = [value for line in lines if (value := line[-1]) is not None]
        return _round(Decimal(repr(max(values)))) if values else None

    def well(self, way: int = 0, asked: Asked | None = None) -> Regime:
        """Return series with which all is well, nothing at all if there are none."""
        try:
            found = self.ways(self.calm, asked)
        except UnsolvedError:
            return {}
        return found[min(way, len(found) - 1)]

    def others_of(self, value: Decimal, way: int, *, whole: int = 1000, holds: bool | None = None) -> Regime:
        """Return series that the selectors do not mean, as if they were worth this value.

        Those of conditions are such that these would hold, or would not.
        """
        told = list(self._others(self.measure, value, way, whole))
        for condition in self.alert.conditions if holds is not None else ():
            wanted = condition.at_least * _STRONG if holds else Decimal(0)
            told += self._others(self.project.measures[condition.measure], wanted, 0, whole)
        return merged(told)

    def _others(self, measure: Measure, value: Decimal, way: int, whole: int) -> Iterator[Regime]:
        tree = parse(measure.query)
        for node in (one for query in queries_of(self.project, measure.name) for one in nodes(parse(query))):
            if not isinstance(node, promql.VectorSelector) or choices.is_recorded(self.project, node):
                continue
            for values in choices.others(self.project, node):
                asked = self.asked(measure, twins=False)
                asked = replace(
                    asked, choice=replace(asked.choice, values=values), whole=Decimal(whole), given={}
                )
                try:
                    found = list(ways(tree, Want(value), asked))
                except (UnsolvedError, LookupError):
                    continue
                kept = found[min(way, len(found) - 1)]
                yield {
                    name: signal
                    for name, signal in kept.items()
                    if name[0] == str(node.name) or not TARGET_LABELS & values.keys()
                }

    def offsets(self) -> Iterator[tuple[int, int]]:
        """Yield how long ago a window ends, in steps, and how long it is."""
        for node in self.everything:
            if isinstance(node, promql.MatrixSelector) and node.vector_selector.offset:
                seconds = int(node.vector_selector.offset.total_seconds())
                yield seconds // SECONDS, steps_of(length_of(node) or STEP)

    def equalities(self) -> Iterator[promql.Expr]:
        """Yield what the measure itself wants to equal 1, and is no answer of another comparison."""
        for node in self.parts:
            if isinstance(node, promql.BinaryExpr) and str(node.op) == "==" and is_plain(node.lhs):
                yield node.lhs

    def comparisons(self) -> Iterator[tuple[promql.Expr, Decimal]]:
        """Yield what the measure itself compares with a number, beside that a denominator is not 0."""
        guards = {
            id(below)
            for node in self.parts
            if isinstance(node, promql.BinaryExpr) and str(node.op) == "/"
            for below in nodes(node.rhs)
        }
        for node in self.parts:
            if isinstance(node, promql.BinaryExpr) and str(node.op) in (">", ">=", "<", "<="):
                limit = node.rhs
                if isinstance(limit, promql.NumberLiteral) and id(node) not in guards and limit.val > 0:
                    yield node.lhs, Decimal(repr(limit.val))


def steps_of(length: Duration) -> int:
    return length.milliseconds // STEP.milliseconds


def _round(value: Decimal) -> Decimal:
    """Return a value without what reckoning with binary numbers adds to it."""
    rounded = round(value, 9)
    is_near = abs(rounded - value) < Decimal("1e-9") * max(Decimal(1), abs(value))
    return rounded if is_near else value


def _below(bound: Decimal, measure: Measure) -> Decimal:
    """Return a value that is just too little for a condition."""
    if measure.unit == "count" and bound == bound.to_integral_value():
        return bound - 1
    return bound - abs(bound) / 100
