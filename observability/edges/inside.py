"""Edges inside of an alert: windows, conditions, and what its measure compares."""

from collections.abc import Iterator
from decimal import Decimal

import promql_parser as promql

from observability.edges import choices
from observability.edges.asked import UnsolvedError
from observability.edges.regimes import (
    steps_of,
)
from observability.edges.scenes import Scenes, Tests, fires, goes_on, named, never
from observability.edges.series import (
    Regime,
    Signal,
    Stretch,
    merged,
    quiet,
    without_events,
)

_LONGEST = 400  # steps that a test may go on to show how it ends
_CHECKED = "that it is silent right before `for` has passed is asked just past the bound"
_BUSY = Decimal(1000)  # what a counter has behind it when the program restarts
_NEAR = Decimal("0.1")


class Inside(Scenes):
    """Each edge of one alert that is none of a bound."""

    def _forgotten(self) -> Tests:
        """What was long ago does not count: events and calm in turn, or a rise and then none."""
        window, calm = self.regimes.window, self._well(0)
        past = self.regimes.regime(self.regimes.beyond)
        if goes_on(past):
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
                    yield self._test(name, stretches, never(severity))
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
            yield self._test(f"{severity}, past the bound, with one series", stretches, fires(severity))

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
                    name = named(
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
                        named("far past the bound", f"but {', '.join(names)} is 0", way), stretches
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
                name = named(f"just {word} the bound", f"at {limit:f} in two parts", way)
                yield self._test(name, self._halves(regime, self.regimes.windows[0] + 3))
