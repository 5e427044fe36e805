"""The rules of Grafana's dashboard linter that fit generated dashboards, each under its name there."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from grafana_foundation_sdk.models import units

from observability.checks.counter_as_gauge import check_query
from observability.checks.queries import Query
from observability.promql import syntax_error
from observability.verify.board import Board, Bundle, Found

VARIABLE = "datasource"
_UNITS = frozenset(value for value in vars(units).values() if isinstance(value, str))
_ON_TIME_CHANGE = 2
_LABEL_VALUES = "label_values("


def template_datasource_rule(board: Board, _: Bundle) -> Iterator[Found]:
    """People choose the Prometheus server by a variable."""
    if not any(
        (one.get("type"), one.get("name"), one.get("query")) == ("datasource", VARIABLE, "prometheus")
        for one in board.variables
    ):
        yield board.spec.where(), f"no variable {VARIABLE!r} for a data source of type prometheus"


def template_label_promql_rule(board: Board, _: Bundle) -> Iterator[Found]:
    """The selector in a variable's `label_values()` parses."""
    for name, text in _queries(board):
        if not text.startswith(_LABEL_VALUES):
            continue
        selector, comma, _label = text.removeprefix(_LABEL_VALUES).removesuffix(")").rpartition(",")
        if comma and (error := syntax_error(selector)):
            yield board.spec.where(), f"label_values() of variable {name!r} does not parse: {error}"


def template_on_time_change_reload_rule(board: Board, _: Bundle) -> Iterator[Found]:
    """A variable's values are asked anew when the time changes."""
    for one in board.variables:
        if one.get("type") == "query" and one.get("refresh") != _ON_TIME_CHANGE:
            yield board.spec.where(), f"variable {one.get('name')!r} is not asked anew when the time changes"


def panel_datasource_rule(board: Board, _: Bundle) -> Iterator[Found]:
    """Every panel takes the data source of the variable."""
    for panel in board.panels:
        if not uses_variable(panel.data):
            yield panel.place, f"panel {panel.title!r} does not use ${{{VARIABLE}}}"


def panel_title_description_rule(board: Board, _: Bundle) -> Iterator[Found]:
    """Every panel says what it is."""
    for panel in board.panels:
        for key, text in (("title", panel.title), ("description", panel.description)):
            if not text:
                yield panel.at(key), f"panel {panel.data.get('id')} has no {key}"


def panel_units_rule(board: Board, _: Bundle) -> Iterator[Found]:
    """Every panel has a unit, and Grafana knows it."""
    for panel in board.panels:
        unit = panel.defaults.get("unit")
        if unit not in _UNITS:
            yield panel.at("unit"), f"Grafana has no unit {unit!r}" if unit else "the panel has no unit"


def panel_no_targets_rule(board: Board, _: Bundle) -> Iterator[Found]:
    """Every panel asks something."""
    for panel in board.panels:
        if not panel.targets:
            yield panel.place, f"panel {panel.title!r} has no query"


def target_promql_rule(board: Board, _: Bundle) -> Iterator[Found]:
    """Every query parses."""
    for panel in board.panels:
        for target in panel.targets:
            if error := syntax_error(target.expr):
                yield target.place, f"the query does not parse: {error}"


def target_counter_agg_rule(board: Board, bundle: Bundle) -> Iterator[Found]:
    """A counter is never drawn as it is."""
    for panel in board.panels:
        for target in panel.targets:
            if target.tree is None:
                continue
            query = Query(text=target.expr, place=target.place, is_alarming=False, known=bundle.known)
            yield from ((one.place, one.message) for one in check_query(query))


def uneditable_dashboard(board: Board, _: Bundle) -> Iterator[Found]:
    """What is generated is not edited by hand."""
    if board.data.get("editable") is not False:
        yield board.spec.where(), "the dashboard can be edited in Grafana, where the next file undoes it"


def uses_variable(data: Mapping[str, Any]) -> bool:
    """Tell whether a panel or a query takes its data source from the variable."""
    source = data.get("datasource") or {}
    return source.get("type") == "prometheus" and source.get("uid") in (f"${{{VARIABLE}}}", f"${VARIABLE}")


def _queries(board: Board) -> Iterator[tuple[str, str]]:
    """Yield the query of each variable that has one."""
    for one in board.variables:
        query = one.get("query") or ""
        if one.get("type") == "query":
            yield one.get("name") or "", str(query.get("query") if isinstance(query, dict) else query)


RULES: tuple[Callable[[Board, Bundle], Iterator[Found]], ...] = (
    template_datasource_rule,
    template_label_promql_rule,
    template_on_time_change_reload_rule,
    panel_datasource_rule,
    panel_title_description_rule,
    panel_units_rule,
    panel_no_targets_rule,
    target_promql_rule,
    target_counter_agg_rule,
    uneditable_dashboard,
)
