"""Every signal that a drill sends is answered, and what the book has besides is seen."""

import asyncio
from pathlib import Path

from config.spec.duration import Duration
from config.spec.model import Project
from scripts.drill.stage import Stage
from scripts.drill.verdict import Drill
from scripts.drill.world import World
from tests.scripts.drill.fake_exchange import Exchange, world_of


def stage_in(world: World, project: Project) -> Stage:
    drill = Drill(alert="HighOrderFailureRate", severity="critical", time_scale=60)
    return Stage(project=project, scale=60, world=world, drill=drill, say=lambda _: None)


async def test_the_signal_on_its_way_at_the_end_of_the_traffic_is_waited_for(tmp_path: Path) -> None:
    exchange = Exchange()
    async with world_of(exchange, tmp_path) as world:
        async with world.traffic(Duration(1)):
            await exchange.is_taken.wait()
            asyncio.get_running_loop().call_later(0.01, exchange.may_answer.set)
        assert [answer["order"]["client_id"] for answer in world.answers] == exchange.book


async def test_a_long_pause_between_signals_does_not_hold_up_the_end(tmp_path: Path) -> None:
    exchange = Exchange()
    exchange.may_answer.set()
    async with world_of(exchange, tmp_path) as world, asyncio.timeout(60):
        async with world.traffic(Duration(3_600_000)):
            await exchange.is_taken.wait()
        assert len(world.answers) == 1


async def test_an_order_that_no_signal_asked_for_fails_the_drill_and_is_counted(
    tmp_path: Path, project: Project
) -> None:
    exchange = Exchange()
    exchange.may_answer.set()
    async with world_of(exchange, tmp_path) as world:
        stage = stage_in(world, project)
        await world.send_signal()
        exchange.book.append("somebody's")
        await stage.judge_nothing_lost()
    assert not stage.drill.passed
    seen = "1 signals, 1 orders, 1 taken, 2 in the book, 0 doubled, 0 lost, 1 foreign"
    assert stage.drill.steps[0].seen == seen
