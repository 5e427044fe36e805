"""Grafana's JSON of each dashboard, in the classic schema that Grafana 11 to 13 provision from files."""

import json
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from grafana_foundation_sdk.builders import common, prometheus, stat, timeseries
from grafana_foundation_sdk.builders import dashboard as sdk
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    DataSourceRef,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LineInterpolation,
    SortOrder,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
    VariableOption,
)

from config.spec.model import Alert, Dashboard, Panel, Project, Row, Unit
from observability.names import DAILY_DIGEST, WATCHDOG, recorded

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
        .week_start("")
        .live_now(False)
        .timepicker(sdk.TimePicker())
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(_datasource_variable())
        .annotation(_alert_annotation())
    )
    built.links(list(_links(project)))
    data = json.loads(JSONEncoder(sort_keys=True).encode(built.build()))
    # Not hidden in a menu, as the SDK would have it.
    for shown in (*data["annotations"]["list"], *data.get("links", ())):
        del shown["placement"]
    data.setdefault("links", [])
    # What the SDK leaves out and Grafana would fill in by a migration.
    data.update(id=None, version=1, panels=list(_panels(project, board)))
    return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _datasource_variable() -> sdk.DatasourceVariable:
    """Choose among the Prometheus servers; the one that Grafana has as its default comes first."""
    default = VariableOption(selected=True, text="default", value="default")
    return sdk.DatasourceVariable("datasource").label("Data source").type("prometheus").current(default)


def _links(project: Project) -> Iterator[sdk.DashboardLink]:
    """Yield a menu of the bundle's dashboards that keeps time and data source, if there are others."""
    if len(project.dashboards) > 1:
        menu = sdk.DashboardLink("Dashboards").type(DashboardLinkType.DASHBOARDS)
        menu.tags([project.bundle.namespace]).as_dropdown(True)
        yield menu.keep_time(True).include_vars(True)


def _alert_annotation() -> sdk.AnnotationQuery:
    return (
        sdk.AnnotationQuery()
        .name("Alerts")
        .datasource(_DATASOURCE)
        .enable(True)
        .icon_color("red")
        .expr(f'ALERTS{{alertstate="firing",alertname!="{WATCHDOG}",alertname!="{DAILY_DIGEST}"}}')
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
        edges = [_WIDTH * column // len(row.panels) for column in range(len(row.panels) + 1)]
        for panel, left, right in zip(row.panels, edges[:-1], edges[1:], strict=True):
            number += 1
            place = {"x": left, "y": top, "w": right - left, "h": _HEIGHT}
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
    steps = _thresholds(project, panel)
    targets = list(_targets(project, panel))
    builder: Builder = _lines(panel, steps, targets) if panel.kind == "timeseries" else _number()
    builder.title(panel.title).description(panel.description).datasource(_DATASOURCE)
    builder.unit(GRAFANA_UNITS[panel.unit])
    # A step shorter than the scrapes would ask for points that there are not.
    builder.interval(str(project.scrape.scrape_interval))
    for index, (expr, legend) in enumerate(targets):
        query = prometheus.Dataquery().expr(expr).legend_format(legend).datasource(_DATASOURCE)
        builder.with_target(query.ref_id(chr(ord("A") + index)).range())
    builder.thresholds(sdk.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
    data: dict[str, Any] = json.loads(JSONEncoder(sort_keys=True).encode(builder.build()))
    return data


def _lines(panel: Panel, steps: list[Threshold], targets: list[tuple[str, str]]) -> timeseries.Panel:
    builder = timeseries.Panel().line_width(1).fill_opacity(10)
    builder.color_scheme(sdk.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC))
    # A gap means that nothing was known or nothing happened, and a line across it would hide that.
    builder.span_nulls(False)
    if panel.unit == "count":
        # Between 1 and 2 things there never was one and a half.
        builder.line_interpolation(LineInterpolation.STEP_AFTER)
    if panel.unit != "usdt":
        builder.axis_soft_min(0)
    legend = common.VizLegendOptions().show_legend(True)
    if len(targets) > 1 or any("{{" in text for _, text in targets):
        legend.display_mode(LegendDisplayMode.TABLE).calcs(["lastNotNull", "max"])
    else:
        legend.display_mode(LegendDisplayMode.LIST)
    builder.legend(legend)
    builder.tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    if len(steps) > 1:
        # Without room for it, a bound that is far off would not be seen at all.
        builder.axis_soft_max(max(step.value for step in steps if step.value is not None))
        builder.thresholds_style(common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.LINE))
    return builder


def _number() -> stat.Panel:
    builder = stat.Panel().color_scheme(sdk.FieldColor().mode(FieldColorModeId.THRESHOLDS))
    return builder.reduce_options(common.ReduceDataOptions().values(False).calcs(["lastNotNull"]).fields(""))


def _targets(project: Project, panel: Panel) -> Iterator[tuple[str, str]]:
    for name in panel.measures:
        measure = project.measures[name]
        labels = " ".join(f"{{{{{label}}}}}" for label in measure.by)
        # Labels are enough where all lines are of one measure.
        alone = len(panel.measures) + len(panel.queries) == 1
        legend = labels if alone and labels else f"{measure.description} {labels}".strip()
        yield recorded(project, name), legend
    for query in panel.queries:
        yield query.expr.strip(), query.legend


def _thresholds(project: Project, panel: Panel) -> list[Threshold]:
    """Return the colour steps of the alerts that the panel shows, from the lowest bound up.

    Where alerts share a bound the gravest gives the colour, and nothing beyond a bound is less grave.
    """
    ranks = list(project.routing.severities)
    sides: dict[str, dict[float, int]] = {">": {}, "<": {}}
    for alert in _alerts(project, panel):
        for severity, level in alert.levels.items():
            if not level.has_bound:
                continue
            side, bound, rank = sides[level.operator], float(level.bound), ranks.index(severity)
            side[bound] = min(rank, side.get(bound, rank))
    below, above = sorted(sides["<"]), sorted(sides[">"])
    under = list(accumulate((sides["<"][bound] for bound in reversed(below)), min))[::-1]
    # Below a bound is its colour, so a step takes the colour of the next bound above it.
    colours = [*map(_colour, under), _GOOD]
    over = map(_colour, accumulate((sides[">"][bound] for bound in above), min))
    rising = zip([*below, *above], [*colours[1:], *over], strict=True)
    return [
        Threshold(value=None, color=colours[0]),
        *(Threshold(value=bound, color=colour) for bound, colour in rising),
    ]


def _alerts(project: Project, panel: Panel) -> list[Alert]:
    return [project.alerts[name] for name in panel.alerts]


def _colour(rank: int) -> str:
    return _COLOURS[min(rank, len(_COLOURS) - 1)]
