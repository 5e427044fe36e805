"""Every way the exchange can fail, with the true bot: what becomes of the order, the position, the metric.

FAULT_COUNT sets how many of them are tried, FUZZ_SEED which.
"""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bot.faults import guarding, hands, keeping, refusing, sending
from tests.bot.faults.stage import ENDS, Case, on_stage
from tests.bot.play import Exchange, until

CASES = (*sending.CASES, *refusing.CASES, *guarding.CASES, *keeping.CASES, *hands.CASES)
COUNT, SEED = int(os.environ.get("FAULT_COUNT", "16")), int(os.environ.get("FUZZ_SEED", "1"))
TRIED = random.Random(SEED).sample(CASES, min(COUNT, len(CASES)))
LONG = 30.0


def test_what_of_the_faults_is_left_out(record_property: Callable[[str, object], None]) -> None:
    record_property("sampled", f"{len(TRIED)} of {len(CASES)} faults tried; FAULT_COUNT sets how many")
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", TRIED, ids=lambda case: case.name)
async def test_a_fault_of_the_exchange(case: Case, dsn: str, exchange: Exchange, tmp_path: Path) -> None:
    async with on_stage(dsn, exchange, tmp_path, case.pace) as stage:
        await stage.watch(case.series)
        await case.play(stage)
        if not stage.moved:
            await stage.moves()
        await until(lambda: stage.path() == case.states, LONG)
        await until(lambda: ENDS[case.ends](stage), LONG)
        names = [each.client_id for each in stage.entries()]
        assert (len(names), len(set(names))) == (case.orders, case.orders)
        assert set(names) <= stage.states().keys(), "sent under an id of which the bot's books know nothing"
