"""What is alarming: the dataclasses of config/alerts/*.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from config.spec.duration import Duration
from config.spec.placed import Spec
from config.spec.story import Story

_ZERO = Duration(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level(Spec):
    """What one severity speaks of, once it lasts for `for`: a measure beyond a bound, present or absent."""

    for_: Duration
    above: Decimal | None = None
    below: Decimal | None = None
    present: bool | None = None

    @property
    def has_bound(self) -> bool:
        return self.above is not None or self.below is not None

    @property
    def operator(self) -> str:
        return ">" if self.above is not None else "<"

    @property
    def bound(self) -> Decimal:
        bound = self.above if self.above is not None else self.below
        if bound is None:
            raise ValueError("a level needs a bound here; the check level_bound says so first")
        return bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition(Spec):
    """A second measure that is at least so high."""

    measure: str
    at_least: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class WhenAbsent(Spec):
    """What becomes of an alert when its measure has no value at all: one of these three.

    It fires after a time, at its gravest level; another alert tells of it; or it is silent for a reason.
    """

    fires: Duration | None = None
    covered_by: str | None = None
    silent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Silences(Spec):
    """What need not be told while this alert fires: other alerts, and all that look only at this job."""

    alerts: tuple[str, ...] = ()
    job: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic(Spec):
    """A rhythm of an event."""

    event: str
    every: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivalent(Spec):
    """A mutant, named as `tradewatch mutate` names it, that no test can tell from the rule, and why."""

    mutant: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert(Spec):
    """One alert with a level per severity.

    `detect_within` is the promise from the fault to firing; the promise from firing to delivery belongs to
    the severity. `summary` and `description` may hold {value}, {bound}, {for} and the measure's labels.
    """

    name: str
    measure: str
    levels: Mapping[str, Level]
    detect_within: Duration
    summary: str
    description: str
    runbook: str
    panel: str
    tests: tuple[Story, ...]
    only_while: Condition | None = None
    unless: tuple[Condition, ...] = ()
    when_absent: WhenAbsent | None = None
    lowest_traffic: Traffic | None = None
    keep_firing_for: Duration = _ZERO
    silences: Silences | None = None
    equivalent: tuple[Equivalent, ...] = ()

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Every condition on another measure."""
        return (*((self.only_while,) if self.only_while else ()), *self.unless)

    @property
    def absent_for(self) -> Duration | None:
        """How long the measure must be absent until a rule of its own says so, beside the levels."""
        return self.when_absent.fires if self.when_absent else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts(Spec):
    """alerts/<subject>.yaml; `subject` is the file's name and the name of the rule group."""

    alerts: Mapping[str, Alert]
