"""Reads Grafana's dashboard JSON: rows of panels, with what is needed to draw each."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scripts.sink.body import mapping, objects
from scripts.sink.colours import tone
from scripts.sink.columns import PROPERTIES, TRANSFORMATIONS, Columns, read_columns
from scripts.sink.wording import plain

_RATE_INTERVAL = re.compile(r"\$(?:__rate_interval\b|\{__rate_interval\})")
# `$1` is no variable but a group of label_replace, and `$"` ends a pattern.
_VARIABLE = re.compile(r"\$(?:[A-Za-z_]\w*|\{[^}]*\})")
_COLUMNS = 24
_BIG_NUMBERS = frozenset(("stat", "gauge", "bargauge"))
_LINES = frozenset(("timeseries", "graph"))
_DRAWN = _LINES | _BIG_NUMBERS | {"text", "table", "state-timeline"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """`variables`: what only Grafana could fill in; a query with any cannot be asked."""

    name: str
    expression: str
    legend: str
    variables: tuple[str, ...]
    is_instant: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    start: float
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What stands in the place of a number, and its tone if it has one of its own."""

    text: str
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
    words: Mapping[float, Word]
    no_value: str
    columns: Columns
    notes: tuple[str, ...]

    @property
    def is_number(self) -> bool:
        return self.kind in _BIG_NUMBERS

    @property
    def is_table(self) -> bool:
        return self.kind == "table"

    @property
    def is_state(self) -> bool:
        return self.kind == "state-timeline"

    @property
    def has_bar(self) -> bool:
        return self.kind in ("gauge", "bargauge") and len(self.bounds) == 2

    def tone_of(self, value: float) -> str:
        if (word := self.words.get(value)) and word.tone:
            return word.tone
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
    tags: frozenset[str]
    leads_to: tuple[frozenset[str], ...]
    rows: tuple[Row, ...]

    def links_to(self, other: "Board") -> bool:
        """Whether Grafana shows a button for the other dashboard."""
        return other.uid != self.uid and any(tags <= other.tags for tags in self.leads_to)

    def panels(self) -> dict[str, Panel]:
        return {panel.id: panel for row in self.rows for panel in row.panels}


def read_board(dashboard: Mapping[str, Any]) -> Board:
    return Board(
        uid=plain(dashboard.get("uid")),
        title=plain(dashboard.get("title")),
        description=plain(dashboard.get("description")),
        tags=_tags(dashboard),
        leads_to=tuple(
            _tags(link) for link in objects(dashboard.get("links")) if link.get("type") == "dashboards"
        ),
        rows=tuple(row for row in _rows(dashboard) if row.panels),
    )


def _tags(data: Mapping[str, Any]) -> frozenset[str]:
    tags = data.get("tags")
    return frozenset(map(plain, tags)) if isinstance(tags, list) else frozenset()


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

    return sorted(objects(value), key=place)


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
        queries=tuple(_query(target) for target in objects(data.get("targets")) if _is_asked(target)),
        thresholds=thresholds,
        has_threshold_lines=style not in (None, "off"),
        bounds=tuple(limit for limit in limits if math.isfinite(limit)),
        text=plain(options.get("content")),
        no_value=plain(defaults.get("noValue")),
        words=dict(_words(defaults.get("mappings"))),
        columns=read_columns(data),
        notes=tuple(_notes(data, defaults, options)),
    )


def _thresholds(config: Mapping[str, Any]) -> Iterator[Threshold]:
    if config.get("mode") == "percentage":
        return
    for step in objects(config.get("steps")):
        yield Threshold(start=_number(step.get("value"), -math.inf), tone=tone(plain(step.get("color"))))


def _words(mappings: Any) -> Iterator[tuple[float, Word]]:
    for one in objects(mappings):
        for number, word in mapping(one.get("options")).items() if one.get("type") == "value" else ():
            try:
                value = float(number)
            except ValueError:
                continue
            colour = plain(mapping(word).get("color"))
            yield value, Word(text=plain(mapping(word).get("text")), tone=tone(colour) if colour else "")


def _is_asked(target: Mapping[str, Any]) -> bool:
    return bool(target.get("expr")) and not target.get("hide")


def _query(target: Mapping[str, Any]) -> Query:
    expression = _RATE_INTERVAL.sub("5m", plain(target.get("expr")))
    return Query(
        name=plain(target.get("refId")),
        expression=expression,
        legend=plain(target.get("legendFormat")),
        variables=tuple(dict.fromkeys(_VARIABLE.findall(expression))),
        is_instant=target.get("instant") is True,
    )


def _notes(data: Mapping[str, Any], defaults: Mapping[str, Any], options: Mapping[str, Any]) -> Iterator[str]:
    """What Grafana would do and this page does not."""
    kind = plain(data.get("type"))
    if kind not in _DRAWN:
        yield f"Grafana draws this as {kind or 'a panel without a type'}; here it is drawn as lines."
    reduced = plain(mapping(options.get("reduceOptions")).get("calcs") or ["last"])
    if kind in _BIG_NUMBERS and not reduced.startswith('["last'):
        yield f"Grafana shows {reduced}; here it is the last value."
    overrides = objects(mapping(data.get("fieldConfig")).get("overrides"))
    properties = {one.get("id") for override in overrides for one in objects(override.get("properties"))}
    transformations = {one.get("id") for one in objects(data.get("transformations"))}
    is_table = kind == "table"
    held = {
        "overrides": overrides and not (is_table and properties <= PROPERTIES),
        "value mappings": any(one.get("type") != "value" for one in objects(defaults.get("mappings"))),
        "transformations": transformations and not (is_table and transformations <= TRANSFORMATIONS),
        "thresholds in percent": mapping(defaults.get("thresholds")).get("mode") == "percentage",
    }
    if left := [name for name, value in held.items() if value]:
        yield f"Grafana also applies {' and '.join(left)}, which are left out here."


def _number(value: Any, otherwise: float) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return otherwise
    try:
        return float(value) if math.isfinite(value) else otherwise
    except OverflowError:
        return otherwise
