"""A test of an alert in terms of the world: what happens, and what must fire when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from config.spec.duration import Duration
from config.spec.placed import Spec

_BEGIN, _ZERO = Duration(0), Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Increment(Spec):
    """What one event adds to one counter."""

    metric: str
    labels: Mapping[str, str] = field(default_factory=dict)
    by: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation(Spec):
    """What one event lets one histogram observe."""

    metric: str
    value: Decimal
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Spec):
    """Something that happens in the world, told by what it moves; tests speak of it."""

    name: str
    description: str
    adds: tuple[Increment, ...] = ()
    observes: tuple[Observation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening(Spec):
    """A stretch of a test's story: an event every so often, a gauge at a value, or jobs being down.

    A gauge has no sample outside its stretches. `labels` name the series that are meant, by a label of the
    gauge or by `instance`; without them all are. A job has as many instances, `web:1`, `web:2` and so on,
    as the story names.
    """

    event: str | None = None
    every: Duration | None = None
    gauge: str | None = None
    value: Decimal | None = None
    per_minute: Decimal = _ZERO
    labels: Mapping[str, str] = field(default_factory=dict)
    down: bool = False
    from_: Duration = _BEGIN
    until: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation(Spec):
    """At this time exactly these levels fire, of the series that `labels` name or of any.

    With a `value`, their texts are tested word for word. `absent` means that what fires does so because the
    measure is absent.
    """

    at: Duration
    firing: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    value: Decimal | None = None
    absent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Story(Spec):
    """A test of an alert in terms of the world."""

    name: str
    world: tuple[Happening, ...]
    expect: tuple[Expectation, ...]
