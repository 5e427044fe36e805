"""Every signal that a drill sends is answered, and what the book has besides is seen."""

import asyncio
from dataclasses import replace
from pathlib import Path
from unittest.mock import AsyncMock

import pytest

from config.spec.duration import Duration
from config.spec.model import Project
from scripts.drill.stage import Accounts, Stage
from scripts.drill.verdict import Drill, Promise
from scripts.drill.world import World, until
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
    tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange = Exchange()
    exchange.may_answer.set()
    async with world_of(exchange, tmp_path) as world:
        stage = stage_in(world, project)
        await world.send_signal()
        kept = [{"client_id": exchange.book[0], "signal_id": 1, "state": "filled"}]
        monkeypatch.setattr(world, "stored", AsyncMock(return_value=kept))
        monkeypatch.setattr("scripts.drill.stage._ACCOUNTS_SECONDS", 0.01)
        exchange.book.append("somebody's")
        await stage.judge_nothing_lost()
    assert stage.drill.broken is Promise.ORDERS
    seen = "1 signals, 1 orders, 1 taken, 2 in the book, 0 doubled, 0 lost, 1 foreign, 0 unknown"
    assert stage.drill.steps[0].seen == seen


def order(name: str, state: str = "filled", signal: int = 0) -> dict[str, object]:
    return {"client_id": name, "signal_id": signal or hash(name), "state": state}


@pytest.mark.parametrize(
    ("stored", "book", "told", "wrong"),
    [
        ([order("a"), order("b", "pending")], ["a", "b"], ["a"], {}),
        ([order("a", "rejected")], [], ["a"], {}),
        ([order("a", "cancelled")], ["a"], ["a"], {}),
        ([order("a")], [], ["a"], {"lost": {"a"}}),
        ([], [], ["a"], {"lost": {"a"}}),
        ([order("a", "rejected")], ["a"], [], {"foreign": {"a"}}),
        ([order("a", "not_sent")], ["a"], [], {"foreign": {"a"}}),
        ([order("a")], ["a", "a"], [], {"doubled": {"a"}}),
        ([order("a", signal=1), order("b", signal=1)], ["a", "b"], [], {"doubled": {"a", "b"}}),
        ([order("a", "unknown")], [], [], {"unknown": {"a"}}),
    ],
)
def test_the_bots_orders_are_compared_with_the_book_and_with_what_senders_were_told(
    stored: list[dict[str, object]], book: list[str], told: list[str], wrong: dict[str, set[str]]
) -> None:
    accounts = Accounts.of(stored, book, told)
    kinds = ("doubled", "lost", "foreign", "unknown")
    assert {kind: getattr(accounts, kind) for kind in kinds if getattr(accounts, kind)} == wrong
    assert accounts.agree is not bool(wrong)


async def test_a_sender_that_gets_no_answer_goes_on(tmp_path: Path) -> None:
    exchange = Exchange()
    async with world_of(exchange, tmp_path) as world:
        world.home = replace(world.home, ports=replace(world.home.ports, bot=1))
        async with world.traffic(Duration(1)):
            assert await until(AsyncMock(side_effect=lambda: world.answers or None), 30)
        assert {answer["order"] for answer in world.answers} == {None}
