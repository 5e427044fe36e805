"""Panels of other kinds than lines and numbers: tables, states, bars; and the way to other dashboards."""

import json
from dataclasses import replace
from typing import Any

import pytest

from scripts.sink.app import Options
from tests.scripts.sink.fake_prometheus import FakePrometheus

STEPS = [{"color": "green", "value": None}, {"color": "orange", "value": 0.05}]
NOW = {
    "uid": "now",
    "title": "Now",
    "tags": ["ours"],
    "links": [{"type": "dashboards", "tags": ["ours"]}],
    "panels": [
        {
            "id": 1,
            "type": "table",
            "title": "Open",
            "description": "What is open.\n\nRunbook: [open](http://a.example/open)",
            "targets": [{"expr": "e", "refId": "A", "instant": True}],
            "fieldConfig": {"defaults": {"unit": "s", "noValue": "nothing is open"}},
        },
        {
            "id": 4,
            "type": "table",
            "title": "Bounds",
            "targets": [{"expr": "h", "refId": "A", "instant": True}],
            "fieldConfig": {"defaults": {"unit": "s", "thresholds": {"steps": STEPS}}},
        },
        {
            "id": 2,
            "type": "state-timeline",
            "title": "State",
            "targets": [{"expr": "f", "legendFormat": "bot"}],
            "fieldConfig": {
                "defaults": {
                    "mappings": [{"type": "value", "options": {"1": {"text": "up", "color": "red"}}}]
                }
            },
        },
        {
            "id": 3,
            "type": "bargauge",
            "title": "Share",
            "targets": [{"expr": "g"}],
            "fieldConfig": {"defaults": {"unit": "percentunit", "min": 0, "max": 1}},
        },
    ],
}


@pytest.fixture
def options(options: Options, prometheus: FakePrometheus) -> Options:
    options.dashboards.mkdir()
    (options.dashboards / "now.json").write_text(json.dumps(NOW))
    (options.dashboards / "more.json").write_text(
        json.dumps({"uid": "more", "title": "More", "tags": ["ours"]})
    )
    return replace(options, prometheus=prometheus.url)


async def test_a_table_shows_the_values_of_now(desk: Any, prometheus: FakePrometheus) -> None:
    prometheus.put("e", 1, 90, symbol="BTC")
    page = await desk.shown("/d/now?viewPanel=1")
    assert "<th>symbol</th><th>Value</th>" in page
    assert '<td>BTC</td><td><b class="tone-grey">1.5 min</b></td>' in page
    assert 'Runbook: <a href="http://a.example/open"' in page
    assert [asked["query"] for asked in prometheus.asked if "time" in asked] == ["e"]


async def test_values_of_a_table_have_a_colour_where_it_has_bounds(
    desk: Any, prometheus: FakePrometheus
) -> None:
    prometheus.put("h", 0.07, symbol="BTC")
    assert '<b class="tone-orange">70 ms</b>' in await desk.shown("/d/now?viewPanel=4")


async def test_an_empty_table_says_what_grafana_says(desk: Any) -> None:
    assert "nothing is open" in await desk.shown("/d/now?viewPanel=1")


async def test_states_are_drawn_with_their_words(desk: Any, prometheus: FakePrometheus) -> None:
    prometheus.put("f", 1, 1)
    page = await desk.shown("/d/now?viewPanel=2")
    assert 'class="state tone-red"' in page
    assert "<title>up</title>" in page


async def test_a_share_has_a_bar(desk: Any, prometheus: FakePrometheus) -> None:
    prometheus.put("g", 0.25)
    page = await desk.shown("/d/now?viewPanel=3")
    assert '<rect width="50.0" height="12"></rect>' in page
    assert ">25%</b>" in page


async def test_a_dashboard_leads_to_those_that_grafana_has_a_button_for(desk: Any) -> None:
    page = await desk.shown("/d/now?range=6h")
    assert '<nav aria-label="Dashboards"><a href="/d/more?range=6h">More</a></nav>' in page
    assert 'href="/d/now' not in await desk.shown("/d/more")
