"""Grafana's JSON of one panel, by its kind."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders import dashboard as sdk
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    DataSourceRef,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LineInterpolation,
    SortOrder,
    TooltipDisplayMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    MatcherConfig,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from config.spec.model import Links, Panel, PanelKind, Project, Unit
from observability.names import recorded
from observability.render import firing
from observability.render.bounds import steps

# Panels are written as this version of their plugins reads them; a newer one migrates them itself.
_OLDEST_GRAFANA = "11.0.0"
Builder = timeseries.Panel | stat.Panel | bargauge.Panel | statetimeline.Panel | table.Panel
Coloured = TypeVar("Coloured", stat.Panel, bargauge.Panel, statetimeline.Panel, table.Panel)

DATASOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
# The plugin that draws each kind.
PLUGINS: Mapping[PanelKind, str] = {
    "timeseries": "timeseries",
    "stat": "stat",
    "gauge": "bargauge",
    "state": "state-timeline",
    "table": "table",
    "alerts": "table",
}
GRAFANA_UNITS: dict[Unit, str] = {
    "ratio": "percentunit",
    "count": "short",
    "seconds": "s",
    "per_second": "ops",
    "bytes": "bytes",
    "usdt": "currencyUSD",
}
# The states of a panel without bounds are told apart, and none of them is good or bad.
_STATE_COLOURS = ("blue", "purple", "orange", "yellow")
Targets = list[tuple[str, str]]


def panel_json(project: Project, panel: Panel, links: Links) -> dict[str, Any]:
    """Return a panel without number and place."""
    bounds, targets = steps(project, panel), list(_targets(project, panel))
    builder = _builder(project, panel, links, bounds, targets)
    runbooks = _runbooks(project, panel, links)
    builder.title(panel.title).description(_description(panel, runbooks)).datasource(DATASOURCE)
    builder.unit(GRAFANA_UNITS[panel.unit])
    builder.thresholds(sdk.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(bounds))
    if panel.values:
        builder.mappings([_mapping(panel)])
    builder.links([_runbook_link(name, url) for name, url in runbooks.items()])
    # A step shorter than the scrapes would ask for points that there are not.
    builder.interval(str(project.scrape.scrape_interval))
    for index, (expr, legend) in enumerate(targets):
        query = prometheus.Dataquery().expr(expr).legend_format(legend).datasource(DATASOURCE)
        query.instant().format(PromQueryFormat.TABLE) if _is_table(panel) else query.range()
        builder.with_target(query.ref_id(_ref(index)))
    data: dict[str, Any] = json.loads(JSONEncoder(sort_keys=True).encode(builder.build()))
    data["links"] = unplaced(data.get("links", []))
    return {**data, "pluginVersion": _OLDEST_GRAFANA}


def unplaced(shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return links or annotations that are not hidden in a menu, as the SDK would have them."""
    return [{key: value for key, value in one.items() if key != "placement"} for one in shown]


def _builder(
    project: Project, panel: Panel, links: Links, bounds: list[Threshold], targets: Targets
) -> Builder:
    match panel.kind:
        case "timeseries":
            return _lines(panel, bounds, targets)
        case "stat":
            return _by_bounds(stat.Panel()).reduce_options(_last())
        case "gauge":
            bars = _by_bounds(bargauge.Panel()).reduce_options(_last()).min(0).max(1)
            return bars.orientation(VizOrientation.HORIZONTAL).display_mode(BarGaugeDisplayMode.BASIC)
        case "state":
            return _by_bounds(statetimeline.Panel()).legend(common.VizLegendOptions().show_legend(False))
        case "table":
            return _table(targets, bounds)
        case "alerts":
            return _firing(project, links)


def _by_bounds(builder: Coloured) -> Coloured:
    return builder.color_scheme(sdk.FieldColor().mode(FieldColorModeId.THRESHOLDS))


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().values(False).calcs(["lastNotNull"]).fields("")


def _lines(panel: Panel, bounds: list[Threshold], targets: Targets) -> timeseries.Panel:
    builder = timeseries.Panel().line_width(1).fill_opacity(10)
    builder.color_scheme(sdk.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC))
    # A gap means that nothing was known or nothing happened, and a line across it would hide that.
    builder.span_nulls(False)
    if panel.unit == "count":
        # Between 1 and 2 things there never was one and a half.
        builder.line_interpolation(LineInterpolation.STEP_AFTER)
    drawn = [step.value for step in bounds if step.value is not None]
    if panel.unit != "usdt":
        builder.axis_soft_min(min([0.0, *drawn]))
    legend = common.VizLegendOptions().show_legend(True)
    if len(targets) > 1 or any("{{" in text for _, text in targets):
        legend.display_mode(LegendDisplayMode.TABLE).calcs(["lastNotNull", "max"])
    else:
        legend.display_mode(LegendDisplayMode.LIST)
    builder.legend(legend)
    builder.tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    if drawn:
        # Without room for it, a bound that is far off would not be seen at all.
        builder.axis_soft_max(max(drawn))
        builder.thresholds_style(common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.LINE))
    return builder


def _table(targets: Targets, bounds: list[Threshold]) -> table.Panel:
    """Return a row for each series; its labels are columns, and its value is one under the query's legend."""
    builder = _by_bounds(table.Panel())
    is_merged = len(targets) > 1
    if is_merged:
        builder.with_transformation(DataTransformerConfig(id_val="merge", options={}))
    names = {
        f"Value #{_ref(index)}" if is_merged else "Value": legend for index, (_, legend) in enumerate(targets)
    }
    builder.with_transformation(_columns(names, {}))
    if len(bounds) > 1:
        is_number = MatcherConfig(id_val="byType", options="number")
        colour = DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-text"})
        builder.with_override(is_number, [colour])
    return builder


def _firing(project: Project, links: Links) -> table.Panel:
    builder = _by_bounds(table.Panel()).no_value("nothing fires")
    order = {"Value" if name == firing.LASTING else name: rank for rank, name in enumerate(firing.COLUMNS)}
    builder.with_transformation(_columns({"Value": firing.LASTING}, order))
    for column, properties in firing.overrides(project, links):
        builder.override_by_name(column, properties)
    keys = ("severity", firing.LASTING)
    return builder.sort_by([common.TableSortByFieldState().display_name(key) for key in keys])


def _columns(names: Mapping[str, str], order: Mapping[str, int]) -> DataTransformerConfig:
    """Name and order the columns; the time is that of the question and says nothing."""
    options = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": names}
    return DataTransformerConfig(id_val="organize", options=options)


def _is_table(panel: Panel) -> bool:
    return PLUGINS[panel.kind] == "table"


def _ref(index: int) -> str:
    return chr(ord("A") + index)


def _mapping(panel: Panel) -> ValueMap:
    """Put words in the place of numbers; where bounds give no colour, each state has one of its own."""
    is_plain = panel.kind == "state" and not panel.alerts
    colours = _STATE_COLOURS if is_plain else (None,)
    return ValueMap(
        options={
            number: ValueMappingResult(text=word, color=colours[index % len(colours)], index=index)
            for index, (number, word) in enumerate(panel.values.items())
        }
    )


def _runbooks(project: Project, panel: Panel, links: Links) -> dict[str, str]:
    """Return the address of each runbook of the alerts that the panel shows."""
    names = dict.fromkeys(project.alerts[name].runbook for name in panel.alerts)
    return {name: f"{links.runbooks}/{name}" for name in names}


def _runbook_link(name: str, url: str) -> sdk.DashboardLink:
    return sdk.DashboardLink(f"Runbook {name}").type(DashboardLinkType.LINK).url(url).target_blank(True)


def _description(panel: Panel, runbooks: Mapping[str, str]) -> str:
    """Return what the panel says of itself, and which page to open when it is not as it should be."""
    pages = ", ".join(f"[{name}]({url})" for name, url in runbooks.items())
    return f"{panel.description.strip()}\n\nRunbook: {pages}" if pages else panel.description


def _targets(project: Project, panel: Panel) -> Iterator[tuple[str, str]]:
    if panel.kind == "alerts":
        yield firing.query(project), firing.LASTING
    for name in panel.measures:
        measure = project.measures[name]
        labels = " ".join(f"{{{{{label}}}}}" for label in measure.by)
        # Labels are enough where all lines are of one measure; a table has them as columns.
        alone = len(panel.measures) + len(panel.queries) == 1
        if _is_table(panel):
            yield recorded(project, name), measure.description
        else:
            legend = labels if alone and labels else f"{measure.description} {labels}".strip()
            yield recorded(project, name), legend
    for query in panel.queries:
        yield query.expr.strip(), query.legend
