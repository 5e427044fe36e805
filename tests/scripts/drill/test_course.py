"""A drill finds what is planted: a broken rule, a wrong route, a runbook that does nothing, and so on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from config.spec.duration import Duration
from config.spec.model import Project
from observability.scale import scaled
from scripts.drill import mending, scenario
from scripts.drill.fault import ByHand, Fault, Script
from scripts.drill.scenario import Scenario
from scripts.drill.stage import Stage
from scripts.drill.verdict import Drill, Promise
from scripts.drill.world import World

SPEED = 1000.0
NAME, LABELS = "TargetDown", "postgres at 127.0.0.1:9187"


@dataclass
class Play(World):
    """A World whose alert follows the fault; `defect` is what is wrong with the stack."""

    folder: Path
    defect: str = ""
    is_broken: bool = False
    pages: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.home = SimpleNamespace(path=self.folder, time_scale=SPEED)
        self.facts, self.answers, self.foreign = {}, [], set()

    @property
    def fires(self) -> bool:
        return {
            "fires always": True,
            "a broken rule": False,
            "ends by itself": self.is_broken and not self.pages,
            "never ends": self.is_broken or bool(self.pages),
        }.get(self.defect, self.is_broken and not (self.folder / "mended").exists())

    def tell(self, status: str, alert: str = NAME, channel: str = "email") -> None:
        text = f"[{status}] WARNING {alert} {LABELS} does not answer. target_down"
        now = datetime.now(UTC).isoformat()
        kept = {"alertname": alert, "status": status, "channel": channel, "severity": "warning", "text": text}
        self.pages.append({**kept, "received_at": now, "title": text, "raw": "", "links": [], "warnings": []})
        self.pages[-1]["id"] = len(self.pages)

    @asynccontextmanager
    async def cause(self, _: World) -> AsyncIterator[str]:
        self.is_broken = True
        yield "it is broken"
        self.is_broken = False

    async def until_scraped(self, jobs: int) -> None:
        """All are up."""

    async def held(self) -> set[str]:
        return set()

    async def query(self, expression: str) -> list[Any]:
        if expression.startswith("sum(prometheus_rule_group_iterations_total"):
            return [{"value": [0, str(datetime.now(UTC).timestamp())]}]
        return [{"fired": 1}] if expression.startswith("max_over_time") and self.fires else []

    async def pending_since(self, alert: str, severity: str) -> datetime | None:
        return datetime.now(UTC) if self.fires else None

    firing_since = pending_since

    async def latest(self) -> int:
        return len(self.pages)

    async def notifications(self) -> list[Any]:
        return self.pages

    async def notification(self, within: float, **match: str) -> Any:
        if (match["status"] == "firing") is self.fires and self.defect != "nobody is told of the end":
            self.tell(match["status"], channel="pagerduty" if self.defect == "a wrong route" else "email")
        elif match["status"] == "firing":
            self.tell("firing")
        if self.defect == "another one is told":
            self.tell("firing", alert="BotDown", channel="pagerduty")
        after = int(match.pop("after"))
        found = [page for page in self.pages if page["id"] > after]
        return next((page for page in found if match.items() <= page.items()), None)

    async def stored(self) -> list[Any]:
        return (
            [{"client_id": "a", "signal_id": 1, "state": "filled"}]
            if self.defect == "an order is lost"
            else []
        )

    async def book(self) -> list[Any]:
        return []


async def played(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, defect: str, by_hand: bool = False
) -> Drill:
    """Play a drill of TargetDown; its runbook mends unless that is the defect."""
    for module, name in ((scenario, "_LATE_SECONDS"), (scenario, "_LEAST_HOLD"), (mending, "_BEGUN")):
        monkeypatch.setattr(module, name, 0.02)
    monkeypatch.setattr("scripts.drill.stage._ACCOUNTS_SECONDS", 0.02)
    script = tmp_path / "target_down.sh"
    does = {"a runbook that does nothing": ":", "a runbook that breaks": "exit 1"}
    mends = f"touch {tmp_path}/mended"
    script.write_text(f"#!/bin/sh\necho it hangs\n{does.get(defect, mends)}\n")
    script.chmod(0o755)
    world = Play(folder=tmp_path, defect=defect)
    step = ByHand(does="mends it", because="no script can", finds="it hangs") if by_hand else Script()
    short = Duration(60_000)
    fault = Fault(
        what="it hangs",
        cause=world.cause,
        mend=(step,),
        every=None,
        calm=short,
        holds=short,
        over_within=short,
    )
    drill = Drill(alert=NAME, severity="warning", time_scale=SPEED)
    stage = Stage(project=scaled(project, SPEED), scale=SPEED, world=world, drill=drill, say=lambda _: None)
    alert = stage.project.alerts[NAME]
    await Scenario(stage=stage, alert=alert, fault=fault, severity="warning", runbooks=tmp_path).run()
    return drill


@pytest.mark.parametrize("by_hand", [False, True])
async def test_what_goes_as_it_should_passes(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_hand: bool
) -> None:
    drill = await played(project, tmp_path, monkeypatch, "", by_hand)
    assert drill.passed, drill.said
    assert {step.promise for step in drill.steps} == set(Promise)


@pytest.mark.parametrize(
    ("defect", "broken"),
    [
        ("fires always", Promise.SILENT),
        ("a broken rule", Promise.DETECTED),
        ("a wrong route", Promise.DELIVERED),
        ("ends by itself", Promise.HOLDS),
        ("a runbook that breaks", Promise.RUNBOOK),
        ("a runbook that does nothing", Promise.RESOLVED),
        ("never ends", Promise.RESOLVED),
        ("nobody is told of the end", Promise.TOLD),
        ("another one is told", Promise.ALONE),
        ("an order is lost", Promise.ORDERS),
    ],
)
async def test_what_is_planted_is_found_and_named(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, defect: str, broken: Promise
) -> None:
    drill = await played(project, tmp_path, monkeypatch, defect)
    assert drill.broken is broken, [step for step in drill.steps if not step.good]


async def test_a_runbook_that_does_not_say_what_a_person_needs_is_found(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drill = await played(project, tmp_path, monkeypatch, "a runbook that breaks", by_hand=True)
    assert drill.broken is Promise.RUNBOOK
