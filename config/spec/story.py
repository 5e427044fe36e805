"""A test of an alert in terms of the world: what happens, and what must fire when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from config.spec.duration import Duration
from config.spec.placed import Spec

_BEGIN = Duration(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening(Spec):
    """A stretch of a test's story: an event every so often, a gauge at a value, or the job being down.

    A gauge has no sample outside its stretches. `labels` name one series of it; without them all are meant.
    """

    event: str | None = None
    every: Duration | None = None
    gauge: str | None = None
    value: Decimal | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    down: bool = False
    from_: Duration = _BEGIN
    until: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation(Spec):
    """At this time exactly these levels fire; with a `value`, their texts are tested word for word."""

    at: Duration
    firing: tuple[str, ...] = ()
    value: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story(Spec):
    """A test of an alert in terms of the world."""

    name: str
    world: tuple[Happening, ...]
    expect: tuple[Expectation, ...]
