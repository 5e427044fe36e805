"""Each kind of notice from what truly happens: bot, simulator, database, and the sink that plays Telegram."""

import time
from collections.abc import AsyncIterator
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from tests.bot.faults.stage import PACE, Stage
from tests.bot.made_control import control_directory
from tests.bot.play import TOKEN as ADMIN
from tests.bot.play import Exchange, post, until
from tests.bot.telegram_chat import Chat, playing, telling_bot

LONG = "BUY BTCUSDT 0.1 @ 59900-60000 SL 58800 TP 61000 62000"
SHORT = "SELL BTCUSDT 0.1 @ 60000-60100 SL 61200 TP 59000 58000"


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Chat]:
    async with playing(tmp_path) as made:
        yield made


@pytest.fixture
async def stage(dsn: str, exchange: Exchange, chat: Chat, tmp_path: Path) -> AsyncIterator[Stage]:
    control = control_directory(tmp_path / "control")
    async with telling_bot(dsn, exchange, chat, pace=PACE, CONTROL_DIR=str(control)) as bot:
        yield Stage(bot=bot, exchange=exchange, control=control)


async def test_an_entry_that_is_filled_is_told_with_all_that_protects_it(stage: Stage, chat: Chat) -> None:
    await stage.signal(LONG)
    told = await chat.told("opened BTC")
    head, rest = told.split("\n")
    assert head == "[simulator] opened BTC-USDT long 0.1 at 60000"
    assert rest == "stop 58800, targets 61000, 62000, leverage 10x, from test"


async def test_an_entry_that_is_filled_in_parts_is_told_at_its_first_and_its_last(
    stage: Stage, chat: Chat
) -> None:
    await stage.rests()
    await stage.fill("0.04")
    assert "opened BTC-USDT long 0.04 of 0.1 at" in await chat.told("opened BTC")
    await stage.fill("0.06")
    await chat.told(r"opened BTC-USDT long 0\.1\d* at")
    assert [text for text in await chat.notices() if "opened" in text][2:] == []


async def test_what_is_refused_is_told_with_its_reason_and_talk_is_not(stage: Stage, chat: Chat) -> None:
    await stage.bot.order("Good morning, what a day!", "talk")
    await stage.bot.order("\nBUY DOGEUSDT 1", "refused")
    told = await chat.told("refused")
    assert told == (
        "[simulator] refused, from test: symbol_not_allowed: DOGE-USDT is not in trading.symbols\n"
        "> BUY DOGEUSDT 1"
    )
    assert not [text for text in await chat.notices() if "morning" in text]


@pytest.mark.parametrize("signal", [LONG, SHORT], ids=["long", "short"])
@pytest.mark.parametrize("reached", ["both targets", "the stop", "a target, then the stop"])
async def test_a_position_that_is_over_is_told_with_what_the_exchange_says_it_brought(
    stage: Stage, chat: Chat, signal: str, reached: str
) -> None:
    await stage.signal(signal)
    await until(lambda: stage.is_guarded(targets=2))
    stage.exchange.simulator.book.account.pay_funding(stage.exchange.simulator.now())
    up = 1 if signal is LONG else -1
    for step in {
        "both targets": (1000, 2000),
        "the stop": (-1200,),
        "a target, then the stop": (1000, -1200),
    }[reached]:
        stage.prices(str(60000 + step * up))
        await until(lambda: not stage.positions() or stage.is_guarded())
    told = await chat.told("closed BTC")
    sums = dict.fromkeys(("REALIZED_PNL", "TRADING_FEE", "FUNDING_FEE"), Decimal(0))
    for row in stage.exchange.simulator.book.account.income:
        sums[row["incomeType"]] += Decimal(row["income"])
    assert all(sums.values()), "each kind of income must show"
    assert (sums["REALIZED_PNL"] > 0) == (reached == "both targets")
    head, result = told.removeprefix("[simulator] ").split("\n")
    side = "long" if up == 1 else "short"
    assert head.startswith(f"closed BTC-USDT {side} 0.1, from test, 60000 to ")
    assert result == (
        f"{sum(sums.values()):+.2f} USDT: realised {sums['REALIZED_PNL']:+.2f}, "
        f"fees {sums['TRADING_FEE']:+.2f}, funding {sums['FUNDING_FEE']:+.2f}"
    )


async def test_of_two_trades_in_a_symbol_each_is_told_with_its_own_result(stage: Stage, chat: Chat) -> None:
    incomes = []
    for number, price in enumerate((62000, 58800)):
        stage.prices("60000")
        before = len(stage.exchange.simulator.book.account.income)
        await until(partial(_is_taken, stage, number))
        await until(lambda: stage.is_guarded(targets=2))
        stage.prices("61000", str(price)) if price > 60000 else stage.prices(str(price))
        await chat.told(r"closed.*\n\+" if price > 60000 else r"closed.*\n-")
        rows = stage.exchange.simulator.book.account.income[before:]
        incomes.append(sum(Decimal(row["income"]) for row in rows))
    told = [text.split("\n")[1].split(" ")[0] for text in await chat.notices() if "closed" in text]
    assert told == [f"{income:+.2f}" for income in incomes]


async def _is_taken(stage: Stage, number: int) -> bool:
    """Once the bot has read the price of now."""
    _, told = await stage.bot.order(LONG, f"{number} at {time.monotonic()}".replace(" ", "_"))
    return bool(told["verdict"] == "accepted")


async def test_a_position_without_its_stop_is_told_and_that_it_has_it_again(stage: Stage, chat: Chat) -> None:
    await stage.held()
    await stage.lose_stop()
    bare = "[simulator] UNPROTECTED: 0.1 of BTC-USDT long 0.1 has no stop"
    assert (await chat.told("UNPROTECTED")).replace("0.1000", "0.1") == bare
    assert await chat.told("again") == "[simulator] BTC-USDT long has its stop again"


async def test_who_closes_and_opens_the_switch_is_told_with_why(stage: Stage, chat: Chat) -> None:
    body = {"level": 2, "reason": "looks odd", "who": "ann"}
    assert (await post(f"{stage.bot.url}/trading", body, ADMIN))[0] == 200
    assert await chat.told("HALTED") == (
        "[simulator] HALTED at level 2, no new entries, resting ones are cancelled; by ann: looks odd"
    )


async def test_that_trading_is_open_again_is_told(stage: Stage, chat: Chat) -> None:
    switch = {"level": 1, "reason": "lunch", "who": "ann"}
    await post(f"{stage.bot.url}/trading", switch, ADMIN)
    stage.control.joinpath("HALT").unlink()
    opening = {"level": 0, "reason": "all is well", "who": "ben"}
    status, told = await post(f"{stage.bot.url}/trading", opening, ADMIN)
    assert status == 200, told
    assert await chat.told("by ben") == "[simulator] trading is open; by ben: all is well"


async def test_a_difference_to_the_exchange_is_told_when_it_comes_and_goes(stage: Stage, chat: Chat) -> None:
    told = await stage.by_hand(
        "place_order",
        symbol="BTC-USDT", side="BUY", positionSide="LONG", type="LIMIT", price="50000", quantity="0.1",
    )  # fmt: skip
    assert await chat.told("MISMATCH") == (
        "[simulator] MISMATCH between database and exchange: 1 orders that are not ours"
    )
    await stage.by_hand("cancel_order", symbol="BTC-USDT", orderId=str(told["order"]["orderId"]))
    assert await chat.told("agree") == "[simulator] database and exchange agree again"


async def test_a_message_that_asks_to_close_what_is_held_is_told_and_does_nothing(
    stage: Stage, chat: Chat
) -> None:
    await stage.held()
    await stage.bot.order("Close ETHUSDT now", "another")
    await stage.bot.order("Close BTCUSDT now\nor later", "held")
    assert await chat.told("to close") == (
        "[simulator] a message from test asks to close BTC-USDT. Nothing was done; held: BTC-USDT long\n"
        "> Close BTCUSDT now"
    )
    await stage.bot.order("Move SL to entry BTCUSDT", "moved")
    await chat.told("asks to move the stop or targets of BTC-USDT")
    assert stage.is_guarded(targets=2)
    assert len([text for text in await chat.notices() if "asks" in text]) == 2
