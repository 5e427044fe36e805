"""GET /config: off unless asked for; then what holds, and of secrets only whether they are set."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.http_config import overview
from bot.settings import read_settings
from bot.start import read_configuration
from scripts.stack.home import Home
from scripts.stack.ports import Ports
from scripts.stack.services import services
from tests.bot.play import CONFIG, Exchange, get, running_bot
from tests.bot.test_docs import section

SECRET = {
    "DATABASE_URL": "postgresql://the-user:dbpass@db.example:5432/trading_bot?sslmode=disable",
    "BINGX_API_KEY": "the-api-key",
    "BINGX_SECRET_KEY": "the-secret-key",
}


def page(config: Path = CONFIG, **changes: str) -> dict[str, Any]:
    settings, problems = read_settings(SECRET | {"CONFIG_ENDPOINT": "true"} | changes)
    configuration, more = read_configuration(config)
    assert settings is not None, problems
    assert configuration is not None, more
    told = overview(settings, configuration.bot, configuration.version, configuration.hash)
    assert told is not None
    return told


async def test_it_is_off_unless_it_is_asked_for(dsn: str) -> None:
    async with running_bot(dsn, "http://127.0.0.1:1", wait=False) as bot:
        status, told = await get(f"{bot.url}/config")
    assert (status, told) == (404, {"error": "this page is off: start the bot with CONFIG_ENDPOINT=true"})


def test_a_stack_on_this_machine_shows_it(tmp_path: Path) -> None:
    home = Home(path=tmp_path, ports=Ports.free())
    (bot,) = [each for each in services(home, home.prepare()) if each.name == "bot"]
    assert bot.environment["CONFIG_ENDPOINT"] == "true"


async def test_it_answers_like_the_other_pages(dsn: str, exchange: Exchange) -> None:
    async with running_bot(dsn, exchange.url, CONFIG_ENDPOINT="true") as bot:
        status, told = await get(f"{bot.url}/config")
        _, known = await get(f"{bot.url}/status")
    assert status == 200
    for name in ("mode", "version", "config_hash"):
        assert told[name] == known[name]
    assert told["settings"]["BINGX_BASE_URL"] == exchange.url
    assert told["settings"]["ADMIN_TOKEN"] == "set"


def test_values_are_as_they_are_written_in_bot_yaml() -> None:
    told = page()["bot.yaml"]
    assert told["sources"] == ["telegram", "cryptet", "http", "test"]
    assert told["trading"]["max_slippage_percent"] == "0.5"
    assert told["trading"]["entry_expiry"] == "4h"
    assert told["trading"]["max_leverage"] == 10
    assert told["timers"]["look"] == "1s"
    assert json.loads(json.dumps(told)) == told


def test_caps_are_shown_by_name(tmp_path: Path) -> None:
    text = (CONFIG / "bot.yaml").read_text()
    caps = "symbol_caps_usdt: {BTC-USDT: 20000.5}"
    (tmp_path / "bot.yaml").write_text(text.replace("  timezone: UTC", f"  timezone: UTC\n  {caps}"))
    (tmp_path / "metrics.yaml").write_text((CONFIG / "metrics.yaml").read_text())
    trading = page(tmp_path)["bot.yaml"]["trading"]
    assert trading["symbol_caps_usdt"] == {"BTC-USDT": "20000.5"}
    assert trading["source_caps_usdt"] == {}


def test_no_section_of_bot_yaml_is_left_out() -> None:
    written = re.findall(r"^(\w+):", (CONFIG / "bot.yaml").read_text(), re.M)
    assert list(page()["bot.yaml"]) == written


def test_every_setting_is_shown_with_what_holds() -> None:
    named = re.findall(r"`([A-Z_]+)`", "".join(re.findall(r"^\| (`.*?) \|", section("Settings"), re.M)))
    told = page(LOG_LEVEL="DEBUG")["settings"]
    assert set(named) - set(told) == set()
    assert (told["LOG_LEVEL"], told["HTTP_PORT"], told["SIMULATOR_HOST"]) == ("DEBUG", "8080", None)


def test_secrets_are_set_or_not_set(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("the-admin-token")
    told = page(ADMIN_TOKEN_FILE=str(file))["settings"]
    assert told["DATABASE_URL"] == "set, to db.example:5432/trading_bot"
    assert [told[name] for name in ("BINGX_API_KEY", "ADMIN_TOKEN")] == ["set", "set"]
    assert page()["settings"]["ADMIN_TOKEN"] == "not set"
    text = json.dumps(page(ADMIN_TOKEN="the-admin-token"))
    for secret in ("the-user", "dbpass", "the-api-key", "the-secret-key", "the-admin-token"):
        assert secret not in text


@pytest.mark.parametrize("password", ["pa/ss", "pa@ss", "pa?ss", "pa#ss", "pa%zz", "pa%00ss", "pa[ss"])
def test_a_password_that_would_be_read_as_something_else_is_refused_untold(password: str) -> None:
    url = f"postgresql://user:{password}@host/trading_bot"
    settings, (problem,) = read_settings(SECRET | {"DATABASE_URL": url})
    assert settings is None
    assert "write each of" in problem
    assert password not in problem
