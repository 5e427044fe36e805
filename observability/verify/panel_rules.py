"""Rules for panels: their numbers and places, what they say of themselves, their colours."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations, pairwise

from config.spec.model import Panel, Row
from observability.verify.board import Board, Bundle, Found, Tile

_COLUMNS = 24
_NARROWEST = 3  # columns; below that Grafana shows neither title nor axis
_MOST_QUERIES = 20


def panel_lost_rule(board: Board, _: Bundle) -> Iterator[Found]:
    """Every row and every panel of the spec is in the file."""
    titles = {tile.title for tile in board.tiles}
    parts: tuple[Row | Panel, ...] = (*board.spec.rows, *board.spec.panels)
    for one in parts:
        if one.title.strip() not in titles:
            yield one.where("title"), f"{one.title!r} is not in {board.path}"


def panel_id_rule(board: Board, _: Bundle) -> Iterator[Found]:
    """Rows and panels have numbers, each its own."""
    seen: set[int] = set()
    for tile in board.tiles:
        number = tile.data.get("id") or 0
        if number < 1:
            yield tile.place, f"{tile.title!r} has no number"
        elif number in seen:
            yield tile.place, f"number {number} of {tile.title!r} is given twice"
        seen.add(number)


def panel_grid_rule(board: Board, _: Bundle) -> Iterator[Found]:
    """Rows and panels lie on the grid, wide enough to read, and none over another."""
    lying = [tile for tile in board.tiles if tile.data.get("gridPos")]
    for tile in board.tiles:
        if tile not in lying:
            yield tile.place, f"{tile.title!r} has no place on the grid"
    for tile in lying:
        left, top, right, bottom = _edges(tile)
        if left < 0 or top < 0 or right > _COLUMNS or bottom <= top:
            yield tile.place, f"{tile.title!r} lies outside of the grid of {_COLUMNS} columns"
        elif right - left < _NARROWEST:
            yield tile.place, f"{tile.title!r} is {right - left} columns wide, too narrow to read"
    for one, other in combinations(lying, 2):
        if _overlap(one, other):
            yield other.place, f"{other.title!r} lies over {one.title!r}"


def panel_title_unique_rule(board: Board, _: Bundle) -> Iterator[Found]:
    """People tell panels apart by their titles."""
    seen: set[str] = set()
    for panel in board.panels:
        if panel.title in seen:
            yield panel.at("title"), f"two panels are called {panel.title!r}"
        seen.add(panel.title)


def panel_description_rule(board: Board, _: Bundle) -> Iterator[Found]:
    """The description says more than the title."""
    for panel in board.panels:
        if panel.title and panel.description.rstrip(".").casefold() == panel.title.casefold():
            yield panel.at("description"), "the description says no more than the title"


def panel_thresholds_rule(board: Board, _: Bundle) -> Iterator[Found]:
    """The steps of colour begin at the very bottom and rise."""
    for panel in board.panels:
        thresholds = panel.defaults.get("thresholds") or {}
        values = [step.get("value") for step in thresholds.get("steps") or ()]
        if not values or values[0] is not None:
            yield (
                panel.place,
                f"the first threshold of {panel.title!r} is not null, so low values have no colour",
            )
        elif None in values[1:] or any(low >= high for low, high in pairwise(values[1:])):
            yield panel.place, f"the thresholds of {panel.title!r} do not rise: {values[1:]}"


def panel_bounds_rule(board: Board, bundle: Bundle) -> Iterator[Found]:
    """The bound of every alert that a panel names is drawn in it."""
    for panel in board.panels:
        steps = (panel.defaults.get("thresholds") or {}).get("steps") or ()
        drawn = {step.get("value") for step in steps}
        for name in panel.spec.alerts if panel.spec else ():
            for severity, level in bundle.project.alerts[name].levels.items():
                if level.has_bound and float(level.bound) not in drawn:
                    message = f"the {severity} bound {level.bound} of {name} is not in {panel.title!r}"
                    yield panel.at("alerts"), message


def panel_runbook_rule(board: Board, bundle: Bundle) -> Iterator[Found]:
    """From a bound that is crossed it is one click to what to do."""
    for panel in board.panels:
        opened = {link.get("url") for link in panel.links}
        for name in panel.spec.alerts if panel.spec else ():
            page = bundle.project.alerts[name].runbook
            if f"{bundle.environment.links.runbooks}/{page}" not in opened:
                yield panel.at("alerts"), f"{panel.title!r} has no link to the runbook {page} of {name}"


def panel_queries_rule(board: Board, _: Bundle) -> Iterator[Found]:
    """A panel with many queries is slow and cannot be read."""
    for panel in board.panels:
        if len(panel.targets) > _MOST_QUERIES:
            yield (
                panel.place,
                f"{len(panel.targets)} queries in one panel; more than {_MOST_QUERIES} are slow",
            )


def panel_ref_id_rule(board: Board, _: Bundle) -> Iterator[Found]:
    """Every query of a panel has a refId of its own."""
    for panel in board.panels:
        for name, count in Counter(target.data.get("refId") or "" for target in panel.targets).items():
            if not name or count > 1:
                problem = f"refId {name!r} twice" if name else "a query without a refId"
                yield panel.place, f"{panel.title!r} has {problem}"


def _edges(tile: Tile) -> tuple[int, int, int, int]:
    grid = tile.data["gridPos"]
    return grid["x"], grid["y"], grid["x"] + grid["w"], grid["y"] + grid["h"]


def _overlap(one: Tile, other: Tile) -> bool:
    left, top, right, bottom = _edges(one)
    other_left, other_top, other_right, other_bottom = _edges(other)
    return left < other_right and other_left < right and top < other_bottom and other_top < bottom


RULES: tuple[Callable[[Board, Bundle], Iterator[Found]], ...] = (
    panel_lost_rule,
    panel_id_rule,
    panel_grid_rule,
    panel_title_unique_rule,
    panel_description_rule,
    panel_thresholds_rule,
    panel_bounds_rule,
    panel_runbook_rule,
    panel_queries_rule,
    panel_ref_id_rule,
)
