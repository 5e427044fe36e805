"""Grafana's JSON of each dashboard, in the classic schema that Grafana 11 to 13 provision from files."""

import json
from collections.abc import Iterator
from typing import Any

from grafana_foundation_sdk.builders import dashboard as sdk
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DashboardLinkType, VariableOption

from config.spec.model import Dashboard, Links, Project, Row
from observability.names import dashboard_file, shown_alerts
from observability.render.grid import WIDTH, places
from observability.render.panels import DATASOURCE, panel_json, unplaced

_ROW_HEIGHT = 1


def render(project: Project) -> dict[str, str]:
    return {
        dashboard_file(environment, name): _json(project, board, values.links)
        for environment, values in project.environments.items()
        for name, board in project.dashboards.items()
    }


def _json(project: Project, board: Dashboard, links: Links) -> str:
    built = (
        sdk.Dashboard(board.title)
        .uid(board.uid)
        .description(board.description)
        .tags([project.bundle.namespace])
        .readonly()
        .refresh("30s")
        .time("now-6h", "now")
        .timezone("utc")
        .week_start("")
        .live_now(False)
        .timepicker(sdk.TimePicker())
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(_datasource_variable())
    )
    built.annotations(list(_annotations(board)))
    built.links(list(_links(project)))
    data = json.loads(JSONEncoder(sort_keys=True).encode(built.build()))
    data["annotations"].setdefault("list", [])
    data["annotations"]["list"] = unplaced(data["annotations"]["list"])
    data["links"] = unplaced(data.get("links", []))
    # What the SDK leaves out and Grafana would fill in by a migration.
    data.update(id=None, version=1, panels=list(_panels(project, board, links)))
    return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _datasource_variable() -> sdk.DatasourceVariable:
    """Choose among the Prometheus servers; the one that Grafana has as its default comes first."""
    default = VariableOption(selected=True, text="default", value="default")
    return sdk.DatasourceVariable("datasource").label("Data source").type("prometheus").current(default)


def _links(project: Project) -> Iterator[sdk.DashboardLink]:
    """Yield what Grafana makes a button for each other dashboard of; it keeps time and data source."""
    if len(project.dashboards) > 1:
        others = sdk.DashboardLink("Dashboards").type(DashboardLinkType.DASHBOARDS)
        others.tags([project.bundle.namespace]).as_dropdown(False)
        yield others.keep_time(True).include_vars(True)


def _annotations(board: Dashboard) -> Iterator[sdk.AnnotationQuery]:
    """Yield a mark for the times in which alerts fired whose bounds the dashboard shows."""
    if alerts := shown_alerts(board):
        firing = f'ALERTS{{alertstate="firing",alertname=~"{"|".join(alerts)}"}}'
        marks = sdk.AnnotationQuery().name("Alerts").datasource(DATASOURCE).enable(True).icon_color("red")
        yield (
            marks.expr(firing)
            .title_format("{{alertname}}")
            .text_format("{{severity}} {{instance}}")
            .tag_keys("severity")
        )


def _panels(project: Project, board: Dashboard, links: Links) -> Iterator[dict[str, Any]]:
    """Yield rows and panels with their place; a panel's number is its rank among the dashboard's panels."""
    number, top = 0, 0
    for index, row in enumerate(board.rows):
        yield _row(row, len(board.panels) + index + 1, top)
        top += _ROW_HEIGHT
        for panel, place in zip(row.panels, places(row.panels, top), strict=True):
            number += 1
            yield {**panel_json(project, panel, links), "id": number, "gridPos": place}
        top = place["y"] + place["h"]


def _row(row: Row, number: int, top: int) -> dict[str, Any]:
    place = {"x": 0, "y": top, "w": WIDTH, "h": _ROW_HEIGHT}
    return {
        "type": "row",
        "title": row.title,
        "id": number,
        "collapsed": False,
        "gridPos": place,
        "panels": [],
    }
