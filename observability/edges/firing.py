"""What must fire when, by the spec of an alert and nothing that is made of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from config.spec.duration import Duration
from config.spec.model import Alert, Level, Project
from observability.edges.evaluate import Evaluator, Labels, Vector
from observability.edges.functions import Line
from observability.names import ABSENT, gravest

_SURE = 1e-9  # of a bound; what is nearer, and not at it, another order of additions may turn


class DoubtfulError(Exception):
    """A value so near to a bound that rounding would decide."""


@dataclass(frozen=True, slots=True)
class Fires:
    """What fires: a level of the alert with the labels of its series."""

    severity: str
    labels: Labels


Timeline = Mapping[Fires, list[bool]]


def timeline(
    project: Project, alert: Alert, world: Evaluator, steps: int, step: int, *, ties: bool = False
) -> Timeline:
    """Return at which steps each series of each level fires; with `ties` a value at a bound is past it."""
    told: dict[Fires, list[bool]] = {}
    measured = world.measure(alert.measure)
    for severity, level in alert.levels.items():
        for labels, line in _asked(level, measured, steps, ties=ties).items():
            active = _let(project, alert, world, labels, line)
            told[Fires(severity, labels)] = _lasting(active, level.for_, alert.keep_firing_for, step)
    if alert.absent_for is not None:
        for line in _absent(measured, steps).values():
            active = _let(project, alert, world, frozenset(), line)
            labels = frozenset(ABSENT.items())
            fires = _lasting(active, alert.absent_for, alert.keep_firing_for, step)
            told[Fires(gravest(project, alert), labels)] = fires
    return told


def _asked(level: Level, measured: Vector, steps: int, *, ties: bool) -> Vector:
    if level.present is False:
        return _absent(measured, steps)
    if not level.has_bound:
        return measured
    return {labels: list(_beyond(level, line, ties=ties)) for labels, line in measured.items()}


def _beyond(level: Level, line: Line, *, ties: bool) -> Iterator[float | None]:
    bound = float(level.bound)
    for value in line:
        if value is not None and value != bound and abs(value - bound) < _SURE * max(1, abs(bound)):
            raise DoubtfulError(f"a value of {value!r} is too near to the bound {bound:g} to be told from it")
        is_beyond = value is not None and (value > bound if level.above is not None else value < bound)
        yield value if is_beyond or (ties and value == bound) else None


def _absent(measured: Vector, steps: int) -> Vector:
    there = [any(line[step] is not None for line in measured.values()) for step in range(steps)]
    return {frozenset(): [None if one else 1.0 for one in there]}


def _let(project: Project, alert: Alert, world: Evaluator, labels: Labels, line: Line) -> list[bool]:
    """Return at which steps the conditions let the series of these labels speak."""
    active = [value is not None for value in line]
    for condition in alert.conditions:
        shared = set(project.measures[condition.measure].by) & {name for name, _ in labels}
        mine = {one for one in labels if one[0] in shared}
        others = [
            line
            for other, line in world.measure(condition.measure).items()
            if {one for one in other if one[0] in shared} == mine
        ]
        wanted, bound = condition is alert.only_while, float(condition.at_least)
        active = [one and _is_at_least(bound, others, step) is wanted for step, one in enumerate(active)]
    return active


def _is_at_least(bound: float, lines: list[Line], step: int) -> bool:
    values = [value for line in lines if (value := line[step]) is not None]
    for value in values:
        if value != bound and abs(value - bound) < _SURE * max(1, abs(bound)):
            raise DoubtfulError(f"a condition of {value!r} is too near to {bound:g} to be told from it")
    return any(value >= bound for value in values)


def _lasting(active: list[bool], lasts: Duration, keep: Duration, step: int) -> list[bool]:
    """Return when an alert fires that is true at these steps, as Prometheus reckons both lengths."""
    fires: list[bool] = []
    since: int | None = None
    gone: int | None = None
    firing = False
    for place, is_active in enumerate(active):
        if is_active:
            since, gone = place if since is None else since, None
            firing = firing or (place - since) * step * 1000 >= lasts.milliseconds
        else:
            gone = place if gone is None else gone
            firing = firing and (place - gone) * step * 1000 < keep.milliseconds
            since = since if firing else None
        fires.append(firing)
    return fires
