"""An alert silences none that is graver than itself, and none that silences it.

Why: while a warning silences a critical alert nobody is paged; two that silence each other are both unheard.
Fix: let the graver alert silence the lesser one, or give the silencing alert no lesser level.
"""

from collections.abc import Callable, Iterable, Iterator

from config.spec.model import Alert, Project
from config.spec.problem import Related
from observability.checks.finding import Finding
from observability.silencing import silenced_by


def check(project: Project) -> Iterator[Finding]:
    readable = [alert for alert in project.alerts.values() if alert.measure in project.measures]
    silenced = {
        alert.name: [other for other in silenced_by(project, alert) if other in readable]
        for alert in readable
        if alert.silences
    }
    for name, others in silenced.items():
        for other in others:
            yield from _pair(project, project.alerts[name], other)
            if project.alerts[name] in silenced.get(other.name, ()):
                text = f"{name} and {other.name} silence each other, and nobody hears of either"
                yield Finding(project.alerts[name].where("silences"), text)


def _pair(project: Project, alert: Alert, other: Alert) -> Iterator[Finding]:
    severities = list(project.routing.severities)
    least, gravest = _level(severities, alert, max), _level(severities, other, min)
    if least > gravest:
        text = f"{alert.name} fires as {severities[least]} too, and would then silence {other.name}"
        related = Related(other.where("levels"), f"{other.name} can be {severities[gravest]}")
        yield Finding(alert.where("silences"), text, related=(related,))


def _level(severities: list[str], alert: Alert, pick: Callable[[Iterable[int]], int]) -> int:
    """Return the place of the least (max) or the gravest (min) level of an alert among the severities."""
    return pick([severities.index(name) for name in alert.levels if name in severities] or [0])
