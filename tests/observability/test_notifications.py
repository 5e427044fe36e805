"""What people read, rendered by the real amtool."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from observability.compile import Request, compile_bundle
from observability.verify.tool import find
from tests.bundle_of import BUNDLE

ANNOTATIONS = {
    "summary": "60% of requests fail (limit 50%)",
    "description": "60% of requests fail for 5m.",
    "value": "60%",
    "runbook": "many_errors",
    "dashboard": "/d/web-overview?viewPanel=1",
}
LABELS = {"alertname": "ManyErrors", "severity": "critical"}


def alert(status: str = "firing", **annotations: str) -> dict[str, Any]:
    return {
        "status": status,
        "labels": LABELS,
        "annotations": {**ANNOTATIONS, **annotations},
        "startsAt": "2026-03-01T10:00:00Z",
        "endsAt": "2026-03-01T10:20:00Z" if status == "resolved" else "0001-01-01T00:00:00Z",
    }


class Render:
    """Renders one of our templates for a group of alerts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        files = compile_bundle(Request(config_dir=BUNDLE / "config")).files
        (folder / "notifications.tmpl").write_text(files["cellar/notifications.tmpl"])

    def __call__(self, name: str, *alerts: dict[str, Any]) -> str:
        status = "firing" if any(one["status"] == "firing" for one in alerts) else "resolved"
        data = {
            "status": status,
            "receiver": "critical",
            "alerts": list(alerts),
            "groupLabels": {"alertname": alerts[0]["labels"].get("alertname", "")},
            "commonLabels": alerts[0]["labels"],
            "commonAnnotations": dict(set.intersection(*(set(a["annotations"].items()) for a in alerts))),
            "externalURL": "http://127.0.0.1:9093",
        }
        (self.folder / "data.json").write_text(json.dumps(data))
        done = subprocess.run(
            [
                find("amtool"), "template", "render", f"--template.glob={self.folder / 'notifications.tmpl'}",
                f'--template.text={{{{ template "tradewatch.{name}" . }}}}',
                f"--template.data={self.folder / 'data.json'}",
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def render(tmp_path: Path) -> Render:
    return Render(tmp_path)


def test_a_page_says_what_how_grave_and_how_much(render: Render) -> None:
    assert render("title", alert()) == "[FIRING] CRITICAL ManyErrors 60% of requests fail (limit 50%)"


def test_an_sms_names_the_runbook(render: Render) -> None:
    assert render("sms", alert("resolved")) == (
        "[RESOLVED] CRITICAL ManyErrors was: 60% of requests fail (limit 50%). Runbook many_errors"
    )


def test_a_group_speaks_of_those_that_fire(render: Render) -> None:
    gone = alert("resolved", summary="10% of requests fail", value="10%")
    worst = alert(summary="70% of requests fail", value="70%")
    assert render("title", gone, worst) == "[FIRING] CRITICAL ManyErrors 70% of requests fail"
    assert render("title", gone, worst, alert()).endswith("70% of requests fail (and 1 more)")


def test_the_long_text_has_everything(render: Render) -> None:
    assert render("text", alert("resolved")).splitlines() == [
        "RESOLVED critical ManyErrors",
        "60% of requests fail (limit 50%)",
        "",
        "60% of requests fail for 5m.",
        "",
        "Value      60%",
        "Firing     2026-03-01 10:00:00 UTC",
        "Resolved   2026-03-01 10:20:00 UTC",
        "Runbook    http://127.0.0.1:1/r/many_errors",
        "Dashboard  http://127.0.0.1:1/d/web-overview?viewPanel=1",
    ]


def test_an_alert_from_elsewhere_is_still_readable(render: Render) -> None:
    stranger = {**alert(), "labels": {"alertname": "Foreign"}, "annotations": {}}
    assert render("sms", stranger) == "[FIRING] UNKNOWN Foreign"
    assert "<no value>" not in render("text", stranger)


def test_the_digest_says_nothing_when_there_is_nothing(render: Render) -> None:
    quiet = {
        **alert(),
        "annotations": {"summary": "Alerts of severity info", "firing": "", "resolved": "DiskSlow "},
    }
    lines = [line.rstrip() for line in render("digest", quiet).splitlines()]
    assert lines[2:4] == ["Firing now     nothing", "Resolved since DiskSlow"]
