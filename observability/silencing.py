"""Which alerts need not be told while another one fires."""

from collections.abc import Iterator

from config.spec.model import Alert, Project
from observability.world import jobs_of


def silenced_by(project: Project, alert: Alert) -> Iterator[Alert]:
    """Yield the alerts that this one silences: those that it names, and those that look only at its job."""
    if (silences := alert.silences) is None:
        return
    for other in project.alerts.values():
        named = other.name in silences.alerts
        if other.name != alert.name and (named or jobs_of(project, other) == {silences.job}):
            yield other
