"""Rules for whole dashboards: names, completeness, annotations, and the links in them and to them."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from config.spec.names import did_you_mean
from config.spec.problem import Place
from observability.names import panel_path, shown_alerts
from observability.promql import syntax_error
from observability.verify.board import Board, Bundle, Found
from observability.verify.linter_rules import uses_variable

_DASHBOARD = re.compile(r"/d/([^/?]+)")
_WORD = re.compile(r"\w+")
_OF_COLUMN = "${__data.fields."
_SCHEMA_VERSION = 42  # the last one of the classic form; Grafana 11 to 13 read it
# What Grafana fills in, each version in its own way, when a file lacks it.
_OF_BOARDS = (
    *("annotations", "editable", "graphTooltip", "links", "panels", "refresh", "templating", "time"),
    *("timepicker", "timezone", "title", "uid", "version"),
)
_OF_PANELS = ("datasource", "fieldConfig", "gridPos", "id", "options", "pluginVersion", "targets")


def dashboard_complete_rule(board: Board, _: Bundle) -> Iterator[Found]:
    """Nothing is left to Grafana's migrations, which differ between versions."""
    if (version := board.data.get("schemaVersion")) != _SCHEMA_VERSION:
        yield board.spec.where(), f"schemaVersion is {version}, not {_SCHEMA_VERSION}"
    if board.data.get("id") is not None:
        yield board.spec.where(), "the file gives the dashboard a number, which is the server's to give"
    for key in _lacking(board.data, _OF_BOARDS):
        yield board.spec.where(), f"the dashboard does not say its {key}"
    for panel in board.panels:
        for key in _lacking(panel.data, _OF_PANELS):
            yield panel.place, f"panel {panel.title!r} does not say its {key}"


def dashboard_name_rule(board: Board, bundle: Bundle) -> Iterator[Found]:
    """No two files share a uid or a title; Grafana would update neither."""
    before = bundle.boards[: bundle.boards.index(board)]
    for key in ("uid", "title"):
        for other in before:
            if other.data.get(key) == board.data.get(key):
                yield board.spec.where(key), f"{key} {board.data.get(key)!r} is that of {other.path} too"


def dashboard_description_rule(board: Board, _: Bundle) -> Iterator[Found]:
    """The dashboard says more than its title."""
    text = str(board.data.get("description") or "").strip()
    if not text or _plain(text) == _plain(str(board.data.get("title"))):
        yield board.spec.where("description"), "the description says no more than the title"


def link_rule(board: Board, bundle: Bundle) -> Iterator[Found]:
    """Every link leads to a dashboard, a panel or a runbook that there is."""
    for place, link in _links(board):
        if problem := _astray(link, board, bundle):
            yield place, f"link {link.get('title')!r}: {problem}"


def alert_link_rule(board: Board, bundle: Bundle) -> Iterator[Found]:
    """The link in every alert's message opens the panel that the alert names."""
    titles = {tile.data.get("id"): tile.title for tile in board.panels}
    for alert in bundle.project.alerts.values():
        spec, panel = bundle.project.panels[alert.panel]
        if spec is not board.spec:
            continue
        path = panel_path(bundle.project, alert)
        uid, number = _target_of(path)
        if uid != board.uid or titles.get(number) != panel.title:
            yield alert.where("panel"), f"{alert.name} links to {path}, which is not {panel.title!r}"


def annotation_rule(board: Board, _: Bundle) -> Iterator[Found]:
    """What is marked in the panels is asked by a query that parses, of the data source of the variable."""
    for one in board.data["annotations"].get("list") or ():
        if not uses_variable(one):
            yield board.spec.where(), f"annotation {one.get('name')!r} does not use ${{datasource}}"
        if error := syntax_error(str(one.get("expr") or "")):
            yield board.spec.where(), f"annotation {one.get('name')!r} does not parse: {error}"


def annotation_alerts_rule(board: Board, _: Bundle) -> Iterator[Found]:
    """The times in which an alert fired are marked wherever its bound is shown."""
    marks = " ".join(str(one.get("expr") or "") for one in board.data["annotations"].get("list") or ())
    marked = _WORD.findall(marks)
    for name in shown_alerts(board.spec):
        if name not in marked:
            yield board.spec.where(), f"no annotation marks the times in which {name} fired"


def board_reached_rule(board: Board, bundle: Bundle) -> Iterator[Found]:
    """Every other dashboard is a click away, and shows the same time then."""
    links = [link for link in board.data.get("links") or () if link.get("keepTime")]
    reached = {_target_of(str(link.get("url") or ""))[0] for link in links}
    for other in bundle.boards:
        by_tag = any(
            link.get("type") == "dashboards" and _has_tags(other, link) and not link.get("asDropdown")
            for link in links
        )
        if other is not board and not by_tag and other.uid not in reached:
            yield board.spec.where(), f"no link leads to {other.data.get('title')!r} and keeps the time"


def _lacking(data: Mapping[str, Any], wanted: tuple[str, ...]) -> list[str]:
    return [key for key in wanted if data.get(key) is None]


def _links(board: Board) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    for link in board.data.get("links") or ():
        yield board.spec.where(), link
    for tile in board.tiles:
        yield from ((tile.place, link) for link in tile.links)


def _astray(link: Mapping[str, Any], board: Board, bundle: Bundle) -> str | None:
    """Return why a link leads nowhere, or None; what is outside of the bundle is not known."""
    if link.get("type") == "dashboards":
        others = [one for one in bundle.boards if one is not board and _has_tags(one, link)]
        return None if others else f"no other dashboard has the tags {sorted(link.get('tags') or ())}"
    url = str(link.get("url") or "")
    if not url:
        return "it has no address"
    if problem := _wrong_page(url, bundle):
        return problem
    uid, number = _target_of(url)
    if uid is None:
        return None
    boards = {one.uid: one for one in bundle.boards}
    if uid not in boards:
        return f"no dashboard has the uid {uid!r}{did_you_mean(uid, boards)}"
    numbers = [tile.data.get("id") for tile in boards[uid].panels]
    return None if number is None or number in numbers else f"dashboard {uid!r} has no panel {number}"


def _wrong_page(url: str, bundle: Bundle) -> str | None:
    """Return why an address of a runbook opens none."""
    own, pages = bundle.environment.links.runbooks, bundle.project.runbook_ids
    for one in bundle.project.environments.values():
        if one.links.runbooks != own and url.startswith(f"{one.links.runbooks}/"):
            return f"the runbooks of this environment are at {own}"
    page = url.removeprefix(f"{own}/")
    # What a column of a table fills in is the name of a page, or there is nothing to click.
    if page == url or page in pages or page.startswith(_OF_COLUMN):
        return None
    return f"no runbook {page!r}{did_you_mean(page, pages)}"


def _has_tags(board: Board, link: Mapping[str, Any]) -> bool:
    return set(link.get("tags") or ()) <= set(board.data.get("tags") or ())


def _target_of(url: str) -> tuple[str | None, int | None]:
    """Return the uid and the panel that an address of Grafana names."""
    parts = urlsplit(url)
    uid = _DASHBOARD.search(parts.path)
    panel = parse_qs(parts.query).get("viewPanel", [""])[0].removeprefix("panel-")
    return uid[1] if uid else None, int(panel) if panel.isdecimal() else None


def _plain(text: str) -> str:
    return text.rstrip(".").casefold()


RULES: tuple[Callable[[Board, Bundle], Iterator[Found]], ...] = (
    dashboard_complete_rule,
    dashboard_name_rule,
    dashboard_description_rule,
    link_rule,
    alert_link_rule,
    annotation_rule,
    annotation_alerts_rule,
    board_reached_rule,
)
