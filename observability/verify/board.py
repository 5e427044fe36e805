"""A rendered dashboard as the rules read it: its parts, each with the place of the spec that it is from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import promql_parser as promql

from config.spec.model import Dashboard, Environment, Panel, Project
from config.spec.problem import Place
from observability.checks.queries import Known
from observability.promql import parse, syntax_error

Json = Mapping[str, Any]
Found = tuple[Place, str]


@dataclass(frozen=True, kw_only=True)
class Target:
    """One query of a panel."""

    data: Json
    place: Place

    @property
    def expr(self) -> str:
        return str(self.data.get("expr") or "")

    @property
    def legend(self) -> str:
        return str(self.data.get("legendFormat") or "").strip()

    @cached_property
    def tree(self) -> promql.Expr | None:
        """The query's tree, or None when it does not parse."""
        return None if syntax_error(self.expr) else parse(self.expr)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A panel or a row; `spec` is None for rows, and for panels that no spec asked for."""

    data: Json
    place: Place
    spec: Panel | None
    targets: tuple[Target, ...]

    @property
    def is_row(self) -> bool:
        return self.data.get("type") == "row"

    @property
    def title(self) -> str:
        return str(self.data.get("title") or "").strip()

    @property
    def description(self) -> str:
        return str(self.data.get("description") or "").strip()

    @property
    def defaults(self) -> Json:
        """What holds for all values of the panel."""
        return (self.data.get("fieldConfig") or {}).get("defaults") or {}

    @property
    def is_table(self) -> bool:
        return self.data.get("type") == "table"

    @property
    def links(self) -> tuple[Json, ...]:
        """What leads away from the panel: its own links, those of all values, and those of some columns."""
        overrides = (self.data.get("fieldConfig") or {}).get("overrides") or ()
        of_columns = [
            one.get("value")
            for override in overrides
            for one in override.get("properties") or ()
            if one.get("id") == "links"
        ]
        lists = (self.data.get("links"), self.defaults.get("links"), *of_columns)
        # What is set for a column the schema leaves open.
        return tuple(link for links in lists if isinstance(links, list) for link in links if _is_link(link))

    def at(self, *key: str | int) -> Place:
        return self.spec.where(*key) if self.spec else self.place


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One file: `tiles` are its rows and panels in order, those of folded rows too."""

    path: str
    data: Json
    spec: Dashboard
    tiles: tuple[Tile, ...]

    @property
    def uid(self) -> str:
        return str(self.data.get("uid") or "")

    @property
    def panels(self) -> tuple[Tile, ...]:
        return tuple(tile for tile in self.tiles if not tile.is_row)

    @property
    def variables(self) -> Sequence[Json]:
        return self.data["templating"].get("list") or ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What a rule may ask beside its dashboard: `boards` are all of this environment."""

    project: Project
    environment: Environment
    boards: tuple[Board, ...]
    known: Known


def _is_link(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(key), str) for key in ("title", "url"))


def read(path: str, data: Json, spec: Dashboard) -> Board:
    """Find the place of each part; the n-th panel of the file is the n-th of the spec."""
    return Board(path=path, data=data, spec=spec, tiles=tuple(_tiles(data, spec)))


def _tiles(data: Json, spec: Dashboard) -> Iterator[Tile]:
    rows, panels = iter(spec.rows), iter(spec.panels)
    for tile in _unfolded(data):
        if tile.get("type") == "row":
            row = next(rows, None)
            yield Tile(data=tile, place=row.where() if row else spec.where(), spec=None, targets=())
        else:
            yield _panel(tile, next(panels, None), spec)


def _unfolded(data: Json) -> Iterator[Json]:
    """Yield rows and panels in order; a folded row holds its panels."""
    for tile in data.get("panels") or ():
        yield tile
        yield from (tile.get("panels") or ()) if tile.get("type") == "row" else ()


def _panel(data: Json, panel: Panel | None, board: Dashboard) -> Tile:
    place = panel.where() if panel else board.where()
    wanted = _queries(panel) if panel else iter(())
    targets = tuple(
        Target(data=target, place=next(wanted, place)) for target in data.get("targets") or () if target
    )
    return Tile(data=data, place=place, spec=panel, targets=targets)


def _queries(panel: Panel) -> Iterator[Place]:
    yield from (panel.where("measures", index) for index in range(len(panel.measures)))
    yield from (query.where("expr") for query in panel.queries)
