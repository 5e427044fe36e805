"""The tests at the edges of one alert, each a world of series and what the spec says must fire in it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import promql_parser as promql

from config.spec.alerting import Condition
from config.spec.duration import Duration
from config.spec.model import Alert, Level, Measure, Project
from observability.edges import choices
from observability.edges.choices import Choice
from observability.edges.evaluate import Evaluator, UnknownFormError
from observability.edges.firing import DoubtfulError, Fires, timeline
from observability.edges.series import (
    Regime,
    Series,
    Signal,
    Stretch,
    Values,
    floats,
    merged,
    values_of,
)
from observability.edges.solve import Asked, UnsolvedError, Want, ways
from observability.promql import length_of, nodes, parse
from observability.world import STEP, queries_of

SECONDS = STEP.milliseconds // 1000
_LEAD = 2
_LONGEST = 600  # steps that a test may take to show more than it is for
_NOT_FOUND = (UnsolvedError, UnknownFormError, DoubtfulError, LookupError)


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeTest:
    """One test; `checks` are what fires at some steps."""

    name: str
    world: Mapping[Series, Values]
    checks: Mapping[int, frozenset[Fires]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """What came of an alert: its tests, and for each edge that has none the reason."""

    tests: list[EdgeTest] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)


def derive(project: Project, alert: Alert) -> Derived:
    told = Derived()
    try:
        maker = _Maker(project, alert)
    except _NOT_FOUND as error:
        told.missing["all"] = str(error)
        return told
    for edge, make in maker.edges():
        try:
            told.tests.extend(make())
        except _NOT_FOUND as error:
            told.missing[edge] = str(error)
    return told


Wish = Callable[[dict[Fires, list[bool]]], bool]


class _Maker:
    def __init__(self, project: Project, alert: Alert) -> None:
        self.project, self.alert = project, alert
        self.measure: Measure = project.measures[alert.measure]
        self.trees = [parse(query) for query in queries_of(project, alert.measure)]
        self.tree = parse(self.measure.query)
        lengths = [alert.keep_firing_for, *(level.for_ for level in alert.levels.values())]
        lengths += [alert.absent_for] if alert.absent_for else []
        lengths += [length for node in self._nodes() if (length := length_of(node))]
        if any(length.milliseconds % STEP.milliseconds for length in lengths):
            raise UnsolvedError(f"its times are no whole numbers of {STEP}")
        windows = [length for node in self._nodes() if (length := length_of(node))]
        self.window = max(map(_steps, windows), default=0)
        self.functions = {str(node.func.name) for node in self._nodes() if isinstance(node, promql.Call)}
        self.keep = _steps(alert.keep_firing_for)
        self.bounds = [level.bound for level in alert.levels.values() if level.has_bound]
        self.lead = 0 if self.functions & {"predict_linear", "deriv", "delta"} else _LEAD

    def _nodes(self) -> Iterator[promql.Expr]:
        for tree in self.trees:
            yield from nodes(tree)

    def edges(self) -> Iterator[tuple[str, Callable[[], Iterator[EdgeTest]]]]:
        for severity, level in self.alert.levels.items():
            if not level.has_bound:
                continue
            yield f"{severity}: just past the bound", lambda s=severity, l=level: self._past(s, l)
            yield f"{severity}: at the bound", lambda s=severity, l=level: self._at(s, l)
            yield f"{severity}: just before `for` has passed", lambda s=severity, l=level: self._early(s, l)
        yield "absent", self._absent
        if self.bounds:
            yield "target gone while it fires", self._gone
            if self._counts():
                yield "restart while all is well", self._restart_well
                yield "restart while it fires", self._restart_firing
            if any(isinstance(node, promql.BinaryExpr) and str(node.op) == "/" for node in self._nodes()):
                yield "zero denominator", self._zero

    def _counts(self) -> bool:
        """Whether what is measured comes from counters, so that a restart of the program matters."""
        leaves = (one for tree in self.trees for one in choices.selectors_in(tree))
        metrics = (choices.metric_of(self.project, one) for one in leaves)
        return any(metric is not None and metric.type != "gauge" for metric in metrics)

    # What values

    def _integral(self) -> bool:
        divides = any(isinstance(n, promql.BinaryExpr) and str(n.op) == "/" for n in self._nodes())
        return self.measure.unit == "count" and not divides

    def _past_value(self, level: Level) -> Decimal:
        bound, sign = level.bound, 1 if level.above is not None else -1
        if self._integral():
            rounding = ROUND_FLOOR if sign > 0 else ROUND_CEILING
            return bound.to_integral_value(rounding) + sign
        step = {"ratio": Decimal("0.001"), "usdt": Decimal("0.01"), "seconds": Decimal(1)}.get(
            self.measure.unit
        )
        if self.measure.kind == "latency" or step is None:
            step = abs(bound) / 100 or Decimal(1)
        return bound + sign * step

    def _calm_value(self) -> Decimal:
        level = next(iter(self.alert.levels.values()))
        if level.above is not None:
            half = min(self.bounds) / 2
            return half.to_integral_value(ROUND_FLOOR) if self._integral() else half
        if self._integral():
            return max(self.bounds).to_integral_value(ROUND_CEILING)
        return (
            min(max(self.bounds) * 2, (1 + max(self.bounds)) / 2)
            if self.measure.unit == "ratio"
            else (max(self.bounds) * 2 or Decimal(1_000_000))
        )

    def _beyond(self) -> Decimal:
        """Return a value past every bound."""
        values = [self._past_value(level) for level in self.alert.levels.values()]
        return max(values) if next(iter(self.alert.levels.values())).above is not None else min(values)

    # What series

    def _asked(self, group: int = 0, *, twins: bool = True) -> Asked:
        longest = max((_steps(level.for_) for level in self.alert.levels.values()), default=0)
        pinned = dict.fromkeys(self.measure.by, group)
        return Asked(
            project=self.project,
            choice=Choice(place=group, pinned=pinned),
            at_once=self.window > longest + 2,
            twins=twins,
            step=SECONDS,
        )

    def _ways(self, value: Decimal, asked: Asked) -> list[Regime]:
        return list(ways(self.tree, Want(value), asked))

    def _regime(self, value: Decimal, way: int, *, twins: bool = True) -> Regime:
        found = self._ways(value, self._asked(twins=twins))
        return self._with_conditions(found[min(way, len(found) - 1)])

    def _with_conditions(self, regime: Regime) -> Regime:
        told = [regime]
        for condition in self.alert.conditions:
            told.append(self._condition(condition, merged(told), holds=condition is self.alert.only_while))
        return merged(told)

    def _condition(self, condition: Condition, given: Regime, *, holds: bool) -> Regime:
        measure = self.project.measures[condition.measure]
        asked = replace(
            self._asked(), choice=Choice(pinned=dict.fromkeys(measure.by, 0)), given=given, twins=False
        )
        value = condition.at_least if holds else _below(condition.at_least, measure)
        try:
            return next(ways(parse(measure.query), Want(value), asked))
        except UnsolvedError:
            return {}

    def _calm(self, way: int) -> Regime:
        try:
            return self._regime(self._calm_value(), way)
        except UnsolvedError:
            return {}

    def _lead(self, way: int) -> list[Stretch]:
        if not self.lead:
            return []
        regime = self._calm(way)
        above = next(iter(self.alert.levels.values())).above is not None
        return [Stretch(regime=_quiet(regime) if above else regime, steps=self.lead)]

    def _groups(self, way: int) -> Regime:
        """Return a second group in which all is well."""
        if not self.measure.by:
            return {}
        try:
            found = self._ways(self._calm_value(), self._asked(group=1))
        except UnsolvedError:
            return {}
        return found[min(way, len(found) - 1)]

    # Which tests

    def _count_of_ways(self, value: Decimal) -> int:
        return len(self._ways(value, self._asked()))

    def _past(self, severity: str, level: Level) -> Iterator[EdgeTest]:
        value = self._past_value(level)
        for way in range(self._count_of_ways(value)):
            yield self._fires(severity, level, value, way)

    def _fires(self, severity: str, level: Level, value: Decimal, way: int) -> EdgeTest:
        regime = merged([self._regime(value, way), self._groups(way)])
        lasts = _steps(level.for_) + 3 + self._slow(level)
        stretches = [*self._lead(way), Stretch(regime=regime, steps=lasts)]
        back = self.keep + 3 + self.window
        if lasts + back < _LONGEST:
            stretches.append(Stretch(regime=merged([_quiet(self._calm(way)), self._groups(way)]), steps=back))
        name = f"{severity}, just past the bound" + (f", the other way ({way + 1})" if way else "")
        return self._test(name, stretches, lambda fires: _ever(fires, severity))

    def _slow(self, level: Level) -> int:
        """Return how many steps it takes until a window holds nothing of before."""
        return self.window if level.below is not None and self._counts() else 0

    def _at(self, severity: str, level: Level) -> Iterator[EdgeTest]:
        for way in range(self._count_of_ways(level.bound)):
            regime = merged([self._regime(level.bound, way), self._groups(way)])
            lasts = _steps(level.for_) + 5 + self._slow(level)
            stretches = [*self._lead(way), Stretch(regime=regime, steps=lasts)]
            name = f"{severity}, at the bound" + (f", the other way ({way + 1})" if way else "")
            yield self._test(name, stretches, lambda fires: not _ever(fires, severity))

    def _early(self, severity: str, level: Level) -> Iterator[EdgeTest]:
        if _steps(level.for_) < 1:
            return
        value = self._past_value(level)
        regime = self._regime(value, 0)
        stretches = [
            *self._lead(0),
            Stretch(regime=regime, steps=_steps(level.for_)),
            Stretch(regime=_quiet(self._calm(0)), steps=_steps(level.for_) + 2),
        ]
        name = f"{severity}, past the bound for a moment less than {level.for_}"
        yield self._test(name, stretches, lambda fires: not _ever(fires, severity))

    def _absent(self) -> Iterator[EdgeTest]:
        longest = max(_steps(level.for_) for level in self.alert.levels.values())
        lasts = max(longest, _steps(self.alert.absent_for) if self.alert.absent_for else 0) + 3
        conditions = self._with_conditions({})
        yield self._test("no series at all", [Stretch(regime=conditions, steps=lasts)], lambda fires: True)

    def _gone(self) -> Iterator[EdgeTest]:
        regime = self._regime(self._beyond(), 0)
        longest = max(_steps(level.for_) for level in self.alert.levels.values())
        lasts = longest + 3
        silent = self.keep + 8
        if self.alert.absent_for and _steps(self.alert.absent_for) < _LONGEST:
            silent += _steps(self.alert.absent_for)
        stretches = [*self._lead(0), Stretch(regime=regime, steps=lasts), Stretch(regime=None, steps=silent)]
        yield self._test("the target vanishes while it fires", stretches, lambda fires: _ever(fires))

    def _restart_well(self) -> Iterator[EdgeTest]:
        calm = self._calm(0)
        stretches = [
            Stretch(regime=calm, steps=5),
            Stretch(regime=_quiet(calm), steps=self._longest_for() + 5, restarts=True),
        ]
        yield self._test(
            "the program restarts while all is well",
            stretches,
            lambda fires: not _ever(fires),
            base=Decimal(1000),
        )

    def _restart_firing(self) -> Iterator[EdgeTest]:
        regime = self._regime(self._beyond(), 0)
        lasts = self._longest_for() + 3
        stretches = [
            *self._lead(0),
            Stretch(regime=regime, steps=lasts),
            Stretch(regime=_quiet(regime), steps=5, restarts=True),
        ]
        yield self._test(
            "the program restarts while it fires", stretches, lambda fires: _ever(fires), base=Decimal(1000)
        )

    def _longest_for(self) -> int:
        return max(_steps(level.for_) for level in self.alert.levels.values())

    def _zero(self) -> Iterator[EdgeTest]:
        regime = dict(self._regime(self._beyond(), 0))
        for node in self._nodes():
            if isinstance(node, promql.BinaryExpr) and str(node.op) == "/":
                for selector in choices.selectors_in(node.rhs):
                    for name, signal in regime.items():
                        if name[0] == str(selector.name):
                            regime[name] = replace(signal, amount=Decimal(0))
        stretches = [Stretch(regime=regime, steps=self._longest_for() + 5)]
        yield self._test("the denominator is 0", stretches, lambda fires: not _ever(fires))

    # A test of stretches

    def _test(
        self, name: str, stretches: Sequence[Stretch], wish: Wish, base: Decimal = Decimal(0)
    ) -> EdgeTest:
        world = values_of(stretches, SECONDS, base)
        steps = sum(stretch.steps for stretch in stretches)
        evaluator = Evaluator(self.project, floats(world), steps, SECONDS)
        fires = dict(timeline(self.project, self.alert, evaluator, steps, SECONDS))
        if not wish(fires):
            raise UnsolvedError(f"with the series that were found {_told(fires)}")
        return EdgeTest(name=name, world=world, checks=_checks(stretches, fires, steps))


def _steps(length: Duration) -> int:
    return length.milliseconds // STEP.milliseconds


def _below(bound: Decimal, measure: Measure) -> Decimal:
    """Return a value that is just too little for a condition."""
    if measure.unit == "count":
        return bound.to_integral_value(ROUND_CEILING) - 1
    return bound - (bound / 100 or Decimal(1))


def _quiet(regime: Regime) -> dict[Series, Signal]:
    """Return the regime without what happens in it once; what goes on goes on."""
    return {
        name: replace(signal, amount=Decimal(0)) if signal.does in ("once", "run", "anew") else signal
        for name, signal in regime.items()
    }


def _ever(fires: Mapping[Fires, list[bool]], severity: str | None = None) -> bool:
    return any(any(line) for one, line in fires.items() if severity in (None, one.severity))


def _told(fires: Mapping[Fires, list[bool]]) -> str:
    levels = sorted({one.severity for one, line in fires.items() if any(line)})
    return f"{' and '.join(levels)} fires" if levels else "nothing fires"


def _checks(
    stretches: Sequence[Stretch], fires: Mapping[Fires, list[bool]], steps: int
) -> dict[int, frozenset[Fires]]:
    """Return what fires right before and after each change, and at the end of each stretch."""
    states = [frozenset(one for one, line in fires.items() if line[step]) for step in range(steps)]
    chosen = {steps - 1}
    for step in range(1, steps):
        if states[step] != states[step - 1]:
            chosen |= {step - 1, step}
    end = 0
    for stretch in stretches:
        end += stretch.steps
        chosen.add(end - 1)
    return {step: states[step] for step in sorted(chosen)}
