"""The table of the alerts that fire now, each with the time that it lasts and the way to its runbook."""

from collections.abc import Iterator
from typing import Any

from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from config.spec.model import Links, Project
from observability.names import DAILY_DIGEST, WATCHDOG
from observability.render.bounds import severity_colour

LASTING = "lasts"
# The columns that come first; the labels that tell series apart follow.
COLUMNS = ("severity", "alertname", LASTING, "runbook")


def query(project: Project) -> str:
    """Return a query for the age of each alert that fires; the label `runbook` names its page.

    What an alert's series lacks the query puts there, so that the alerts themselves need not carry it.
    """
    others = f'alertname!~"{WATCHDOG}|{DAILY_DIGEST}"'
    firing = f'ALERTS{{alertstate="firing",{others}}}'
    text = f"time() - (ALERTS_FOR_STATE{{{others}}} and ignoring (alertstate) {firing})"
    pages: dict[str, list[str]] = {}
    for alert in project.alerts.values():
        pages.setdefault(alert.runbook, []).append(alert.name)
    for page, names in pages.items():
        text = f'label_replace({text}, "runbook", "{page}", "alertname", "{"|".join(names)}")'
    return text


def overrides(project: Project, links: Links) -> Iterator[tuple[str, list[DynamicConfigValue]]]:
    """Yield what makes two columns more than text: the colour of a severity, the link of a runbook."""
    words = {
        name: {"text": name, "color": severity_colour(project, name), "index": index}
        for index, name in enumerate(project.routing.severities)
    }
    yield (
        "severity",
        [
            DynamicConfigValue(id_val="mappings", value=[{"type": "value", "options": words}]),
            DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-text"}),
        ],
    )
    yield "runbook", [DynamicConfigValue(id_val="links", value=[_runbook_link(links)])]


def _runbook_link(links: Links) -> dict[str, Any]:
    url = f"{links.runbooks}/${{__data.fields.runbook}}"
    return {"title": "Open the runbook", "url": url, "targetBlank": True}
