"""Plays Grafana's links: sends the reader to Prometheus' query page with the expressions of a panel."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from scripts.sink.body import mapping
from scripts.sink.markup import Frame, Markup, element

# Grafana fills these in itself; Prometheus would not understand them.
_BUILT_IN = {"__rate_interval": "5m", "__interval": "1m", "__range": "1h"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboards:
    directory: Path
    prometheus: str
    frame: Frame

    async def show(self, request: web.Request) -> web.Response:
        known = self._by_uid()
        uid = request.match_info["uid"]
        if uid not in known:
            return self._missing(
                f"No dashboard {uid}", [_line(one, f"/d/{one}", known[one]) for one in known]
            )
        panels = dict(_panels(known[uid]))
        wanted = request.query.get("viewPanel", "").removeprefix("panel-")
        chosen = [panels[wanted]] if wanted in panels else list(panels.values()) if not wanted else []
        expressions = [expression for panel in chosen for expression in _expressions(panel)]
        if not expressions:
            lines = [_line(one, f"/d/{uid}?viewPanel={one}", panels[one]) for one in panels]
            return self._missing(f"No panel {wanted} with a query in dashboard {uid}", lines)
        raise web.HTTPFound(f"{self.prometheus.rstrip('/')}/query?{_graphs(expressions)}")

    def _by_uid(self) -> dict[str, dict[str, Any]]:
        found = {}
        for path in sorted(self.directory.glob("*.json")):
            try:
                dashboard = mapping(json.loads(path.read_bytes()))
            except ValueError:  # half written or not JSON: not a dashboard now
                continue
            if isinstance(dashboard.get("uid"), str):
                found[dashboard["uid"]] = dashboard
        return found

    def _missing(self, title: str, lines: list[Markup]) -> web.Response:
        listed = element("ul", *lines) if lines else element("p", f"Nothing found in {self.directory}.")
        main = element("main", element("h1", title), element("p", "There are:" if lines else ""), listed)
        return self.frame.page(title, main, status=404)


def _line(name: str, href: str, titled: Mapping[str, Any]) -> Markup:
    return element("li", element("a", name, href=href), f" {titled.get('title', '')}")


def _panels(dashboard: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Panels by id; a collapsed row keeps its panels inside itself."""
    for panel in dashboard.get("panels") or ():
        if panel.get("type") != "row":
            yield str(panel.get("id")), panel
        yield from _panels(panel)


def _expressions(panel: Mapping[str, Any]) -> list[str]:
    texts = [target["expr"] for target in panel.get("targets") or () if target.get("expr")]
    return [
        re.sub(r"\$\{?(__\w+)\}?", lambda found: _BUILT_IN.get(found[1], found[0]), text) for text in texts
    ]


def _graphs(expressions: list[str]) -> str:
    pairs = []
    for number, expression in enumerate(expressions):
        graph = {"expr": expression, "tab": "graph", "range_input": "1h"}
        pairs += [(f"g{number}.{key}", value) for key, value in graph.items()]
    return urlencode(pairs)
