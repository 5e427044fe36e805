"""Pages: accepted and refused as PagerDuty does, read as a person needs them."""

from pathlib import Path
from typing import Any

import pytest

KEY = "0123456789abcdef0123456789abWXYZ"


def event(**changes: Any) -> dict[str, Any]:
    payload = {
        "summary": "[FIRING] CRITICAL HighOrderFailureRate 40 % failed",
        "source": "tradewatch",
        "severity": "critical",
        "custom_details": {
            "alertname": "HighOrderFailureRate",
            "severity": "Critical",
            "runbook_url": "http://sink.example/runbooks/orders",
            "firing": "Labels:\n - alertname = Other\nAnnotations:\n - board_url = http://sink.example/d/x\n",
            "resolved": "",
        },
    }
    plain = {"routing_key": KEY, "event_action": "trigger", "dedup_key": "one", "payload": payload}
    return plain | changes


async def test_a_trigger_is_accepted_and_read(desk: Any) -> None:
    answer = await desk.page(event(links=[{"href": "http://sink.example/d/y", "text": "Dashboard"}]))
    assert answer.status == 202
    assert await answer.json() == {"status": "success", "message": "Event processed", "dedup_key": "one"}
    [page] = await desk.notifications()
    assert page["channel"] == "pagerduty"
    assert (page["status"], page["alertname"], page["severity"]) == (
        "firing",
        "HighOrderFailureRate",
        "critical",
    )
    assert page["received_at"] == "2026-03-01T08:00:00.000000Z"
    assert page["title"] == "[FIRING] CRITICAL HighOrderFailureRate 40 % failed"
    assert page["warnings"] == []
    assert [(link["text"], link["href"]) for link in page["links"]] == [
        ("Dashboard", "http://sink.example/d/y"),
        ("runbook", "http://sink.example/runbooks/orders"),
        ("board", "http://sink.example/d/x"),
    ]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"routing_key": None}, "'routing_key' is missing or blank"),
        ({"routing_key": " "}, "'routing_key' is missing or blank"),
        ({"event_action": None}, "'event_action' is missing or blank"),
        (
            {"event_action": "explode"},
            "'event_action' is invalid (must be 'trigger', 'acknowledge' or 'resolve')",
        ),
        ({"event_action": "resolve", "dedup_key": None}, "'dedup_key' is missing or blank"),
        ({"payload": {"source": "x", "severity": "info"}}, "'payload.summary' is missing or blank"),
        (
            {"payload": {"summary": "x", "source": "x", "severity": "page"}},
            "'payload.severity' is invalid (must be 'critical', 'error', 'warning' or 'info')",
        ),
    ],
)
async def test_what_pagerduty_refuses_is_refused_and_told(
    desk: Any, changes: dict[str, Any], error: str
) -> None:
    answer = await desk.page(event(**changes))
    assert answer.status == 400
    body = await answer.json()
    assert (body["status"], body["errors"]) == ("invalid event", [error])
    assert desk.told == [f"refused a PagerDuty event: {error}"]
    assert await desk.notifications() == []


@pytest.mark.parametrize("body", ["", "[]", "{", '{"a": NaN}', "[" * 100_000])
async def test_a_body_that_is_no_json_object_is_refused(desk: Any, body: str) -> None:
    answer = await desk.client.post("/pagerduty/v2/enqueue", data=body)
    assert answer.status == 400
    assert (await answer.json())["status"] == "invalid event"


async def test_a_routing_key_is_neither_shown_nor_stored(desk: Any, tmp_path: Path) -> None:
    await desk.page(event())
    [page] = await desk.notifications()
    assert page["to"] == page["raw"]["routing_key"] == "…WXYZ"
    stored = (tmp_path / "state" / "notifications.jsonl").read_text()
    for text in (stored, await desk.text("/"), await desk.text("/notifications")):
        assert KEY not in text


async def test_a_key_that_pagerduty_would_refuse_is_flagged_and_not_shown_at_all(desk: Any) -> None:
    await desk.page(event(routing_key="short"))
    [page] = await desk.notifications()
    assert page["to"] == "…"
    assert page["warnings"] == ["routing key has 5 characters: PagerDuty refuses any but 32"]


async def test_a_bare_resolve_is_of_the_alert_that_opened_the_incident(desk: Any) -> None:
    await desk.page(event())
    await desk.page({"routing_key": KEY, "event_action": "resolve", "dedup_key": "one"})
    [resolved] = await desk.notifications("status=resolved&alertname=HighOrderFailureRate")
    assert resolved["severity"] == "critical"


@pytest.mark.parametrize(
    ("summary", "details"),
    [
        ("something broke", {"firing": "Labels:\n - alertname = HighCPULoad\n - severity = warning\n"}),
        ("[FIRING:2] HighCPULoad (bot warning)", {}),
        ("[firing] warning HighCPULoad 93 %", {}),
    ],
)
async def test_the_alertname_is_found_in_what_alertmanager_writes(
    desk: Any, summary: str, details: dict[str, str]
) -> None:
    payload = {"summary": summary, "source": "x", "severity": "warning", "custom_details": details}
    await desk.page(event(payload=payload))
    [page] = await desk.notifications()
    assert (page["alertname"], page["severity"]) == ("HighCPULoad", "warning")


async def test_details_that_alertmanager_made_numbers_are_shown_and_empty_ones_are_not(desk: Any) -> None:
    details = {"value": 0, "share": 0.4, "firing": None, "resolved": ""}
    await desk.page(
        event(payload={"summary": "x", "source": "x", "severity": "info", "custom_details": details})
    )
    [page] = await desk.notifications()
    assert page["text"] == "value: 0\nshare: 0.4"
