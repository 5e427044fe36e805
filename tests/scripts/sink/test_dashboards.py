"""Dashboard links always open something readable: charts, or plain words why there are none."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from scripts.sink.app import Options, running
from scripts.sink.dashboards import MOST_LINES
from tests.scripts.sink.fake_prometheus import FakePrometheus

OWN = Path(__file__).parents[3] / "observability" / "generated" / "local" / "dashboards"
EVIL = "<script>alert(1)</script><img src=x onerror='alert(1)'>\" onmouseover=\"alert(1)"
STEPS = [
    {"color": "green", "value": None},
    {"color": "orange", "value": 0.05},
    {"color": "red", "value": 0.1},
]


def defaults(unit: str, mode: str = "off") -> dict[str, Any]:
    thresholds = {"mode": "absolute", "steps": STEPS}
    return {
        "defaults": {"unit": unit, "thresholds": thresholds, "custom": {"thresholdsStyle": {"mode": mode}}}
    }


BOARD = {
    "uid": "trading",
    "title": "Trading <Overview>",
    "description": "Is it trading?",
    "panels": [
        {
            "id": 1,
            "type": "timeseries",
            "title": "Rate",
            "description": "How <often>.",
            "targets": [
                {"expr": "rate(a[$__rate_interval])", "legendFormat": "{{reason}}"},
                {"expr": "b > 1"},
            ],
            "fieldConfig": defaults("percentunit", "line"),
        },
        {
            "id": 2,
            "type": "row",
            "title": "Closed row",
            "panels": [
                {
                    "id": 3,
                    "type": "stat",
                    "title": "Inner",
                    "targets": [{"expr": "c"}],
                    "fieldConfig": defaults("s"),
                }
            ],
        },
        {"id": 4, "title": "Words", "type": "text", "options": {"content": "# Read <this>"}},
        {"id": 5, "title": "Variable", "type": "timeseries", "targets": [{"expr": 'd{e="$job"}'}]},
    ],
}


@pytest.fixture
def options(options: Options, prometheus: FakePrometheus) -> Options:
    options.dashboards.mkdir()
    (options.dashboards / "trading.json").write_text(json.dumps(BOARD))
    (options.dashboards / "half.json").write_text('{"uid": "ha')
    return replace(options, prometheus=prometheus.url)


@pytest.mark.parametrize(
    "path",
    [
        "/d/trading?viewPanel=1",
        "/d/trading?viewPanel=panel-1",
        "/d/trading/some-slug?viewPanel=1&from=now-1h",
    ],
)
async def test_a_link_draws_its_panel_alone(desk: Any, prometheus: FakePrometheus, path: str) -> None:
    prometheus.put("rate(a[5m])", 0.02, 0.12, reason="rejected")
    page = await desk.shown(path)
    assert "<h1>Rate</h1>" in page
    assert "How &lt;often&gt;." in page
    assert page.count("<section") == 1
    assert page.count('<svg viewBox="0 0 1100') == page.count('<svg viewBox="0 0 360') == 1
    assert '<span class="name">rejected</span> <b>12%</b>' in page
    assert re.findall(r'class="threshold tone-(\w+)"', page) == ["orange", "red"] * 2
    assert '<a href="/d/trading?range=1h">Trading &lt;Overview&gt;: all panels</a>' in page
    assert "the local stand-in for Grafana" in page
    assert [asked["query"] for asked in prometheus.asked] == ["rate(a[5m])", "b > 1"]


async def test_the_dashboards_are_listed(desk: Any) -> None:
    page = await desk.shown("/d/")
    assert '<li><a href="/d/trading">trading</a> Trading &lt;Overview&gt;</li>' in page


async def test_a_dashboard_draws_all_panels_in_their_rows(desk: Any, prometheus: FakePrometheus) -> None:
    prometheus.put("rate(a[5m])", 1, 2)
    prometheus.put("c", 0.07)
    page = await desk.shown("/d/trading")
    assert "<title>Trading &lt;Overview&gt;</title>" in page
    titles = re.findall(r'<h[23]>(?:<a href="[^"]*">)?([\w ]+)', page)
    assert titles == ["Rate", "Closed row", "Inner", "Words", "Variable"]
    assert '<a href="/d/trading?viewPanel=3&amp;range=1h">Inner</a>' in page
    assert '<b class="tone-orange">70 ms</b>' in page
    assert '<h1 id="read-this">Read &lt;this&gt;</h1>' in page


async def test_the_page_needs_no_script_and_keeps_the_policy(desk: Any, prometheus: FakePrometheus) -> None:
    prometheus.put("rate(a[5m])", 1, 2)
    answer = await desk.get("/d/trading")
    page = await answer.text()
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert '<meta http-equiv="refresh" content="30">' in page
    assert "<script" not in page
    assert " style=" not in page


async def test_hostile_labels_show_as_text(desk: Any, prometheus: FakePrometheus) -> None:
    prometheus.put("rate(a[5m])", 1, 2, reason=EVIL)
    prometheus.put("b > 1", 1, **{EVIL: EVIL})
    page = await desk.shown("/d/trading")
    assert "<script" not in page
    assert "<img" not in page
    assert not re.search(r"<[^>]*\son\w+=", page)


@pytest.mark.parametrize("values", [(), ("NaN", "NaN")])
async def test_no_data_is_said(desk: Any, prometheus: FakePrometheus, values: tuple[str, ...]) -> None:
    prometheus.put("c", *values)
    for panel in (1, 3):
        page = await desk.shown(f"/d/trading?viewPanel={panel}&range=6h")
        assert "no data in this range (6h)" in page
        assert 'class="chart' not in page


async def test_only_infinite_values_are_named_and_not_drawn(desk: Any, prometheus: FakePrometheus) -> None:
    prometheus.put("b > 1", "+Inf")
    page = await desk.shown("/d/trading?viewPanel=1")
    assert "<b>+Inf</b>" in page
    assert 'class="chart' not in page


async def test_a_series_that_ended_says_when(desk: Any, prometheus: FakePrometheus) -> None:
    prometheus.put("b > 1", 0.5, 0.5, None, None, None)
    assert "at 07:59:15 UTC, nothing since" in await desk.shown("/d/trading?viewPanel=1")


async def test_an_error_of_prometheus_stands_in_the_panel(desk: Any, prometheus: FakePrometheus) -> None:
    prometheus.failure = {"status": 422, "text": '{"status": "error", "error": "bad <data>"}'}
    page = await desk.shown("/d/trading")
    assert '<p class="warning">Prometheus answered 422: bad &lt;data&gt;</p>' in page
    assert "no data" not in page


async def test_an_unreachable_prometheus_stands_in_the_panel(options: Options) -> None:
    dead = replace(options, prometheus="http://127.0.0.1:9")
    async with (
        running(dead, tell=pytest.fail) as sink,
        ClientSession(f"http://127.0.0.1:{sink.port}") as client,
    ):
        answer = await client.get("/d/trading")
        assert answer.status == 200
        assert "cannot reach Prometheus at http://127.0.0.1:9: Connection refused" in await answer.text()


async def test_a_variable_that_only_grafana_knows_is_named(desk: Any, prometheus: FakePrometheus) -> None:
    page = await desk.shown("/d/trading?viewPanel=5")
    assert "cannot be drawn here, only Grafana fills in $job: d{e=&quot;$job&quot;}" in page
    assert prometheus.asked == []


async def test_many_series_are_cut_and_the_rest_counted(desk: Any, prometheus: FakePrometheus) -> None:
    for number in range(MOST_LINES + 7):
        prometheus.put("rate(a[5m])", 1, 2, reason=str(number))
    page = await desk.shown("/d/trading?viewPanel=1")
    assert page.count('class="name"') == MOST_LINES
    assert "7 more series are left out." in page


@pytest.mark.parametrize(
    ("name", "seconds", "step"), [("15m", 900, 5), ("1h", 3600, 15), ("24h", 86400, 300)]
)
async def test_a_range_is_asked_for(
    desk: Any, prometheus: FakePrometheus, name: str, seconds: int, step: int
) -> None:
    page = await desk.shown(f"/d/trading?viewPanel=3&range={name}")
    end = 1772352000
    assert prometheus.asked == [
        {"query": "c", "start": str(end - seconds), "end": str(end), "step": str(step)}
    ]
    assert f'<a href="/d/trading?viewPanel=3&amp;range={name}" aria-current="page">{name}</a>' in page
    assert f'<a href="{prometheus.url}/api/v1/query_range?query=c&amp;start={end - seconds}' in page


async def test_a_wrong_range_is_an_hour_with_a_note(desk: Any, prometheus: FakePrometheus) -> None:
    page = await desk.shown("/d/trading?viewPanel=3&range=2y<b>")
    assert "There is no range &#x27;2y&lt;b&gt;&#x27;; this is 1h." in page
    assert prometheus.asked[0]["step"] == "15"


@pytest.mark.parametrize(
    ("path", "listed"),
    [
        ("/d/none?viewPanel=1", '<a href="/d/trading">trading</a> Trading &lt;Overview&gt;'),
        ("/d/trading?viewPanel=9", '<a href="/d/trading?viewPanel=3">3</a> Inner'),
        ("/d/trading?viewPanel=2", '<a href="/d/trading?viewPanel=1">1</a> Rate'),
    ],
)
async def test_a_wrong_link_lists_what_there_is(desk: Any, path: str, listed: str) -> None:
    answer = await desk.get(path)
    assert answer.status == 404
    assert listed in await answer.text()


async def test_a_dashboard_that_changes_is_read_anew(desk: Any, options: Options) -> None:
    await desk.shown("/d/trading")
    (options.dashboards / "trading.json").write_text('{"uid": "odd/ \\"uid", "title": "Other", "panels": []}')
    assert (await desk.get("/d/trading")).status == 404
    assert '<a href="/d/odd%2F%20%22uid">' in await desk.text("/d/trading")
    assert "This dashboard has no panels." in await desk.shown("/d/odd%2F%20%22uid")


def own_panels() -> Iterator[tuple[str, str]]:
    for path in sorted(OWN.glob("*.json")):
        board = json.loads(path.read_text())
        yield from ((board["uid"], str(panel["id"])) for panel in board["panels"] if panel["type"] != "row")


@pytest.mark.parametrize(("uid", "panel"), list(own_panels()))
async def test_each_panel_of_our_dashboards_draws(
    options: Options, prometheus: FakePrometheus, uid: str, panel: str
) -> None:
    prometheus.everything = (0.02, 0.04, 0.3)
    async with (
        running(replace(options, dashboards=OWN), tell=pytest.fail) as sink,
        ClientSession(f"http://127.0.0.1:{sink.port}") as client,
    ):
        answer = await client.get(f"/d/{uid}?viewPanel={panel}&range=15m")
        page = await answer.text()
    assert answer.status == 200
    assert re.search(r'class="(series s0|numbers|state tone-\w+|wide)"', page)
    assert 'class="warning"' not in page
    assert "no data" not in page
