"""The words that ask the bot, and that close and open its switch: with the true bot, alive and dead."""

from pathlib import Path

import pytest

from bot.adapters.control import ControlDirectory
from tests.bot.play import TOKEN, until
from tests.runbooks.databases import Cluster
from tests.runbooks.stage import Stage, playing

pytestmark = pytest.mark.stack

NOBODY = "http://127.0.0.1:1"


async def test_the_switch_is_closed_and_opened_in_the_order_of_the_bots_own_commands(
    cluster: Cluster, tmp_path: Path
) -> None:
    async with playing(cluster, tmp_path) as stage:
        closed = await stage.say("""switch_close 2 'it "went" back\\slash wild'""")
        assert closed.code == 0, closed.out
        assert "kept by HALT file and database" in closed.out
        switch = (await stage.status())["switch"]
        assert (switch["level"], switch["reason"]) == (2, 'it "went" back\\slash wild')
        # A milder one opens nothing, in the file neither.
        assert (await stage.say("switch_close 1 less")).code == 0
        assert await stage.level() == 2
        assert stage.halt.read_text().startswith("2 it ")

        # Whoever is refused finds the file where it was, as it was.
        before = stage.halt.read_text()
        wrong = await stage.say("switch_open 7 '' 'tried it'")
        assert (wrong.code, stage.halt.read_text()) == (1, before)
        assert "size_factor must be a number above 0" in wrong.out
        stage.fail(http_status=502)
        await until(lambda: _is_unwell(stage))
        refused = await stage.say("switch_open 1 '' 'tried it'")
        assert (refused.code, stage.halt.read_text()) == (1, before)
        assert "  - HTTP 502" in refused.out
        assert [each.name for each in stage.control.iterdir() if each.name.startswith(".")] == []
        stage.mend()
        await until(stage.bot.is_ready)

        opened = await stage.say("switch_open 0.5 BTC-USDT,ETH-USDT 'tried it'")
        assert opened.code == 0, opened.out
        switch = (await stage.status())["switch"]
        assert (switch["level"], switch["size_factor"]) == (0, "0.5")
        assert switch["symbols"] == ["BTC-USDT", "ETH-USDT"]
        assert not stage.halt.exists()


async def _is_unwell(stage: Stage) -> bool:
    return not await stage.bot.is_ready()


async def test_with_the_bot_dead_the_file_closes_and_nothing_opens(cluster: Cluster, tmp_path: Path) -> None:
    async with playing(cluster, tmp_path) as stage:
        closed = await stage.say("switch_close 3 dead", BOT_URL=NOBODY)
        assert (closed.code, stage.halt.read_text()[:6]) == (0, "3 dead"), closed.out
        await until(stage.is_at(3))
        opened = await stage.say("switch_open 1 '' 'tried it'", BOT_URL=NOBODY)
        assert (opened.code, stage.halt.read_text()[:6]) == (1, "3 dead")
        # Neither file nor bot.
        nothing = await stage.say("switch_close 1 why", BOT_URL=NOBODY, CONTROL_DIR=str(tmp_path))
        assert nothing.code == 1
        assert "NOT HALTED" in nothing.out
        # What has the name closes, whatever it is; what it says counts as for the bot.
        for text, level in (("", 1), ("2: too wild", 2), ("30 minutes", 1), ("3, now", 3), ("\n 2 late", 2)):
            stage.halt.write_text(text)
            told = await stage.say("switch_latch", kind="probe")
            assert f"closes at level {level}" in told.out, text
            seen = ControlDirectory(stage.control).read()
            assert seen is not None
            assert seen.level == level, text


async def test_a_probe_cannot_use_them_and_no_argument_has_the_token(
    cluster: Cluster, tmp_path: Path
) -> None:
    async with playing(cluster, tmp_path) as stage:
        for word in ("switch_close 1 x", "switch_open 1 '' x", "bot_post /trading '{}'", "service_stop bot"):
            ran = await stage.say(word, kind="probe")
            assert (ran.code, "only an action may use it" in ran.out) == (1, True), ran.out
        assert await stage.level() == 0
        shadow = tmp_path / "shadow"
        shadow.mkdir()
        (shadow / "curl").write_text(
            f'#!/bin/bash\nprintf "%s\\n" "$@" >>{tmp_path}/words\nexec /usr/bin/curl "$@"\n'
        )
        (shadow / "curl").chmod(0o755)
        path = f"{shadow}:{stage.variables['PATH']}"
        assert (await stage.say("switch_close 1 x; switch_open 1 '' x", PATH=path)).code == 0
        words = (tmp_path / "words").read_text()
        assert "/trading" in words
        assert TOKEN not in words


async def test_what_the_bot_says_is_printed_and_what_it_does_not_say_fails(
    cluster: Cluster, tmp_path: Path
) -> None:
    async with playing(cluster, tmp_path) as stage:
        stage.fail(http_status=502)
        await until(lambda: _is_unwell(stage))
        health = await stage.say("bot_get /health | json .status", kind="probe")
        assert (health.code, health.out) == (0, "not ready\n")
        assert (await stage.say("bot_get /nothing", kind="probe")).code == 1
        assert (await stage.say("bot_get /status", kind="probe", BOT_URL=NOBODY)).code == 1
        metric = await stage.say("bot_metric bot_switch_level bot_trading_mode", kind="probe")
        assert metric.out.splitlines()[0] == 'bot_trading_mode{mode="simulator"} 1.0'
        assert "bot_switch_level 0.0" in metric.out
        assert (await stage.say("bot_metric bot_switch", kind="probe")).code == 1
