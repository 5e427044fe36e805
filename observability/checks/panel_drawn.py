"""Every panel draws something that its kind can show, and the panel that an alert names shows its bounds.

Why: the link in a page must open a picture with the line that was crossed.
Fix: give the panel measures or queries; name the alert in its `alerts`; do not mix bounds above and below. A
gauge is for a ratio, a state has `values`, and a panel of kind alerts asks by itself, in seconds.
"""

from collections.abc import Iterator

from config.spec.model import Panel, Project
from observability.checks.finding import Finding


def check(project: Project) -> Iterator[Finding]:
    for board in project.dashboards.values():
        for panel in board.panels:
            yield from _of_its_kind(panel)
            if len(_operators(project, panel)) > 1:
                yield Finding(panel.where("alerts"), "one panel cannot show bounds above and below")
    for alert in project.alerts.values():
        _, shown = project.panels.get(alert.panel, (None, None))
        if shown is not None and alert.name not in shown.alerts:
            yield Finding(
                alert.where("panel"), f"panel {alert.panel!r} does not name {alert.name} in its alerts"
            )


def _of_its_kind(panel: Panel) -> Iterator[Finding]:
    asks = bool(panel.measures or panel.queries)
    if panel.kind == "alerts":
        if asks or panel.alerts:
            yield Finding(
                panel.where(), f"panel {panel.id!r} of kind alerts shows all that fire, and only that"
            )
        if panel.unit != "seconds":
            yield Finding(panel.where("unit"), "how long alerts last is in seconds")
    elif not asks:
        yield Finding(panel.where(), f"panel {panel.id!r} has neither measures nor queries")
    if panel.kind == "gauge" and panel.unit != "ratio":
        yield Finding(panel.where("kind"), f"a gauge goes from 0 to 100 %, and {panel.id!r} is no ratio")
    if panel.kind == "state" and not panel.values:
        yield Finding(panel.where("kind"), f"{panel.id!r} has no `values`, so its states have no names")


def _operators(project: Project, panel: Panel) -> set[str]:
    alerts = (project.alerts[name] for name in panel.alerts if name in project.alerts)
    levels = [level for alert in alerts for level in alert.levels.values()]
    return {level.operator for level in levels if (level.above is None) != (level.below is None)}
