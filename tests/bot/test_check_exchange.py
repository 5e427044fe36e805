"""The command: its table, its exit codes, and that it puts everything back whoever ends it."""

import signal
from dataclasses import dataclass

import pytest

from bot.check_exchange import result, table
from tests.bot.play import Exchange, until
from tests.bot.test_process import child, environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    what: str
    expected: str
    seen: str
    verdict: str
    switch: str = ""


FOUND = [
    Found(what="a short thing", expected="101481", seen="101481", verdict="ok", switch="duplicate"),
    Found(what="another", expected="yes", seen="", verdict="not seen"),
    Found(what="a third", expected="stay", seen="go", verdict="differs", switch="leftover_stops"),
    Found(what="a fourth", expected="yes", seen="no", verdict="differs"),
]


def test_the_table_says_which_switch_of_the_simulator_is_for_what_differs() -> None:
    assert table(FOUND).splitlines() == [
        "what           expected  seen",
        "a short thing  101481    101481  ok",
        "another        yes       -       not seen",
        "a third        stay      go      differs; the simulator's switch for it is leftover_stops",
        "a fourth       yes       no      differs",
    ]


@pytest.mark.parametrize(
    ("failure", "findings", "code"),
    [("", FOUND[:2], 0), ("", FOUND, 1), ("no answer", FOUND, 2), ("x", [], 2)],
)
def test_the_exit_code_tells_all_of_it(failure: str, findings: list[Found], code: int) -> None:
    assert result(failure, findings) == code


async def test_the_simulator_is_as_the_bot_expects(exchange: Exchange) -> None:
    told = environment("postgresql://x/y", exchange.url)
    async with child("-m", "bot", "check-exchange", **told) as process:
        assert await process.wait() == 0
        assert process.stderr is not None
        assert await process.stderr.read() == b""


async def test_told_to_stop_it_puts_everything_back_first(exchange: Exchange) -> None:
    account = exchange.simulator.book.account
    told = environment("postgresql://x/y", exchange.url)
    async with child("-m", "bot", "check-exchange", **told) as process:
        await until(lambda: bool(account.positions))
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 2
        assert process.stderr is not None
        assert await process.stderr.read() == b"ended early: interrupted\n"
    assert (account.positions, exchange.simulator.book.open()) == ({}, [])


async def test_it_never_tries_anything_with_real_money() -> None:
    told = {"TRADING_MODE": "live", "BINGX_BASE_URL": "https://open-api.bingx.com", "TIME_SCALE": "1"}
    async with child("-m", "bot", "check-exchange", **environment("postgresql://x/y", "", **told)) as process:
        assert await process.wait() == 2
        assert process.stderr is not None
        assert b"it wants play money" in await process.stderr.read()


async def test_nobody_answering_is_told() -> None:
    told = environment("postgresql://x/y", "http://127.0.0.1:1")
    async with child("-m", "bot", "check-exchange", **told) as process:
        assert await process.wait() == 2
        assert process.stderr is not None
        assert b"ended early: cannot connect to the exchange" in await process.stderr.read()
