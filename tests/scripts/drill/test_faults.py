"""A fault is proved to be live before anything is judged, and undone whatever happens."""

from pathlib import Path

import pytest

from config.spec.model import Project
from scripts.drill.causes import orders_answered_late, orders_rejected
from scripts.drill.digests import severity_of_digest
from scripts.drill.fault import Daily, Fault, Script
from scripts.drill.faults import FAULTS, QUICK, UNDRILLED
from scripts.drill.faults_monitoring import HEARTBEAT_MISSING, TEST_PAGE
from scripts.drill.scenario import severity_told_at_once
from scripts.drill.world import HarnessError
from tests.scripts.drill.fake_exchange import Exchange, world_of


def test_the_quick_drills_are_one_of_every_severity(project: Project) -> None:
    routing = project.routing
    drilled = {
        (severity_told_at_once if isinstance(FAULTS[name], Fault) else severity_of_digest)(
            routing, project.alerts[name]
        )
        for name in QUICK
    }
    assert drilled == set(routing.severities)


def test_what_fires_beside_is_told_by_the_digest_too(project: Project) -> None:
    beside = [fault.beside for fault in FAULTS.values() if isinstance(fault, Daily)]
    assert beside
    for name in beside:
        assert severity_of_digest(project.routing, project.alerts[name]) == "info"


async def test_orders_are_rejected_for_as_long_as_the_fault_lasts(tmp_path: Path) -> None:
    exchange = Exchange()
    exchange.may_answer.set()
    async with world_of(exchange, tmp_path) as world:
        async with orders_rejected(world) as proof:
            assert "Insufficient margin" in proof
            assert exchange.faults
        assert not exchange.faults
        assert (await world.send_signal())["order"]["state"] == "filled"


async def test_a_drill_that_breaks_leaves_no_fault_behind(tmp_path: Path) -> None:
    exchange = Exchange()
    async with world_of(exchange, tmp_path) as world:
        with pytest.raises(RuntimeError, match="broke"):
            async with orders_rejected(world):
                raise RuntimeError("the drill broke")
    assert not exchange.faults


async def test_a_rejection_that_rejects_nothing_is_no_fault(tmp_path: Path) -> None:
    exchange = Exchange(deaf=True)
    exchange.may_answer.set()
    async with world_of(exchange, tmp_path) as world:
        with pytest.raises(HarnessError, match="with the fault an order is filled; expected rejected"):
            async with orders_rejected(world):
                pass


async def test_a_delay_that_delays_nothing_is_no_fault(tmp_path: Path) -> None:
    exchange = Exchange(deaf=True)
    exchange.may_answer.set()
    async with world_of(exchange, tmp_path) as world:
        with pytest.raises(HarnessError, match=r"orders took .* s; expected 1.5 s and more"):
            async with orders_answered_late(world):
                pass


def test_every_alert_has_a_drill_or_a_reason_why_not(project: Project) -> None:
    assert not FAULTS.keys() & UNDRILLED.keys()
    assert FAULTS.keys() | UNDRILLED.keys() == project.alerts.keys()
    assert all(len(reason) > 20 for reason in UNDRILLED.values())


def test_five_faults_at_most_are_played_by_a_stand_in_and_each_says_why() -> None:
    played = [fault for fault in FAULTS.values() if isinstance(fault, Fault) and fault.setup.stand_in]
    assert len(played) <= 5
    assert all(fault.stand_in for fault in played)


def test_what_a_fault_names_is_there(project: Project) -> None:
    for name, fault in FAULTS.items():
        if isinstance(fault, Fault):
            assert fault.beside.keys() <= {*project.alerts, TEST_PAGE, HEARTBEAT_MISSING}, name
            assert fault.level in ("", *project.alerts[name].levels), name
            scripts = [step.name for step in fault.mend if isinstance(step, Script) and step.name]
            assert set(scripts) <= project.runbooks.keys(), name
            assert fault.mend, name
