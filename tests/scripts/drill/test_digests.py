"""What of a digest passes: in its window, with these alerts and no others but those of the machine."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from config.spec.model import Project
from scripts.drill.days import Days
from scripts.drill.digests import Digests
from scripts.drill.fault import Daily
from scripts.drill.faults import FAULTS
from scripts.drill.stage import Stage
from scripts.drill.verdict import Drill

OPENS = datetime(2026, 1, 31, 23, 58, tzinfo=UTC)
SLOW, DEAD = frozenset({"SlowOrders"}), frozenset({"Deadlocks"})


class Sink:
    """A World whose sink holds these notifications."""

    def __init__(self, held: list[dict[str, Any]]) -> None:
        self.held = held

    async def notifications(self) -> list[dict[str, Any]]:
        return self.held


def digests(project: Project, *held: dict[str, Any]) -> Digests:
    fault = FAULTS["Deadlocks"]
    assert isinstance(fault, Daily)
    drill = Drill(alert="Deadlocks", severity="info", time_scale=60)
    stage = Stage(project=project, scale=60, world=Sink(list(held)), drill=drill, say=lambda _: None)
    return Digests(stage=stage, alert=project.alerts["Deadlocks"], fault=fault, days=Days(first=OPENS))


def mail(
    seconds: float, firing: str = "SlowOrders", resolved: str = "Deadlocks", **changed: Any
) -> dict[str, Any]:
    text = f"Alerts\n\nFiring now     {firing}\nResolved since {resolved}"
    moment = (OPENS + timedelta(seconds=seconds)).isoformat()
    plain = {
        "received_at": moment,
        "alertname": "DailyDigest",
        "text": text,
        "warnings": [],
        "status": "firing",
    }
    return plain | changed


@pytest.mark.parametrize("digest", [mail(1), mail(125), mail(1, firing="MemoryFilling SlowOrders")])
def test_a_digest_that_lists_what_happened_passes(project: Project, digest: dict[str, Any]) -> None:
    drilled = digests(project)
    drilled._judge("digest", digest, firing=SLOW, resolved=DEAD)
    assert drilled.stage.drill.passed


@pytest.mark.parametrize(
    "digest",
    [
        None,
        mail(61),
        mail(-1),
        mail(1, firing="nothing"),
        mail(1, resolved="nothing"),
        mail(1, firing="SlowOrders Deadlocks"),
        mail(1, resolved="Deadlocks DeadRowsHigh"),
        mail(1, firing="Deadlocks", resolved="SlowOrders"),
        mail(1, text="<error expanding template>"),
        mail(1, warnings=["a template failed"]),
    ],
)
def test_one_that_does_not_or_comes_at_another_time_fails(
    project: Project, digest: dict[str, Any] | None
) -> None:
    drilled = digests(project)
    drilled._judge("digest", digest, firing=SLOW, resolved=DEAD)
    assert not drilled.stage.drill.passed


async def test_a_digest_in_each_window_and_nothing_else_passes(project: Project) -> None:
    drilled = digests(project, mail(1), mail(30, alertname="HighCPULoad"), mail(121), mail(241))
    await drilled._told_by_digest_alone(OPENS)
    assert drilled.stage.drill.passed


@pytest.mark.parametrize(
    "held",
    [
        [mail(1), mail(121), mail(60, alertname="Deadlocks")],
        [mail(1), mail(50), mail(121)],
        [mail(1), mail(241)],
        [mail(1), mail(70), mail(121)],
        [],
    ],
    ids=["told at once", "twice in one window", "a day without", "outside", "none at all"],
)
async def test_an_alert_told_at_once_or_a_digest_too_many_or_few_fails(
    project: Project, held: list[dict[str, Any]]
) -> None:
    drilled = digests(project, *held)
    await drilled._told_by_digest_alone(OPENS)
    assert not drilled.stage.drill.passed
