"""Grafana's JSON of each dashboard, in the classic schema that Grafana 11 to 13 provision from files."""

import json
from collections.abc import Iterator
from typing import Any

from grafana_foundation_sdk.builders import common, prometheus, stat, timeseries
from grafana_foundation_sdk.builders import dashboard as sdk
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    DataSourceRef,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, Threshold, ThresholdsMode

from config.spec.model import Alert, Dashboard, Panel, Project, Row, Unit
from observability.names import recorded

# Panels are written as this version of their plugins reads them; a newer one migrates them itself.
_OLDEST_GRAFANA = "11.0.0"
Builder = timeseries.Panel | stat.Panel

_WIDTH, _HEIGHT = 24, 8
_COLOURS = ("red", "orange", "yellow", "blue")  # from the gravest severity on
_GOOD = "green"
_DATASOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
GRAFANA_UNITS: dict[Unit, str] = {
    "ratio": "percentunit",
    "count": "short",
    "seconds": "s",
    "per_second": "ops",
    "bytes": "bytes",
    "usdt": "currencyUSD",
}


def render(project: Project) -> dict[str, str]:
    return {f"dashboards/{name}.json": _json(project, board) for name, board in project.dashboards.items()}


def _json(project: Project, board: Dashboard) -> str:
    built = (
        sdk.Dashboard(board.title)
        .uid(board.uid)
        .description(board.description)
        .tags([project.bundle.namespace])
        .readonly()
        .refresh("30s")
        .time("now-6h", "now")
        .timezone("utc")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(sdk.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .annotation(_alert_annotation())
    )
    data = json.loads(JSONEncoder(sort_keys=True).encode(built.build()))
    # What the SDK leaves out and Grafana would fill in by a migration.
    data.update(id=None, version=1, links=[], panels=list(_panels(project, board)))
    return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _alert_annotation() -> sdk.AnnotationQuery:
    return (
        sdk.AnnotationQuery()
        .name("Alerts")
        .datasource(_DATASOURCE)
        .enable(True)
        .icon_color("red")
        .expr('ALERTS{alertstate="firing",alertname!="Watchdog",alertname!="DailyDigest"}')
        .title_format("{{alertname}}")
        .text_format("{{severity}}")
        .tag_keys("severity")
    )


def _panels(project: Project, board: Dashboard) -> Iterator[dict[str, Any]]:
    """Yield rows and panels with their place; a panel's number is its rank among the dashboard's panels."""
    number, top = 0, 0
    for index, row in enumerate(board.rows):
        yield _row(row, len(board.panels) + index + 1, top)
        top += 1
        width = _WIDTH // len(row.panels)
        for column, panel in enumerate(row.panels):
            number += 1
            place = {"x": column * width, "y": top, "w": width, "h": _HEIGHT}
            yield {**_panel(project, panel), "id": number, "gridPos": place, "pluginVersion": _OLDEST_GRAFANA}
        top += _HEIGHT


def _row(row: Row, number: int, top: int) -> dict[str, Any]:
    place = {"x": 0, "y": top, "w": _WIDTH, "h": 1}
    return {
        "type": "row",
        "title": row.title,
        "id": number,
        "collapsed": False,
        "gridPos": place,
        "panels": [],
    }


def _panel(project: Project, panel: Panel) -> dict[str, Any]:
    builder: Builder = timeseries.Panel() if panel.kind == "timeseries" else stat.Panel()
    builder.title(panel.title).description(panel.description).datasource(_DATASOURCE)
    builder.unit(GRAFANA_UNITS[panel.unit])
    for index, (expr, legend) in enumerate(_targets(project, panel)):
        query = prometheus.Dataquery().expr(expr).legend_format(legend).datasource(_DATASOURCE)
        builder.with_target(query.ref_id(chr(ord("A") + index)).range())
    if isinstance(builder, timeseries.Panel):
        builder.legend(common.VizLegendOptions().show_legend(True).display_mode(LegendDisplayMode.LIST))
        builder.tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    steps = _thresholds(project, panel)
    builder.thresholds(sdk.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
    if len(steps) > 1 and isinstance(builder, timeseries.Panel):
        builder.thresholds_style(common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.LINE))
    data: dict[str, Any] = json.loads(JSONEncoder(sort_keys=True).encode(builder.build()))
    return data


def _targets(project: Project, panel: Panel) -> Iterator[tuple[str, str]]:
    for name in panel.measures:
        measure = project.measures[name]
        legend = " ".join(f"{{{{{label}}}}}" for label in measure.by) or measure.description
        yield recorded(project, name), legend
    for query in panel.queries:
        yield query.expr.strip(), query.legend


def _thresholds(project: Project, panel: Panel) -> list[Threshold]:
    """Return the colour steps of the alerts that the panel shows, from the lowest bound up."""
    bounds = sorted(
        (level.bound, level.operator, _colour(project, severity))
        for alert in _alerts(project, panel)
        for severity, level in alert.levels.items()
    )
    above = [
        Threshold(value=float(bound), color=colour) for bound, operator, colour in bounds if operator == ">"
    ]
    below = [(float(bound), colour) for bound, operator, colour in bounds if operator == "<"]
    # Below a bound is its colour, so a step takes the colour of the next bound above it.
    colours = [colour for _, colour in below] + [_GOOD]
    rising = [
        Threshold(value=bound, color=colour) for (bound, _), colour in zip(below, colours[1:], strict=True)
    ]
    return [Threshold(value=None, color=colours[0]), *rising, *above]


def _alerts(project: Project, panel: Panel) -> list[Alert]:
    return [project.alerts[name] for name in panel.alerts]


def _colour(project: Project, severity: str) -> str:
    rank = list(project.routing.severities).index(severity)
    return _COLOURS[min(rank, len(_COLOURS) - 1)]
