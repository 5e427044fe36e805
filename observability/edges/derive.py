"""The tests at the edges of one alert, each a world of series and what the spec says must fire in it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

import promql_parser as promql

from config.spec.model import Alert, Level, Project
from observability.edges import choices
from observability.edges.evaluate import Evaluator
from observability.edges.firing import DoubtfulError, Fires, timeline
from observability.edges.regimes import (
    NOT_FOUND,
    SECONDS,
    Regimes,
    divides,
    nothing_under,
    quiet,
    steps_of,
    without_events,
)
from observability.edges.series import (
    Regime,
    Series,
    Signal,
    Stretch,
    Values,
    floats,
    is_rounded,
    merged,
    values_of,
)
from observability.edges.solve import UnsolvedError

_LONGEST = 400  # steps that a test may go on to show how it ends
_CHECKED = "that it is silent right before `for` has passed is asked just past the bound"
_BUSY = Decimal(1000)  # what a counter has behind it when the program restarts
_NEAR = Decimal("0.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeTest:
    """One test; `checks` are what fires at some steps."""

    name: str
    world: Mapping[Series, Values]
    checks: Mapping[int, frozenset[Fires]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """What came of an alert: its tests by the edge that they are for, and why an edge has none."""

    tests: dict[str, list[EdgeTest]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


Timelines = dict[Fires, list[bool]]
Wish = Callable[[Timelines], bool]
Tests = Iterator[EdgeTest]


def derive(project: Project, alert: Alert) -> Derived:
    """Return every test at an edge of the alert that can be derived, and of each other edge the reason."""
    told = Derived()
    try:
        edges = list(_Edges(project, alert).all())
    except NOT_FOUND as error:
        told.missing["every edge"] = str(error)
        return told
    known: list[EdgeTest] = []
    for edge, make in edges:
        try:
            told.tests[edge] = [one for one in make() if not _is_known(one, known)]
        except NOT_FOUND as error:
            told.missing[edge] = str(error)
    return told


def _is_known(test: EdgeTest, known: list[EdgeTest]) -> bool:
    """Whether an earlier test has the same world; else remember it."""
    if any(one.world == test.world for one in known):
        return True
    known.append(test)
    return False


class _Edges:
    """Each edge of one alert with what makes its tests."""

    def __init__(self, project: Project, alert: Alert) -> None:
        self.project, self.alert = project, alert
        self.regimes = Regimes(project, alert)

    def all(self) -> Iterator[tuple[str, Callable[[], Tests]]]:
        for severity, level in self.alert.levels.items():
            if level.has_bound:
                yield f"{severity}: just past the bound", partial(self._past, severity, level)
                yield f"{severity}: at the bound", partial(self._at, severity, level)
                yield f"{severity}: not for long enough", partial(self._early, severity, level)
        yield "no series at all", self._absent
        if not self.regimes.bounds:
            yield "the measure is there", self._present
            return
        yield "the target vanishes while it fires", self._gone
        if self.regimes.counts:
            yield "a restart while all is well", self._restart_well
            yield "a restart while it fires", self._restart_firing
        if divides(self.regimes.everything):
            yield "a denominator of 0", self._zero
        if self.regimes.windows:
            yield "what a window forgets", self._forgotten
        if self.alert.conditions and self.regimes.counts:
            yield "one series alone", self._single
        if list(self.regimes.offsets()):
            yield "a time that was not watched", self._unseen
        for condition in self.alert.conditions:
            yield f"without what {condition.measure} must say", partial(self._condition, condition.measure)
        if any(self.regimes.comparisons()) or any(self.regimes.equalities()):
            yield "what the measure compares", self._compared

    # Bounds

    def _lead(self, way: int) -> list[Stretch]:
        if not self.regimes.lead:
            return []
        regime = merged([self._well(way), self._beside(way, others=False)])
        return [Stretch(regime=quiet(regime) if self.regimes.is_above else regime, steps=self.regimes.lead)]

    def _well(self, way: int) -> Regime:
        return self.regimes.with_conditions(self.regimes.well(way))

    def _beside(self, way: int, *, others: bool) -> Regime:
        """Return what does not count, past every bound or well, and a second group in which all is well."""
        if others:
            return merged([self.regimes.second(way), self.regimes.others_of(self.regimes.strong, way)])
        well = self.regimes.others_of(self.regimes.calm, way, whole=10_000, holds=False)
        return merged([self.regimes.second(way), well])

    def _past(self, severity: str, level: Level) -> Tests:
        value = self.regimes.past(level)
        yield from self._each_way(value, lambda way: self._one_past(severity, level, value, way))

    def _each_way(self, value: Decimal, make: Callable[[int], EdgeTest]) -> Tests:
        """Make a test of every way to have a value; what one way cannot show another may."""
        made: list[EdgeTest] = []
        why: Exception | None = None
        for way in range(len(self.regimes.ways(value))):
            try:
                made.append(make(way))
            except NOT_FOUND as error:
                why = why or error
        if why and not made:
            raise why
        yield from made

    def _one_past(self, severity: str, level: Level, value: Decimal, way: int) -> EdgeTest:
        main = self.regimes.regime(value, way)
        for number in self._numbers(main):
            regime = merged([_with_number(main, number), self._beside(way, others=False)])
            lasts = steps_of(level.for_) + 3 + self._until_seen(level, regime)
            stretches = [*self._lead(way), Stretch(regime=regime, steps=lasts)]
            back = self.regimes.keep + 3 + self.regimes.window
            if lasts + back < _LONGEST:
                stretches.append(Stretch(regime=quiet(merged([self._well(way), regime])), steps=back))
            try:
                return self._test(_named(severity, "just past the bound", way), stretches, _fires(severity))
            except UnsolvedError:
                if number == self._numbers(main)[-1]:
                    raise
        raise UnsolvedError("nothing fires")

    def _numbers(self, regime: Regime) -> list[int]:
        """Return how many steps with an event may be tried, where nobody can tell how many it takes."""
        runs = any(signal.does == "run" for signal in regime.values())
        return list(range(1, 3 * self.regimes.window)) if runs else [0]

    def _until_seen(self, level: Level, regime: Regime) -> int:
        """Return how many steps it takes until a window holds nothing of before, and all that happens."""
        waits = [int(signal.amount) for signal in regime.values() if signal.does in ("anew", "run")]
        if not self.regimes.lead:
            waits.append(self.regimes.asked().after)
        if (level.below is not None and self.regimes.counts) or _goes_on(regime):
            waits.append(self.regimes.window)
        return max(waits, default=0)

    def _at(self, severity: str, level: Level) -> Tests:
        """At the bound; where rounding would decide there, just on this side of it."""
        try:
            yield from self._each_way(level.bound, partial(self._one_at, severity, level, level.bound))
        except DoubtfulError:
            near = 2 * level.bound - self.regimes.past(level)
            yield from self._each_way(near, partial(self._one_at, severity, level, near))

    def _one_at(self, severity: str, level: Level, value: Decimal, way: int) -> EdgeTest:
        main = self.regimes.regime(value, way)
        if runs := self._numbers(main)[1:]:
            return self._last_silent(severity, level, main, runs)
        lasts = steps_of(level.for_) + 4 + self._until_seen(level, main)
        if any(signal.does == "runs" for signal in main.values()):
            main = self.regimes.regime(value, way, later=lasts + 1)
        regime = merged([main, self._beside(way, others=True)])
        stretches = [*self._lead(way), Stretch(regime=regime, steps=lasts)]
        words = "at the bound" if value == level.bound else "just before the bound"
        return self._test(_named(severity, words, way), stretches, _never(severity))

    def _last_silent(self, severity: str, level: Level, main: Regime, runs: list[int]) -> EdgeTest:
        """Return the test with as many events, one a step, as do not make it fire yet."""
        last: EdgeTest | None = None
        for number in runs:
            lasts = steps_of(level.for_) + 4 + number + self.regimes.window
            stretches = [*self._lead(0), Stretch(regime=_with_number(main, number), steps=lasts)]
            try:
                last = self._test(f"{severity}, just before the bound", stretches, _never(severity))
            except UnsolvedError:
                break
        if last is None:
            raise UnsolvedError("one event is past the bound")
        return last

    def _early(self, severity: str, level: Level) -> Tests:
        """What lasts one step less than `for`, where what is measured can end at once."""
        lasts = steps_of(level.for_)
        regime = self.regimes.regime(self.regimes.past(level))
        short = min(self.regimes.windows, default=0)
        name = f"{severity}, past the bound, and gone a moment before {level.for_} have passed"
        stretches = [
            *self._lead(0),
            Stretch(regime=regime, steps=max(lasts - max(short - 1, 0), 1)),
            Stretch(regime=quiet(merged([self._well(0), regime])), steps=lasts + short + 2),
        ]
        if sum(one.steps for one in stretches) > _LONGEST:
            raise UnsolvedError(f"it would take hours to see; {_CHECKED}")
        for step in range(stretches[-2].steps, 0, -1):
            shorter = Stretch(regime=regime, steps=step)
            try:
                yield self._test(name, [*stretches[:-2], shorter, stretches[-1]], _never(severity))
            except UnsolvedError:
                continue
            return
        raise UnsolvedError(f"its window keeps it past the bound for longer than `for`; {_CHECKED}")

    # Series that come and go

    def _absent(self) -> Tests:
        lasts = max(self.regimes.longest, steps_of(self.alert.absent_for) if self.alert.absent_for else 0)
        regime = self.regimes.with_conditions({})
        if not self.regimes.bounds:
            regime = merged([regime, self.regimes.others_of(Decimal(1), 0)])
        yield self._test("no series at all", [Stretch(regime=regime, steps=lasts + 3)])

    def _present(self) -> Tests:
        """A level that speaks of a measure that is absent, or present."""
        lasts = self.regimes.longest + 3
        there = Stretch(regime=self.regimes.regime(Decimal(1)), steps=lasts)
        failed = {
            name: Signal(signal.does, Decimal(0)) for name, signal in self.regimes.regime(Decimal(1)).items()
        }
        others = self.regimes.others_of(Decimal(1), 0)
        not_there = Stretch(regime=merged([failed, others]), steps=lasts)
        yield self._test(
            "the measure is there, then it has no value, then it is back", [there, not_there, there]
        )

    def _gone(self) -> Tests:
        regime = self.regimes.regime(self.regimes.beyond)
        level = next(iter(self.alert.levels.values()))
        runs = self._numbers(regime)[-1]
        regime = _with_number(regime, runs)
        lasts = self.regimes.longest + 3 + self._until_seen(level, regime)
        silent = self.regimes.keep + 8
        if self.alert.absent_for and steps_of(self.alert.absent_for) < _LONGEST:
            silent += steps_of(self.alert.absent_for)
        stretches = [*self._lead(0), Stretch(regime=regime, steps=lasts), Stretch(regime=None, steps=silent)]
        yield self._test("the target vanishes while it fires", stretches, _fires())

    def _restart_well(self) -> Tests:
        well = self._well(0)
        lasts = self.regimes.longest + 3
        if not self.regimes.is_above:
            well = _with_number(well, 0)
        stretches = [
            Stretch(regime=well, steps=5),
            Stretch(regime=quiet(well), steps=min(lasts, max(self.regimes.window - 6, 5)), restarts=True),
        ]
        yield self._test("the program restarts while all is well", stretches, _never(), base=_BUSY)

    def _restart_firing(self) -> Tests:
        regime = self.regimes.regime(self.regimes.beyond)
        regime = _with_number(regime, self._numbers(regime)[-1])
        level = next(iter(self.alert.levels.values()))
        stretches = [
            *self._lead(0),
            Stretch(regime=regime, steps=self.regimes.longest + 3 + self._until_seen(level, regime)),
            Stretch(regime=quiet(regime), steps=5, restarts=True),
        ]
        yield self._test("the program restarts while it fires", stretches, _fires(), base=_BUSY)

    def _zero(self) -> Tests:
        regime = nothing_under(self.regimes.everything, self.regimes.regime(self.regimes.beyond))
        lasts = self.regimes.longest + 5 + self.regimes.asked().after
        # A condition that has no value may well let the alert speak.
        wish = _never() if self.regimes.divides else None
        stretches = [*self._lead_of(regime), Stretch(regime=regime, steps=lasts)]
        yield self._test("the denominator is 0", stretches, wish)

    # What is inside

    def _forgotten(self) -> Tests:
        """What was long ago does not count: events and calm in turn, or a rise and then none."""
        window, calm = self.regimes.window, self._well(0)
        past = self.regimes.regime(self.regimes.beyond)
        if _goes_on(past):
            past = self.regimes.regime(self.regimes.strong)
        if not self.regimes.lead:
            if any(one.does == "runs" and one.base is None for one in past.values()):
                strong = self.regimes.regime(self.regimes.beyond * 2)
                stretches = [
                    Stretch(regime=strong, steps=window // 3),
                    Stretch(regime=calm, steps=window + 20),
                ]
                yield self._test("a growth that the window has forgotten", stretches)
                return
            if self.alert.conditions:
                # Much was there once, and since then less and less, but not so fast that it were soon gone.
                after = self.regimes.regime(self.regimes.bounds[0], -1, later=2 * window)
                if all(one.base is not None for one in after.values() if one.does == "runs"):
                    before = {
                        name: Signal(one.does, one.amount, 2 * one.base) if one.base else one
                        for name, one in after.items()
                    }
                    stretches = [
                        Stretch(regime=before, steps=window // 12),
                        Stretch(regime=after, steps=window + 20),
                    ]
                    yield self._test("a change that the window has forgotten", stretches)
                    return
            near = self.regimes.calm * _NEAR + self.regimes.bounds[0] * (1 - _NEAR)
            after = self.regimes.regime(near)
            stretches = [Stretch(regime=calm, steps=window // 12), Stretch(regime=after, steps=window + 20)]
            yield self._test("a change that the window has forgotten", stretches)
            return
        if any(one.does == "once" for one in past.values()) and self.alert.conditions:
            apart = self.regimes.window + 3
            yield self._test(f"past the bound in two halves {apart} minutes apart", self._halves(past, apart))
        stretches = [Stretch(regime=quiet(calm), steps=2)]
        for length in self.regimes.windows:
            stretches += [
                Stretch(regime=calm, steps=length + 1),
                Stretch(regime=past, steps=max(length - 3, 1)),
                Stretch(regime=calm, steps=length // 2),
                Stretch(regime=without_events(calm), steps=length // 2 + self.regimes.keep + 6),
            ]
        yield self._test("all is well, then it is not, and is again, further apart than windows", stretches)

    def _condition(self, measure: str) -> Tests:
        """Past the bound, with one condition just such that the alert may not speak; it was so before."""
        condition = next(one for one in self.alert.conditions if one.measure == measure)
        word = "only_while" if condition is self.alert.only_while else "unless"
        others = self.regimes.others_of(self.regimes.calm, 0, holds=word == "only_while")
        alone = self.regimes.with_conditions({}, condition)
        for severity, level in self.alert.levels.items():
            main = self.regimes.regime(self.regimes.past(level), besides=condition)
            regime = merged([main, self.regimes.second(0), others])
            before = Stretch(regime=quiet(merged([alone, self._well(0)])), steps=8)
            name = f"{severity}, past the bound, kept quiet by {word} {measure}"
            lasts = steps_of(level.for_) + 3
            for more in (self._until_seen(level, regime), 0):
                stretches = [
                    *([before] if self.regimes.lead else []),
                    Stretch(regime=regime, steps=lasts + more),
                ]
                try:
                    yield self._test(name, stretches, _never(severity))
                except UnsolvedError:
                    if not more:
                        raise
                    continue
                break

    def _single(self) -> Tests:
        """With one series of everything that has many."""
        for severity, level in self.alert.levels.items():
            regime = self.regimes.regime(self.regimes.past(level), twins=False)
            lasts = steps_of(level.for_) + 3 + self._until_seen(level, regime)
            stretches = [*self._lead_of(regime), Stretch(regime=regime, steps=lasts)]
            yield self._test(f"{severity}, past the bound, with one series", stretches, _fires(severity))

    def _lead_of(self, regime: Regime) -> list[Stretch]:
        return [Stretch(regime=quiet(regime), steps=self.regimes.lead)] if self.regimes.lead else []

    def _unseen(self) -> Tests:
        """Nobody looked for a while, that long ago which the measure asks about."""
        for shift, length in self.regimes.offsets():
            regime = self.regimes.regime(self.regimes.beyond)
            stretches = [Stretch(regime=regime, steps=2)]
            for part in (length * 3 // 4, length * 3 // 2):
                stretches += [Stretch(regime=None, steps=part), Stretch(regime=regime, steps=length)]
            stretches += [Stretch(regime=regime, steps=shift + 20)]
            yield self._test("what was not watched for a while is asked about later", stretches)

    def _compared(self) -> Tests:
        """What the measure compares with a number: just such that it holds, and just not."""
        for node, limit in self.regimes.comparisons():
            for inside, word in ((limit, "at"), (limit * Decimal("0.99"), "just under")):
                for way, regime in self._inside(self.regimes.strong, node, inside):
                    name = _named(
                        f"{word} {limit:f}, which the measure compares with", "far past the bound", way
                    )
                    yield from self._in_parts(name, regime)
                    yield from self._after_others(name, regime, way)
            if len(self.regimes.windows) > 1:
                yield from self._two_windows(node, limit)
        for node in self.regimes.equalities():
            names = {str(one.name) for one in choices.selectors_in(node)}
            for way in range(len(self.regimes.ways(self.regimes.strong))):
                regime = self.regimes.regime(self.regimes.strong, way)
                if names & {name for name, _ in regime}:
                    failed = {
                        name: Signal(one.does, Decimal(0)) if name[0] in names else one
                        for name, one in regime.items()
                    }
                    stretches = [
                        *self._lead_of(failed),
                        Stretch(regime=failed, steps=self.regimes.longest + 3),
                    ]
                    yield self._test(
                        _named("far past the bound", f"but {', '.join(names)} is 0", way), stretches
                    )

    def _inside(self, value: Decimal, node: promql.Expr, inside: Decimal) -> Iterator[tuple[int, Regime]]:
        """Yield each way to have this value in which a part of the measure is worth `inside`."""
        for way in range(len(self.regimes.ways(value))):
            regime = self.regimes.scaled(self.regimes.regime(value, way), node, inside)
            if self.regimes.worth(node, regime) == inside:
                yield way, regime

    def _in_parts(self, name: str, regime: Regime) -> Tests:
        """At once, and half now and half when a window has forgotten that."""
        lasts = self.regimes.longest + 3
        yield self._test(name, [*self._lead_of(regime), Stretch(regime=regime, steps=lasts)])
        for window in self.regimes.windows:
            halves = self._halves(regime, window + 3)
            yield self._test(f"{name}, in two parts {window + 3} minutes apart", halves)

    def _after_others(self, name: str, regime: Regime, way: int) -> Tests:
        """After a busy time without faults, which a longer window still sees."""
        windows = self.regimes.windows
        if len(windows) < 2:
            return
        try:
            found = self.regimes.ways(Decimal(0))
        except UnsolvedError:
            return
        busy = {
            series: Signal(one.does, one.amount * 100, one.base)
            for series, one in found[min(way, len(found) - 1)].items()
        }
        before = [*self._lead_of(busy), Stretch(regime=busy, steps=windows[0] + 3)]
        lasts = self.regimes.longest + 3
        yield self._test(f"{name}, after a busy time", [*before, Stretch(regime=regime, steps=lasts)])
        halves = self._halves(regime, windows[0] + 3)
        yield self._test(f"{name}, in two parts after a busy time", [*before, *halves])

    def _two_windows(self, node: promql.Expr, limit: Decimal) -> Tests:
        """Just past the bound and just before it, where only the longer window sees enough."""
        level = next(iter(self.alert.levels.values()))
        past = self.regimes.past(level)
        for value, word in ((past, "past"), (2 * level.bound - past, "before")):
            for way, regime in self._inside(value, node, limit):
                name = _named(f"just {word} the bound", f"at {limit:f} in two parts", way)
                yield self._test(name, self._halves(regime, self.regimes.windows[0] + 3))

    def _halves(self, regime: Regime, apart: int) -> list[Stretch]:
        half = {
            name: Signal(one.does, one.amount / 2, one.base) if one.does == "once" else one
            for name, one in regime.items()
        }
        return [
            *self._lead_of(half),
            Stretch(regime=half, steps=apart),
            Stretch(regime=half, steps=self.regimes.longest + 3),
        ]

    # A test of stretches

    def _test(
        self, name: str, stretches: Sequence[Stretch], wish: Wish | None = None, base: Decimal = Decimal(0)
    ) -> EdgeTest:
        if any(_goes_on(stretch.regime or {}) for stretch in stretches):
            base = _BUSY  # what goes on did so before
        world = values_of(stretches, SECONDS, base)
        steps = sum(stretch.steps for stretch in stretches)
        evaluator = Evaluator(self.project, floats(world), steps, SECONDS)
        fires = dict(timeline(self.project, self.alert, evaluator, steps, SECONDS))
        ties = dict(timeline(self.project, self.alert, evaluator, steps, SECONDS, ties=True))
        if is_rounded(world) and ties != fires:
            raise DoubtfulError("a value at the bound is the sum of rounded ones")
        if wish is not None and not wish(fires):
            raise UnsolvedError(f"with the series that were found {_told(fires)}")
        return EdgeTest(name=name, world=world, checks=_checks(stretches, fires, steps))


def _named(severity: str, words: str, way: int) -> str:
    return f"{severity}, {words}" + (f", in another way ({way + 1})" if way else "")


def _goes_on(regime: Regime) -> bool:
    return any(signal.does == "each" and signal.amount for signal in regime.values())


def _with_number(regime: Regime, number: int) -> Regime:
    """Return the regime with an event in each of so many steps, where it has events that come so."""
    return {
        name: Signal("run", Decimal(number)) if signal.does == "run" else signal
        for name, signal in regime.items()
    }


def _fires(severity: str | None = None) -> Wish:
    return lambda fires: any(any(line) for one, line in fires.items() if severity in (None, one.severity))


def _never(severity: str | None = None) -> Wish:
    return lambda fires: not _fires(severity)(fires)


def _told(fires: Timelines) -> str:
    levels = sorted({one.severity for one, line in fires.items() if any(line)})
    return f"{' and '.join(levels)} fires" if levels else "nothing fires"


def _checks(stretches: Sequence[Stretch], fires: Timelines, steps: int) -> dict[int, frozenset[Fires]]:
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
