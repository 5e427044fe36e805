"""Whatever BingX leaves open: a whole life of orders ends the same, with each value of each switch.

LIFE_COUNT sets how many lives are tried, FUZZ_SEED which.
"""

import os
import random
from collections.abc import Callable
from dataclasses import fields
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from bot.simulator.switches import Switches, parse
from tests.bot.faults.life import MARKETS, NEVER_ASKED, PROVOKED, Asked, Life, be_flattened, live
from tests.bot.faults.stage import Stage, on_stage
from tests.bot.play import Exchange, until

COUNT, SEED = int(os.environ.get("LIFE_COUNT", "4")), int(os.environ.get("FUZZ_SEED", "1"))
VALUES = [(each.name, value) for each in fields(Switches) for value in each.metadata["values"]]
ALL = [(*switch, market, mode) for switch, market, mode in product(VALUES, MARKETS, ("hedge", "one-way"))]
TRIED = random.Random(SEED).sample(ALL, min(COUNT, len(ALL)))
ENDS = {"filled": "FILLED", "cancelled": "CANCEL"}


@pytest.mark.parametrize(("switch", "value", "market", "mode"), TRIED)
async def test_a_life_ends_safely(
    switch: str, value: str, market: str, mode: str, dsn: str, exchange: Exchange, tmp_path: Path
) -> None:
    book: Any = exchange.simulator.book
    book.account.hedge = mode == "hedge"
    book.switches = asked = Asked(parse(Switches(), {switch: value}))
    traded = MARKETS[market]
    exchange.simulator.market.set(traded.symbol, Decimal(traded.between))
    async with on_stage(dsn, exchange, tmp_path) as stage:
        life = Life(stage=stage, market=traded)
        await live(life)
        for provoke in PROVOKED.values() if switch == "codes" else filter(None, [PROVOKED.get(switch)]):
            await provoke(life)
        await be_flattened(life)
        await until(lambda: says_what_the_exchange_does(stage))
        assert len(stage.states()) == life.signals
    unasked = NEVER_ASKED if mode == "one-way" else NEVER_ASKED | {"one_way_side"}
    assert (switch in asked.names) is (switch not in unasked)


def test_what_of_the_lives_is_left_out(record_property: Callable[[str, object], None]) -> None:
    record_property("sampled", f"{len(TRIED)} of {len(ALL)} lives tried; LIFE_COUNT sets how many")
    assert len(set(TRIED)) == len(TRIED)


def says_what_the_exchange_does(stage: Stage) -> bool:
    """Each order ended as the exchange says, and the exchange has no other."""
    told = {each.client_id: each.status for each in stage.entries()}
    assert len(told) == len(stage.entries()), "an id was taken twice"
    ours = {name: ENDS[state] for name, state in stage.states().items() if state in ENDS}
    return told.keys() == ours.keys() and all(told[name].startswith(ours[name]) for name in ours)
