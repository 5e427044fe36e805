"""Every name that one generated file gives and another one uses."""

from functools import lru_cache

from config.spec.model import Alert, Dashboard, Project

WATCHDOG = "Watchdog"
DAILY_DIGEST = "DailyDigest"
DIGEST_SEVERITY = "digest"
HEARTBEAT_SEVERITY = "none"
NOBODY = "nobody"
RUNBOOKS = "runbooks/"  # the folder of everything that people run and read at night
MEASURE, RESOLVED = "measure", "resolved"  # the steps that the compiler adds to a runbook for alerts
# Tells the alert about an absent measure from the same alert about its value.
ABSENT = {"cause": "absent"}


def recorded(project: Project, measure: str) -> str:
    """Return the name of the recording rule of a measure."""
    return f"{project.bundle.namespace}:{measure}"


def dashboard_file(environment: str, name: str) -> str:
    """Return the path of a rendered dashboard below the output folder."""
    return f"{environment}/dashboards/{name}.json"


def runbook_file(name: str, ending: str) -> str:
    """Return the path of a rendered runbook: its script, `sh`, or its page, `md`."""
    return f"{RUNBOOKS}{name}.{ending}"


def shown_alerts(board: Dashboard) -> tuple[str, ...]:
    """Return the alerts whose bounds are shown in a dashboard, in the order of its panels."""
    return tuple(dict.fromkeys(name for panel in board.panels for name in panel.alerts))


def panel_path(project: Project, alert: Alert) -> str:
    """Return Grafana's path of the alert's panel, to stand behind the address of an environment."""
    board, _ = project.panels[alert.panel]
    return f"/d/{board.uid}?viewPanel={panel_number(project, alert.panel)}"


def links(project: Project, alert: Alert) -> dict[str, str]:
    """Return the annotations that say where to look and what to run; a page by hand has no script."""
    has_script = alert.runbook in project.runbooks
    command = {"command": runbook_file(alert.runbook, "sh")} if has_script else {}
    return {"runbook": alert.runbook, **command, "dashboard": panel_path(project, alert)}


def panel_number(project: Project, panel: str) -> int:
    """Return the number of `<dashboard>/<panel>` in its dashboard, counted from 1."""
    return _panel_numbers(project)[panel]


@lru_cache(1)
def _panel_numbers(project: Project) -> dict[str, int]:
    return {
        f"{name}/{panel.id}": number
        for name, board in project.dashboards.items()
        for number, panel in enumerate(board.panels, 1)
    }


def gravest(project: Project, alert: Alert) -> str:
    """Return the gravest severity that the alert has."""
    return next(name for name in project.routing.severities if name in alert.levels)
