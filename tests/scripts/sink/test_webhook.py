"""Alertmanager's webhook: one notification for each group."""

from typing import Any

import pytest


def alert(name: str, severity: str, status: str = "firing") -> dict[str, Any]:
    return {
        "status": status,
        "labels": {"alertname": name, "severity": severity},
        "annotations": {"summary": f"{name} it is", "runbook_url": f"http://sink.example/runbooks/{name}"},
        "generatorURL": "http://prometheus.example/graph?g0.expr=x",
    }


def body(*alerts: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "version": "4",
        "status": "firing",
        "alerts": list(alerts),
        "externalURL": "http://am.example",
    } | changes


async def test_a_group_of_one_alert_is_read(desk: Any) -> None:
    common = {
        "commonLabels": {"alertname": "Disk", "severity": "Warning"},
        "commonAnnotations": {"summary": "full"},
    }
    answer = await desk.client.post("/webhook/chat", json=body(alert("Disk", "warning"), **common))
    assert answer.status == 200
    [note] = await desk.notifications("channel=webhook")
    assert (note["to"], note["status"], note["alertname"], note["severity"]) == (
        "chat",
        "firing",
        "Disk",
        "warning",
    )
    assert (note["title"], note["text"]) == ("full", "firing: Disk it is")
    assert [link["text"] for link in note["links"]] == ["runbook", "source", "Alertmanager"]
    assert note["raw"]["externalURL"] == "http://am.example"


async def test_each_alertname_of_a_mixed_group_finds_it(desk: Any) -> None:
    both = body(alert("Disk", "warning"), alert("Cpu", "warning", "resolved"))
    await desk.client.post("/webhook/chat", json=both)
    for name in ("Disk", "Cpu"):
        [note] = await desk.notifications(f"alertname={name}")
        assert (note["alertname"], note["severity"]) == ("Cpu, Disk", "warning")
    assert await desk.notifications("alertname=Di") == []


@pytest.mark.parametrize("wrong", [{"version": "3"}, {"alerts": None}, {"version": 4}])
async def test_another_version_is_refused(desk: Any, wrong: dict[str, Any]) -> None:
    answer = await desk.client.post("/webhook/chat", json=body(**wrong))
    assert answer.status == 400
    assert "version" in (await answer.json())["error"]
    assert len(desk.told) == 1
