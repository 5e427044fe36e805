"""Stretches of time in which series do something, and the test that they make."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from config.spec.model import Alert, Level, Project
from observability.edges.asked import UnsolvedError
from observability.edges.evaluate import Evaluator
from observability.edges.firing import DoubtfulError, Fires, timeline
from observability.edges.regimes import (
    SECONDS,
    Regimes,
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
    quiet,
    values_of,
)

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


Timelines = dict[Fires, list[bool]]
Wish = Callable[[Timelines], bool]
Tests = Iterator[EdgeTest]


class Scenes:
    """What the tests of one alert are made of."""

    def __init__(self, project: Project, alert: Alert) -> None:
        self.project, self.alert = project, alert
        self.regimes = Regimes(project, alert)

    def _lead(self, way: int) -> list[Stretch]:
        if not self.regimes.lead:
            return []
        regime = merged([self._well(way), self._beside(way, others=False)])
        return [Stretch(regime=quiet(regime) if self.regimes.is_above else regime, steps=self.regimes.lead)]

    def _lead_of(self, regime: Regime) -> list[Stretch]:
        return [Stretch(regime=quiet(regime), steps=self.regimes.lead)] if self.regimes.lead else []

    def _well(self, way: int) -> Regime:
        return self.regimes.with_conditions(self.regimes.well(way))

    def _beside(self, way: int, *, others: bool) -> Regime:
        """Return what does not count, past every bound or well, and a second group in which all is well."""
        if others:
            return merged([self.regimes.second(way), self.regimes.others_of(self.regimes.strong, way)])
        well = self.regimes.others_of(self.regimes.calm, way, whole=10_000, holds=False)
        return merged([self.regimes.second(way), well])

    def _numbers(self, regime: Regime) -> list[int]:
        """Return how many steps with an event may be tried, where nobody can tell how many it takes."""
        runs = any(signal.does == "run" for signal in regime.values())
        return list(range(1, 3 * self.regimes.window)) if runs else [0]

    def _until_seen(self, level: Level, regime: Regime) -> int:
        """Return how many steps it takes until a window holds nothing of before, and all that happens."""
        waits = [int(signal.amount) for signal in regime.values() if signal.does in ("anew", "run")]
        if not self.regimes.lead:
            waits.append(self.regimes.asked().after)
        if (level.below is not None and self.regimes.counts) or goes_on(regime):
            waits.append(self.regimes.window)
        return max(waits, default=0)

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

    def _test(
        self, name: str, stretches: Sequence[Stretch], wish: Wish | None = None, base: Decimal = Decimal(0)
    ) -> EdgeTest:
        if any(goes_on(stretch.regime or {}) for stretch in stretches):
            base = _BUSY  # what goes on did so before
        world = values_of(stretches, SECONDS, base)
        steps = sum(stretch.steps for stretch in stretches)
        evaluator = Evaluator(self.project, floats(world), steps, SECONDS)
        fires = dict(timeline(self.project, self.alert, evaluator, steps, SECONDS))
        ties = dict(timeline(self.project, self.alert, evaluator, steps, SECONDS, ties=True))
        if is_rounded(world) and ties != fires:
            raise DoubtfulError("a value at the bound is the sum of rounded ones")
        if wish is not None and not wish(fires):
            raise UnsolvedError(f"with the series that were found {told(fires)}")
        return EdgeTest(name=name, world=world, checks=checks(stretches, fires, steps))


def named(severity: str, words: str, way: int) -> str:
    return f"{severity}, {words}" + (f", in another way ({way + 1})" if way else "")


def goes_on(regime: Regime) -> bool:
    return any(signal.does == "each" and signal.amount for signal in regime.values())


def with_number(regime: Regime, number: int) -> Regime:
    """Return the regime with an event in each of so many steps, where it has events that come so."""
    return {
        name: Signal("run", Decimal(number)) if signal.does == "run" else signal
        for name, signal in regime.items()
    }


def fires(severity: str | None = None) -> Wish:
    return lambda timelines: any(
        any(line) for one, line in timelines.items() if severity in (None, one.severity)
    )


def never(severity: str | None = None) -> Wish:
    return lambda timelines: not fires(severity)(timelines)


def told(fires: Timelines) -> str:
    levels = sorted({one.severity for one, line in fires.items() if any(line)})
    return f"{' and '.join(levels)} fires" if levels else "nothing fires"


def checks(stretches: Sequence[Stretch], fires: Timelines, steps: int) -> dict[int, frozenset[Fires]]:
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
