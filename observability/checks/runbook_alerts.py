"""An alert and its runbook name each other.

Why: the page of an alert links to its runbook, and the runbook's last step asks for its alerts; where they
disagree a run ends as resolved while the page that it was for goes on.
Fix: name the runbook in the alert, and the alert in the runbook's `alerts`.
"""

from collections.abc import Iterator

from config.spec.model import Project
from config.spec.names import did_you_mean
from observability.checks.finding import Finding


def check(project: Project) -> Iterator[Finding]:
    for name, runbook in project.runbooks.items():
        for index, alert_name in enumerate(runbook.alerts):
            place = runbook.where("alerts", index)
            alert = project.alerts.get(alert_name)
            if alert is None:
                yield Finding(
                    place, f"no alert named {alert_name!r}{did_you_mean(alert_name, project.alerts)}"
                )
            elif alert.runbook != name:
                yield Finding(place, f"{alert_name} names the runbook {alert.runbook!r}")
    for alert in project.alerts.values():
        runbook_of = project.runbooks.get(alert.runbook)
        if runbook_of and alert.name not in runbook_of.alerts:
            text = f"the runbook {alert.runbook!r} does not name {alert.name} in its alerts"
            yield Finding(alert.where("runbook"), text)
