"""When an alert fires, from when its expression has an answer: the automaton of Prometheus, tick by tick."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from config.spec.duration import Duration

# After a restart Prometheus goes on with a `for` of at least the grace period, if it was away no longer than
# the tolerance, and leaves what had yet to come of it at least the grace period.
GRACE = Duration(10 * 60_000)
_TOLERANCE = Duration(60 * 60_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticks:
    """The moments of evaluation, `step` milliseconds apart; at those that are not `watched` no server ran."""

    start: int  # milliseconds since 1970
    step: int
    watched: Sequence[bool]
    grace: Duration = GRACE

    def passed(self, ticks: int) -> int:
        """Return how many milliseconds some ticks are."""
        return ticks * self.step


def firing(active: Collection[int], ticks: Ticks, for_: Duration, keep: Duration) -> Iterator[range]:
    """Yield from which tick to which one an alert fires whose expression has an answer at the active ones."""
    since = begun = quiet = seen = None
    for tick in (number for number, is_watched in enumerate(ticks.watched) if is_watched):
        if seen is not None and tick > seen + 1:
            if begun is not None:
                yield range(begun, seen + 1)
            since = None if since is None else _restored(ticks, for_, since, seen, tick)
            begun = quiet = None
        if tick in active:
            quiet = None
            since = tick if since is None else since
            if begun is None and ticks.passed(tick - since) >= for_.milliseconds:
                begun = tick
        elif begun is not None:
            quiet = tick if quiet is None else quiet
            if ticks.passed(tick - quiet) >= keep.milliseconds:
                yield range(begun, tick)
                since = begun = quiet = None
        else:
            since = None
        seen = tick
    if begun is not None and seen is not None:
        yield range(begun, seen + 1)


def _restored(ticks: Ticks, for_: Duration, since: int, seen: int, tick: int) -> int | None:
    """Return since when an alert counts as active after a restart at `tick`, or None if it begins anew."""
    if for_ < ticks.grace or ticks.passed(tick - seen) > _TOLERANCE.milliseconds:
        return None
    left = for_.milliseconds - ticks.passed(seen - since)
    if left <= 0:
        return since
    if left < ticks.grace.milliseconds:
        return tick - (for_.milliseconds - ticks.grace.milliseconds) // ticks.step
    return since + tick - seen
