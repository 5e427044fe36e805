"""What a real bot exports, against the catalogue: both ways, as `tradewatch contract` reads it."""

from collections.abc import Sequence
from functools import partial

import aiohttp

from config.spec.load import load_project
from config.spec.model import Project
from observability.contract import breaches
from observability.contract_command import read_exported
from tests.bot.play import CONFIG, Bot, Exchange, running_bot, until

# This bot listens to no Telegram, so this was never measured.
WITHOUT_TELEGRAM = ["telegram_connected is not exported by bot"]
BUCKET = 'order_processing_seconds_bucket{le="0.25"} '


def told(project: Project, text: str) -> list[str]:
    found = breaches(project, project.scrape.jobs["bot"], read_exported([("bot", text)]), "contract/metric")
    return [one.message.partition(";")[0].partition(" of itself")[0] for one in found]


def without(text: str, beginning: str) -> str:
    lines = text.splitlines(keepends=True)
    left = [line for line in lines if not line.startswith(beginning)]
    assert len(left) < len(lines), f"nothing begins with {beginning}"
    return "".join(left)


def replaced(text: str, old: str, new: str) -> str:
    assert old in text, f"{old!r} is not exported"
    return text.replace(old, new)


async def is_measured(bot: Bot) -> bool:
    """Whether it has read what it reads last."""
    return await bot.metric("balance_difference_usdt") is not None


async def test_the_bot_keeps_to_the_catalogue_and_each_breach_is_found(dsn: str, exchange: Exchange) -> None:
    project, problems, _ = load_project(CONFIG)
    assert project is not None, problems
    async with running_bot(dsn, exchange.url) as bot:
        await bot.order()
        await until(partial(is_measured, bot))
        async with aiohttp.ClientSession() as session, session.get(f"{bot.url}/metrics") as response:
            text = await response.text()
    assert told(project, text) == WITHOUT_TELEGRAM
    renamed = replaced(text, "bot_ready", "bot_is_ready")
    breaches_: Sequence[tuple[str, list[str]]] = [
        (
            renamed,
            ["bot_ready is not exported by bot", "bot exports bot_is_ready, which metrics.yaml lacks"],
        ),
        (
            replaced(text, 'orders_total{source="cryptet"}', 'orders_total{source="letter"}'),
            [
                "orders_total has source='letter', which is not among the values of the catalogue",
                'orders_total lacks the series {source="cryptet"}, which must begin at 0',
            ],
        ),
        (
            replaced(text, "# TYPE bot_lease_held gauge", "# TYPE bot_lease_held counter"),
            ["bot_lease_held is a counter of bot, not a gauge"],
        ),
        (without(text, BUCKET), ["order_processing_seconds has no bucket le=0.25"]),
        (
            text + "# TYPE bot_moods gauge\nbot_moods 1\n",
            ["bot exports bot_moods, which metrics.yaml lacks"],
        ),
        (
            replaced(text, "# HELP bot_lease_held ", "# HELP bot_lease_held Not "),
            ["bot_lease_held says"],
        ),
    ]
    for broken, wanted in breaches_:
        new = [one for one in told(project, broken) if one not in WITHOUT_TELEGRAM]
        assert new == wanted
