"""Reads Grafana's dashboard JSON: rows of panels, with what is needed to draw each."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scripts.sink.body import mapping
from scripts.sink.colours import tone
from scripts.sink.wording import plain

_RATE_INTERVAL = re.compile(r"\$(?:__rate_interval\b|\{__rate_interval\})")
# `$1` is no variable but a group of label_replace, and `$"` ends a pattern.
_VARIABLE = re.compile(r"\$(?:[A-Za-z_]\w*|\{[^}]*\})")
_COLUMNS = 24
_BIG_NUMBERS = frozenset(("stat", "gauge", "bargauge"))
_LINES = frozenset(("timeseries", "graph"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """`variables`: what only Grafana could fill in; a query with any cannot be asked."""

    expression: str
    legend: str
    variables: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    start: float
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    id: str
    title: str
    description: str
    kind: str
    width: int
    unit: str
    queries: tuple[Query, ...]
    thresholds: tuple[Threshold, ...]
    has_threshold_lines: bool
    bounds: tuple[float, ...]
    text: str
    notes: tuple[str, ...]

    @property
    def is_number(self) -> bool:
        return self.kind in _BIG_NUMBERS

    def tone_of(self, value: float) -> str:
        passed = [step.tone for step in self.thresholds if value >= step.start]
        return passed[-1] if passed else "grey"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]

    def panels(self) -> dict[str, Panel]:
        return {panel.id: panel for row in self.rows for panel in row.panels}


def read_board(dashboard: Mapping[str, Any]) -> Board:
    return Board(
        uid=plain(dashboard.get("uid")),
        title=plain(dashboard.get("title")),
        description=plain(dashboard.get("description")),
        rows=tuple(row for row in _rows(dashboard) if row.panels),
    )


def _rows(dashboard: Mapping[str, Any]) -> Iterator[Row]:
    """A row is followed by its panels, or, when it is collapsed, holds them."""
    title, panels = "", list[Panel]()
    for item in _in_place(dashboard.get("panels")):
        if item.get("type") == "row":
            yield Row(title=title, panels=tuple(panels))
            title, panels = (
                plain(item.get("title")),
                [_panel(inner) for inner in _in_place(item.get("panels"))],
            )
        else:
            panels.append(_panel(item))
    yield Row(title=title, panels=tuple(panels))


def _in_place(value: Any) -> list[dict[str, Any]]:
    """Top to bottom and left to right, as Grafana lays them out."""

    def place(item: Mapping[str, Any]) -> tuple[float, float]:
        grid = mapping(item.get("gridPos"))
        return _number(grid.get("y"), 0), _number(grid.get("x"), 0)

    return sorted(_objects(value), key=place)


def _panel(data: Mapping[str, Any]) -> Panel:
    defaults = mapping(mapping(data.get("fieldConfig")).get("defaults"))
    options = mapping(data.get("options"))
    style = mapping(mapping(defaults.get("custom")).get("thresholdsStyle")).get("mode")
    thresholds = tuple(_thresholds(mapping(defaults.get("thresholds"))))
    limits = (_number(defaults.get(key), math.nan) for key in ("min", "max"))
    return Panel(
        id=plain(data.get("id")),
        title=plain(data.get("title")) or f"Panel {plain(data.get('id'))}",
        description=plain(data.get("description")),
        kind=plain(data.get("type")),
        width=min(max(int(_number(mapping(data.get("gridPos")).get("w"), _COLUMNS)), 1), _COLUMNS),
        unit=plain(defaults.get("unit")),
        queries=tuple(_query(target) for target in _objects(data.get("targets")) if _is_asked(target)),
        thresholds=thresholds,
        has_threshold_lines=style not in (None, "off"),
        bounds=tuple(limit for limit in limits if math.isfinite(limit)),
        text=plain(options.get("content")),
        notes=tuple(_notes(data, defaults, options)),
    )


def _thresholds(config: Mapping[str, Any]) -> Iterator[Threshold]:
    if config.get("mode") == "percentage":
        return
    for step in _objects(config.get("steps")):
        yield Threshold(start=_number(step.get("value"), -math.inf), tone=tone(plain(step.get("color"))))


def _is_asked(target: Mapping[str, Any]) -> bool:
    return bool(target.get("expr")) and not target.get("hide")


def _query(target: Mapping[str, Any]) -> Query:
    expression = _RATE_INTERVAL.sub("5m", plain(target.get("expr")))
    return Query(
        expression=expression,
        legend=plain(target.get("legendFormat")),
        variables=tuple(dict.fromkeys(_VARIABLE.findall(expression))),
    )


def _notes(data: Mapping[str, Any], defaults: Mapping[str, Any], options: Mapping[str, Any]) -> Iterator[str]:
    """What Grafana would do and this page does not."""
    kind = plain(data.get("type"))
    if kind not in _LINES | _BIG_NUMBERS | {"text"}:
        yield f"Grafana draws this as {kind or 'a panel without a type'}; here it is drawn as lines."
    reduced = plain(mapping(options.get("reduceOptions")).get("calcs") or ["last"])
    if kind in _BIG_NUMBERS and not reduced.startswith('["last'):
        yield f"Grafana shows {reduced}; here it is the last value."
    held = {
        "overrides": mapping(data.get("fieldConfig")).get("overrides"),
        "value mappings": defaults.get("mappings"),
        "transformations": data.get("transformations"),
        "thresholds in percent": mapping(defaults.get("thresholds")).get("mode") == "percentage",
    }
    if left := [name for name, value in held.items() if value]:
        yield f"Grafana also applies {' and '.join(left)}, which are left out here."


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _number(value: Any, otherwise: float) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return otherwise
    try:
        return float(value) if math.isfinite(value) else otherwise
    except OverflowError:
        return otherwise
