"""Rules are evaluated at least every five minutes.

Why: Prometheus takes a series for gone five minutes after its last sample, so what is recorded less often has
gaps, and every query of it sees nothing now and then.
Fix: set the interval to 5m or shorter.
"""

from collections.abc import Iterator, Sequence

from config.spec.duration import Duration
from config.spec.model import Project
from config.spec.problem import Place
from observability.checks.finding import Finding
from observability.rules import Group

MOST = Duration(300_000)


def check(project: Project) -> Iterator[Finding]:
    yield from _interval(project.scrape.evaluation_interval, project.scrape.where("evaluation_interval"))


def check_groups(groups: Sequence[Group]) -> Iterator[Finding]:
    for group in groups:
        # An alert keeps its state between evaluations; a recorded series does not.
        if group.interval is not None and any(not rule.is_alert for rule in group.rules):
            yield from _interval(group.interval, group.interval_place or group.place)


def _interval(interval: Duration, place: Place) -> Iterator[Finding]:
    if interval > MOST:
        yield Finding(place, f"rules are evaluated every {interval}; after {MOST} their series count as gone")
