"""Dashboard links: they open Prometheus with what the panel draws."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

BOARD = {
    "uid": "trading",
    "title": "Trading <Overview>",
    "panels": [
        {
            "id": 1,
            "title": "Rate",
            "targets": [{"expr": "rate(a[$__rate_interval])"}, {"expr": 'b{c="d"} > 1'}],
        },
        {
            "id": 2,
            "type": "row",
            "panels": [
                {"id": 3, "title": "Inner", "targets": [{"expr": "c[${__rate_interval}]"}, {"hide": True}]}
            ],
        },
        {"id": 4, "title": "Words", "type": "text"},
    ],
}


@pytest.fixture(autouse=True)
def boards(tmp_path: Path) -> None:
    directory = tmp_path / "dashboards"
    directory.mkdir()
    (directory / "trading.json").write_text(json.dumps(BOARD))
    (directory / "half.json").write_text('{"uid": "ha')


@pytest.mark.parametrize(
    ("path", "expressions"),
    [
        ("/d/trading?viewPanel=1", ["rate(a[5m])", 'b{c="d"} > 1']),
        ("/d/trading?viewPanel=panel-3", ["c[5m]"]),
        ("/d/trading/some-slug?viewPanel=3&from=now-1h", ["c[5m]"]),
        ("/d/trading", ["rate(a[5m])", 'b{c="d"} > 1', "c[5m]"]),
    ],
)
async def test_a_link_leads_to_the_panels_expressions(desk: Any, path: str, expressions: list[str]) -> None:
    answer = await desk.get(path)
    assert answer.status == 302
    parts = urlsplit(answer.headers["Location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == "http://prometheus.example:9090/query"
    wanted = []
    for number, expression in enumerate(expressions):
        graph = {"expr": expression, "tab": "graph", "range_input": "1h"}
        wanted += [(f"g{number}.{key}", value) for key, value in graph.items()]
    assert parse_qsl(parts.query) == wanted


@pytest.mark.parametrize(
    ("path", "listed"),
    [
        ("/d/none?viewPanel=1", '<a href="/d/trading">trading</a> Trading &lt;Overview&gt;'),
        ("/d/trading?viewPanel=9", '<a href="/d/trading?viewPanel=3">3</a> Inner'),
        ("/d/trading?viewPanel=4", '<a href="/d/trading?viewPanel=1">1</a> Rate'),
    ],
)
async def test_a_wrong_link_lists_what_there_is(desk: Any, path: str, listed: str) -> None:
    answer = await desk.get(path)
    assert answer.status == 404
    assert listed in await answer.text()
