"""Every panel draws something, and the panel that an alert names shows the alert's bounds.

Why: the link in a page must open a picture with the line that was crossed.
Fix: give the panel measures or queries; name the alert in its `alerts`; do not mix bounds above and below.
"""

from collections.abc import Iterator

from config.spec.model import Panel, Project
from observability.checks.finding import Finding


def check(project: Project) -> Iterator[Finding]:
    for board in project.dashboards.values():
        for panel in board.panels:
            if not panel.measures and not panel.queries:
                yield Finding(panel.where(), f"panel {panel.id!r} has neither measures nor queries")
            if len(_operators(project, panel)) > 1:
                yield Finding(panel.where("alerts"), "one panel cannot show bounds above and below")
    for alert in project.alerts.values():
        _, shown = project.panels.get(alert.panel, (None, None))
        if shown is not None and alert.name not in shown.alerts:
            yield Finding(
                alert.where("panel"), f"panel {alert.panel!r} does not name {alert.name} in its alerts"
            )


def _operators(project: Project, panel: Panel) -> set[str]:
    alerts = (project.alerts[name] for name in panel.alerts if name in project.alerts)
    levels = [level for alert in alerts for level in alert.levels.values()]
    return {level.operator for level in levels if (level.above is None) != (level.below is None)}
