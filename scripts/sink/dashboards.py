"""Plays Grafana's links: finds the dashboard, asks Prometheus for its panels, serves the page."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aiohttp import web

from scripts.sink.board import REFRESH, Figure, Sheet, board_href
from scripts.sink.body import mapping
from scripts.sink.chart import Line
from scripts.sink.columns import rows
from scripts.sink.markup import Frame, Markup, element
from scripts.sink.panel import Board, Panel, Query, read_board
from scripts.sink.series import Prometheus, PrometheusError, Series, legend
from scripts.sink.window import DEFAULT, RANGES, Window

MOST_LINES = 20
MOST_ROWS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboards:
    directory: Path
    prometheus: Prometheus
    frame: Frame
    now: Callable[[], datetime]

    async def index(self, request: web.Request) -> web.Response:
        return self._listing("Dashboards", self._boards(self._known()), status=200)

    async def show(self, request: web.Request) -> web.Response:
        known = self._known()
        uid = request.match_info["uid"]
        if uid not in known:
            return self._listing(f"No dashboard {uid}", self._boards(known), status=404)
        board = known[uid]
        panels = board.panels()
        wanted = request.query.get("viewPanel", "").removeprefix("panel-")
        if wanted and wanted not in panels:
            lines = [_line(one, board_href(uid, viewPanel=one), panel.title) for one, panel in panels.items()]
            return self._listing(f"No panel {wanted} in dashboard {uid}", lines, status=404)
        others = [one for one in known.values() if board.links_to(one)]
        sheet = await self._sheet(board, others, panels.get(wanted), request.query.get("range", DEFAULT))
        title = f"{panels[wanted].title} · {board.title}" if wanted else board.title
        return self.frame.page(title, sheet.markup(), refresh=REFRESH)

    def _known(self) -> dict[str, Board]:
        """Read anew each time: dashboards are generated while the sink runs."""
        found = {}
        for path in sorted(self.directory.glob("*.json")):
            try:
                dashboard = mapping(json.loads(path.read_bytes()))
            except (OSError, ValueError, RecursionError):  # gone, half written or not JSON: no dashboard now
                continue
            if isinstance(dashboard.get("uid"), str):
                found[dashboard["uid"]] = read_board(dashboard)
        return found

    async def _sheet(self, board: Board, others: list[Board], alone: Panel | None, name: str) -> Sheet:
        window = Window.until(self.now(), name if name in RANGES else DEFAULT)
        note = "" if name in RANGES else f"There is no range {name!r}; this is {DEFAULT}."
        rows = [("", (alone,))] if alone else [(row.title, row.panels) for row in board.rows]
        drawn = await asyncio.gather(*(self._figure(panel, window) for _, panels in rows for panel in panels))
        figures = iter(drawn)
        return Sheet(
            board=board,
            rows=[(title, [next(figures) for _ in panels]) for title, panels in rows],
            window=window,
            panel=alone,
            note=note,
            prometheus=self.prometheus.shown,
            link=self.prometheus.link,
            others=others,
        )

    async def _figure(self, panel: Panel, window: Window) -> Figure:
        answers = await asyncio.gather(*(self._series(query, window) for query in panel.queries))
        problems = dict.fromkeys(answer for answer in answers if isinstance(answer, str))
        found = [
            (query, series)
            for query, answer in zip(panel.queries, answers, strict=True)
            if not isinstance(answer, str)
            for series in answer
        ]
        most = MOST_ROWS if panel.is_table else MOST_LINES
        values = [(query.name, one.labels, one.samples[-1][1]) for query, one in found[:most] if one.samples]
        return Figure(
            panel=panel,
            lines=tuple(
                Line(name=legend(query, one.labels), samples=one.samples) for query, one in found[:most]
            ),
            rows=tuple(rows(values, is_alone=len(panel.queries) == 1)) if panel.is_table else (),
            problems=tuple(problems),
            left_out=max(0, len(found) - most),
        )

    async def _series(self, query: Query, window: Window) -> tuple[Series, ...] | str:
        """What a query gives, or why it gives nothing."""
        if query.variables:
            names = ", ".join(query.variables)
            return f"cannot be drawn here, only Grafana fills in {names}: {query.expression}"
        try:
            return await self.prometheus.ask(query, window)
        except PrometheusError as error:
            return str(error)

    def _boards(self, known: dict[str, Board]) -> list[Markup]:
        return [_line(one, board_href(one), board.title) for one, board in known.items()]

    def _listing(self, title: str, lines: list[Markup], *, status: int) -> web.Response:
        listed = element("ul", *lines) if lines else element("p", f"No dashboards in {self.directory}.")
        main = element("main", element("h1", title), element("p", "There are:" if lines else ""), listed)
        return self.frame.page(title, main, status=status)


def _line(name: str, href: str, title: str) -> Markup:
    return element("li", element("a", name, href=href), f" {title}")
