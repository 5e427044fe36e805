"""What a runbook is: steps that a script runs and a page explains."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from config.spec.duration import Duration
from config.spec.placed import Spec

StepKind = Literal["probe", "action", "manual"]
OnFailure = Literal["abort", "continue", "rollback"]
_NONE, _MOMENT = Duration(0), Duration(2_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter(Spec):
    """A value that a person may give; without a default it must be given. `pattern` must match all of it."""

    name: str
    about: str
    pattern: str
    default: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect(Spec):
    """What lines a probe must print, and what it means if it does not: extended regular expressions."""

    finding: str
    matches: str | None = None
    lacks: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify(Spec):
    """A probe that proves that an action worked: tried `attempts` times, `every` so long."""

    run: str
    timeout: Duration
    attempts: int = 1
    every: Duration = _MOMENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Spec):
    """One step; `run` is its form on every platform that `run_on` has no other for.

    A `manual` one has `instructions` in their place, and says `because` why nothing can run it.
    """

    id: str
    title: str
    kind: StepKind
    why: str = ""
    run: str | None = None
    run_on: Mapping[str, str] = field(default_factory=dict)
    timeout: Duration = _NONE
    expect: Expect | None = None
    unless: str | None = None
    verify: Verify | None = None
    undo: str | None = None
    undo_not: str | None = None
    danger: Literal["low", "high"] = "low"
    confirm: str | None = None
    on_failure: OnFailure | None = None
    repeatable: bool = False
    instructions: str | None = None
    because: str | None = None

    @property
    def shell(self) -> Mapping[str, str]:
        """Every piece of shell by its key, such as `run`, `run_on.compose` or `verify.run`."""
        pieces = {
            "run": self.run,
            **{f"run_on.{platform}": text for platform, text in self.run_on.items()},
            "unless": self.unless,
            "verify.run": self.verify.run if self.verify else None,
            "undo": self.undo,
        }
        return {key: text for key, text in pieces.items() if text is not None}

    @property
    def after_failure(self) -> OnFailure:
        return self.on_failure or ("abort" if self.kind == "action" else "continue")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved(Spec):
    """How long to wait for the alert's measure to come back, and what to know of it."""

    attempts: int = 1
    every: Duration = _MOMENT
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook(Spec):
    """runbooks/<id>.yaml.

    With `script` the shell is written by hand: the library of that name is the whole program, and `how` says
    on the page how to use it.
    """

    title: str
    meaning: str
    impact: str
    steps: tuple[Step, ...] = ()
    alerts: tuple[str, ...] = ()
    symptoms: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    lock: str | None = None
    evidence: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    resolved: Resolved | None = None
    script: str | None = None
    how: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KitEntry(Spec):
    """A line of the incident response kit: who or what, and how to reach it or where it is."""

    what: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit(Spec):
    """What has to be at hand in an incident; `examples` if what stands here is made up."""

    contacts: tuple[KitEntry, ...]
    support: tuple[KitEntry, ...]
    dashboards: tuple[KitEntry, ...]
    credentials: tuple[KitEntry, ...]
    templates: tuple[KitEntry, ...]
    examples: bool = False

    @property
    def sections(self) -> Mapping[str, tuple[KitEntry, ...]]:
        """Return the lines by what they are of."""
        return {
            "contacts": self.contacts,
            "support": self.support,
            "dashboards": self.dashboards,
            "credentials": self.credentials,
            "templates": self.templates,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations(Spec):
    """operations.yaml: where the stack can run, each with a word about it, and which variables hold secrets.

    A variable NAME may be given as a file as well, by NAME_FILE.
    """

    platforms: Mapping[str, str]
    secrets: tuple[str, ...] = ()
    kit: Kit | None = None
