"""The tests at the edges of one alert, each a world of series and what the spec says must fire in it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from config.spec.model import Alert, Level, Project
from observability.edges.asked import UnsolvedError
from observability.edges.firing import DoubtfulError
from observability.edges.inside import Inside
from observability.edges.regimes import (
    NOT_FOUND,
    steps_of,
)
from observability.edges.scenes import EdgeTest, Tests, fires, named, never, with_number
from observability.edges.series import (
    Regime,
    Signal,
    Stretch,
    merged,
    quiet,
)
from observability.edges.trees import divides, nothing_under

_LONGEST = 400  # steps that a test may go on to show how it ends
_CHECKED = "that it is silent right before `for` has passed is asked just past the bound"
_BUSY = Decimal(1000)  # what a counter has behind it when the program restarts
_NEAR = Decimal("0.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """What came of an alert: its tests by the edge that they are for, and why an edge has none."""

    tests: dict[str, list[EdgeTest]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


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


class _Edges(Inside):
    """Each edge of one alert with what makes its tests."""

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
            regime = merged([with_number(main, number), self._beside(way, others=False)])
            lasts = steps_of(level.for_) + 3 + self._until_seen(level, regime)
            stretches = [*self._lead(way), Stretch(regime=regime, steps=lasts)]
            back = self.regimes.keep + 3 + self.regimes.window
            if lasts + back < _LONGEST:
                stretches.append(Stretch(regime=quiet(merged([self._well(way), regime])), steps=back))
            try:
                return self._test(named(severity, "just past the bound", way), stretches, fires(severity))
            except UnsolvedError:
                if number == self._numbers(main)[-1]:
                    raise
        raise UnsolvedError("nothing fires")

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
        regime, alone = (
            merged([main, self._beside(way, others=True)]),
            merged([main, self.regimes.second(way)]),
        )
        if self.regimes.worth(self.regimes.tree, regime) != self.regimes.worth(self.regimes.tree, alone):
            regime = alone  # what one selector keeps out another one means
        stretches = [*self._lead(way), Stretch(regime=regime, steps=lasts)]
        words = "at the bound" if value == level.bound else "just before the bound"
        return self._test(named(severity, words, way), stretches, never(severity))

    def _last_silent(self, severity: str, level: Level, main: Regime, runs: list[int]) -> EdgeTest:
        """Return the test with as many events, one a step, as do not make it fire yet."""
        last: EdgeTest | None = None
        for number in runs:
            lasts = steps_of(level.for_) + 4 + number + self.regimes.window
            stretches = [*self._lead(0), Stretch(regime=with_number(main, number), steps=lasts)]
            try:
                last = self._test(f"{severity}, just before the bound", stretches, never(severity))
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
                yield self._test(name, [*stretches[:-2], shorter, stretches[-1]], never(severity))
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
        regime = with_number(regime, runs)
        lasts = self.regimes.longest + 3 + self._until_seen(level, regime)
        silent = self.regimes.keep + 8
        if self.alert.absent_for and steps_of(self.alert.absent_for) < _LONGEST:
            silent += steps_of(self.alert.absent_for)
        stretches = [*self._lead(0), Stretch(regime=regime, steps=lasts), Stretch(regime=None, steps=silent)]
        yield self._test("the target vanishes while it fires", stretches, fires())

    def _restart_well(self) -> Tests:
        well = self._well(0)
        lasts = self.regimes.longest + 3
        if not self.regimes.is_above:
            well = with_number(well, 0)
        stretches = [
            Stretch(regime=well, steps=5),
            Stretch(regime=quiet(well), steps=min(lasts, max(self.regimes.window - 6, 5)), restarts=True),
        ]
        yield self._test("the program restarts while all is well", stretches, never(), base=_BUSY)

    def _restart_firing(self) -> Tests:
        regime = self.regimes.regime(self.regimes.beyond)
        regime = with_number(regime, self._numbers(regime)[-1])
        level = next(iter(self.alert.levels.values()))
        stretches = [
            *self._lead(0),
            Stretch(regime=regime, steps=self.regimes.longest + 3 + self._until_seen(level, regime)),
            Stretch(regime=quiet(regime), steps=5, restarts=True),
        ]
        yield self._test("the program restarts while it fires", stretches, fires(), base=_BUSY)

    def _zero(self) -> Tests:
        regime = nothing_under(self.regimes.everything, self.regimes.regime(self.regimes.beyond))
        lasts = self.regimes.longest + 5 + self.regimes.asked().after
        # A condition that has no value may well let the alert speak.
        wish = never() if self.regimes.divides else None
        stretches = [*self._lead_of(regime), Stretch(regime=regime, steps=lasts)]
        yield self._test("the denominator is 0", stretches, wish)

    # What is inside

    # A test of stretches
