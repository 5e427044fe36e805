"""The whole bot over the true simulator and database: it shows the money, in its mode, and knows it again."""

import json

from bot.domain.mode import Mode
from tests.bot.play import Bot, Exchange, get, running_bot, until


async def shown(bot: Bot, name: str, value: float) -> None:
    """Patient, for a machine that is busy with other things."""

    async def is_shown() -> bool:
        told = await bot.metric(name)
        return told is not None and abs(told - value) < 0.01

    await until(is_shown, patience=60)


async def test_money_is_shown_and_known_again_after_a_restart(dsn: str, exchange: Exchange) -> None:
    async with running_bot(dsn, exchange.url, wait=False) as bot:
        await shown(bot, "balance_difference_usdt", 0)
        exchange.simulator.book.account.balance -= 7
        await shown(bot, "balance_difference_usdt", -7)
        assert await bot.metric("daily_loss_limit_usdt") == 1000.0
        assert await bot.metric("equity_usdt") == 9_999_993.0
    async with running_bot(dsn, exchange.url, wait=False) as bot:
        await shown(bot, "balance_difference_usdt", -7)


async def test_the_mode_stands_in_every_line_the_status_and_a_gauge(dsn: str, exchange: Exchange) -> None:
    async with running_bot(dsn, exchange.url, wait=False) as bot:
        await shown(bot, "balance_difference_usdt", 0)
        _, status = await get(f"{bot.url}/status")
        gauges = {mode: await bot.metric(f'bot_trading_mode{{mode="{mode}"}}') for mode in Mode}
        lines = [json.loads(line) for line in bot.log.getvalue().splitlines()]
    assert status["mode"] == "simulator"
    assert gauges == {Mode.SIMULATOR: 1.0, Mode.VST: 0.0, Mode.LIVE: 0.0}
    assert {line["mode"] for line in lines} == {"simulator"}
    assert "listening" in {line["event"] for line in lines}
