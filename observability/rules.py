"""Rules and groups as Prometheus has them, whoever wrote them: a spec or a plain file."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from config.spec.duration import Duration
from config.spec.problem import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule; `name` is what it records or alerts, `places` where its parts stand, such as `labels/team`."""

    name: str
    is_alert: bool
    expr: str
    place: Place
    for_: Duration | None = None
    keep_firing_for: Duration | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict)

    def where(self, part: str) -> Place:
        """Return where a part stands, or the rule itself."""
        return self.places.get(part, self.place)

    @property
    def texts(self) -> dict[str, str]:
        """Every label and annotation, each by the name of its place."""
        labels = {f"labels/{name}": text for name, text in self.labels.items()}
        return labels | {f"annotations/{name}": text for name, text in self.annotations.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rules that are evaluated one after the other; without an interval at the pace of all."""

    name: str
    place: Place
    rules: tuple[Rule, ...]
    interval: Duration | None = None
    interval_place: Place | None = None
