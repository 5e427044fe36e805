"""Which alerts held for a while, though not long enough to fire, and how near they came."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

Json = Mapping[str, Any]
_GAP = 2.5  # evaluations without a sample end a stretch


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The longest time that a level held in one go, in seconds of life; `needed` is its `for`."""

    alert: str
    severity: str
    labels: str
    times: int
    held: float
    needed: float
    fired: bool

    @property
    def share(self) -> float:
        """How much of its `for` had passed, at most 1."""
        if self.fired or not self.needed:
            return 1.0
        return min(self.held / self.needed, 1.0)


def stretches(
    series: Iterable[Json], needed: Mapping[tuple[str, str], float], beat: float, scale: float
) -> list[Stretch]:
    """Return what held, the nearest first, from the matrix of ALERTS and each level's `for` in seconds.

    `beat` is the time between two evaluations in seconds, as Prometheus runs; lengths are told in life.
    """
    by_labels: dict[tuple[tuple[str, str], ...], dict[str, list[float]]] = {}
    for one in series:
        labels = {name: text for name, text in one["metric"].items() if name != "__name__"}
        state = labels.pop("alertstate")
        times = [float(at) for at, _ in one["values"]]
        by_labels.setdefault(tuple(sorted(labels.items())), {}).setdefault(state, []).extend(times)
    found = []
    for key, states in by_labels.items():
        labels = dict(key)
        name, severity = labels.pop("alertname"), labels.pop("severity", "")
        runs = _runs(sorted({at for times in states.values() for at in times}), beat)
        found.append(
            Stretch(
                alert=name,
                severity=severity,
                labels=", ".join(f"{label}={text}" for label, text in sorted(labels.items())),
                times=len(runs),
                held=max(runs) * scale,
                needed=needed.get((name, severity), 0.0) * scale,
                fired="firing" in states,
            )
        )
    return sorted(found, key=lambda one: (-one.share, one.alert, one.severity, one.labels))


def needed_of(rules: Json) -> dict[tuple[str, str], float]:
    """Return each level's `for` in seconds, the longest of its rules, from the answer of /api/v1/rules."""
    needed: dict[tuple[str, str], float] = {}
    for group in rules["data"]["groups"]:
        for rule in group["rules"]:
            if rule["type"] == "alerting":
                key = rule["name"], rule["labels"].get("severity", "")
                needed[key] = max(needed.get(key, 0.0), float(rule["duration"]))
    return needed


def as_range(begin: datetime, end: datetime, beat: float) -> dict[str, str]:
    """Return the parameters of /api/v1/query_range that show every evaluation of ALERTS."""
    return {
        "query": "ALERTS",
        "start": f"{begin.timestamp():.3f}",
        "end": f"{end.timestamp():.3f}",
        "step": f"{beat:.3f}",
    }


def _runs(times: list[float], beat: float) -> list[float]:
    """Return how long each stretch without a gap lasted."""
    runs, begin = [], times[0]
    for before, at in pairwise(times):
        if at - before > _GAP * beat:
            runs.append(before - begin)
            begin = at
    return [*runs, times[-1] - begin]
