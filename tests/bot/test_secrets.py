"""No secret ever shows: in no log, however loud, on no page, in no error, on no command line."""

import asyncio
import io
import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import pytest

from bot.log import open_log
from bot.settings import Secret, Settings, read_settings
from bot.simulator import faults
from scripts.postgres import free_port
from tests.bot.fakes import FakeStore
from tests.bot.play import KEYS, Bot, Exchange, get, running_bot, until
from tests.bot.sentinels import BESIDE, FAR, leaks, marks, parrot, secret_settings, sentinels
from tests.bot.switch_desk import a_row, open_desk
from tests.bot.test_operator import ABOUT, served
from tests.bot.test_process import child, environment, url_of

LOUD = {"LOG_LEVEL": "TRACE", "SQL_ECHO": "true", "CONFIG_ENDPOINT": "true"}
PAGES = ("health", "livez", "readyz", "status", "config", "metrics", "nowhere")
POSTED = ("debug/signal", "trading", "adopt")


def secrets_of(dsn: str, **changes: str) -> dict[str, str]:
    """Every secret with its sentinel; the database's stands in its URL as the password."""
    told, before = sentinels(), urlsplit(dsn).password
    url = dsn.replace(f":{before}@", f":{told['DATABASE_URL']}@")
    return {**told, **BESIDE, "DATABASE_URL": url, **changes}


def read(**given: str) -> Settings:
    settings, problems = read_settings(given)
    assert settings is not None, problems
    return settings


def test_the_settings_know_their_secrets() -> None:
    assert set(secret_settings()) >= {"DATABASE_URL", "BINGX_API_KEY", "BINGX_SECRET_KEY", "ADMIN_TOKEN"}
    given = secrets_of("postgresql://user:password@127.0.0.1:1/x")
    known = read(**given).secrets()
    assert {name for name in secret_settings() if given[name] not in known} == set()
    assert sentinels()["DATABASE_URL"] in known, "the password by itself"


def test_no_secret_of_the_settings_is_forgotten() -> None:
    """Whatever holds a Secret, be it a part of a part."""
    settings = read(**secrets_of("postgresql://user:password@127.0.0.1:1/x"))

    def held(value: Any) -> list[str]:
        if isinstance(value, Secret):
            return [value.reveal()]
        if is_dataclass(value):
            return [text for each in fields(value) for text in held(getattr(value, each.name))]
        return []

    assert set(held(settings)) - set(settings.secrets()) == set()
    assert len(held(settings)) >= len(secret_settings())
    assert leaks(repr(settings)) == []


@pytest.mark.parametrize(
    ("password", "also"), [("p%40ss%2Fword", "p@ss/word"), ("?password=pass-word", "pass-word")]
)
def test_the_databases_password_is_known_in_each_of_its_forms(password: str, also: str) -> None:
    url = f"postgresql://host/x{password}" if password[0] == "?" else f"postgresql://user:{password}@host/x"
    assert also in read(**secrets_of(url, DATABASE_URL=url)).secrets()


def test_a_secret_where_its_file_should_be_named_is_not_told() -> None:
    given = sentinels()
    _, problems = read_settings({f"{name}_FILE": value for name, value in given.items()})
    assert len(problems) >= len(given)
    assert leaks("\n".join(problems)) == []
    _, problems = read_settings(given | {"HTTP_PORT": "x"})
    assert leaks("\n".join(problems)) == []


def near(given: dict[str, str]) -> dict[str, str]:
    """Without what would make a running bot call the world."""
    return {name: value for name, value in given.items() if name not in FAR}


def command_line(process: asyncio.subprocess.Process) -> str:
    return Path(f"/proc/{process.pid}/cmdline").read_text()


async def asked(url: str, token: str) -> str:
    """All that the bot answers, with the token in its place and in wrong ones."""
    told = []
    right, wrong = {"Authorization": f"Bearer {token}"}, {"X-Admin-Token": token, "Authorization": token}
    bodies: tuple[Any, ...] = (
        {"message": "BUY BTCUSDT 0.1", "source": token, "execute": True, "id": f"{token}!"},
        {"message": "BUY BTCUSDT 0.1", "source": "test", "token": token},
        {"level": token, "reason": "x", "who": "x"},
        {"symbol": "BTC-USDT", "side": token, "stop": token, "reason": "x"},
        [token],
        token,
    )
    async with aiohttp.ClientSession() as session:
        for headers in (right, wrong):
            for page in PAGES:
                async with session.get(f"{url}/{page}?token={quote(token)}", headers=headers) as response:
                    told.append(f"{response.status} {response.headers} {await response.text()}")
            for page in POSTED:
                for body in bodies:
                    async with session.post(f"{url}/{page}?{token}", json=body, headers=headers) as response:
                        told.append(f"{response.status} {response.headers} {await response.text()}")
        async with session.get(f"{url}/{token}") as response:
            told.append(await response.text())
    return "\n".join(told)


async def play(bot: Bot, exchange: Exchange) -> None:
    """An order, and then one under each fault of the exchange."""
    await bot.order(id_="first")
    told: list[dict[str, Any]] = [
        {"http_status": 502},
        {"http_status": 401},
        {"no_json": True},
        {"drop_after": True},
        {"drop_before": True},
        {"reset": True, "drop_before": True},
        {"reject_orders": {"code": 100413, "msg": f"wrong apiKey {KEYS.api_key}"}},
    ]
    for number, fault in enumerate(told):
        exchange.simulator.faults = faults.parse(faults.Faults(), fault)
        await bot.order("SELL ETHUSDT 0.1", id_=f"n{number}")
    exchange.simulator.faults = faults.Faults()


async def test_no_secret_shows_while_the_bot_works_and_fails(dsn: str, exchange: Exchange) -> None:
    told_right = ("DATABASE_URL", "BINGX_API_KEY", "BINGX_SECRET_KEY", "ADMIN_TOKEN")
    given = {name: each for name, each in near(sentinels() | BESIDE | LOUD).items() if name not in told_right}
    token, password = sentinels()["ADMIN_TOKEN"], str(urlsplit(dsn).password)
    async with running_bot(dsn, exchange.url, wait=True, pace=None, **given) as bot:
        await play(bot, exchange)
        told = await asked(bot.url, token)
    given["ADMIN_TOKEN"] = token
    async with running_bot(dsn, "http://127.0.0.1:1", wait=False, pace=None, **given) as off:
        await until(lambda: "failing, will try again" in off.log.getvalue())
        told += await asked(off.url, token)
    log = bot.log.getvalue() + off.log.getvalue()
    assert {"sql", "exchange call", "order"} <= {json.loads(line)["event"] for line in log.splitlines()}
    real = (password, KEYS.api_key, KEYS.secret_key, "the-admin-token")
    assert (leaks(log, *real), leaks(told, *real)) == ([], [])


@pytest.mark.parametrize("database", ["refused", "wrong password"])
async def test_no_secret_shows_where_nothing_works(server: str, database: str, tmp_path: Path) -> None:
    dsn = server if database == "wrong password" else "postgresql://user:x@127.0.0.1:1/x"
    given = secrets_of(dsn)
    async with parrot() as exchange:
        variables = environment(dsn, exchange, HTTP_PORT=str(free_port()), **LOUD) | near(given)
        variables |= {name: exchange for name in BESIDE if name.endswith("_URL")}
        log = tmp_path / "bot.log"
        async with child("-m", "bot", LOG_FILE=str(log), **variables) as process:
            url = await url_of(process)
            told = await asked(url, given["ADMIN_TOKEN"])
            await until(lambda: log.read_text().count('"exchange call"') > 25, 30)
            await until(lambda: "keep_database" in log.read_text(), 30)
            told += await asked(url, given["ADMIN_TOKEN"])
            argv = command_line(process)
            process.terminate()
            _, errors = await process.communicate()
    text = log.read_text()
    assert ("password authentication failed" if database == "wrong password" else "refused") in text
    assert text.splitlines()[-1] == errors.decode().splitlines()[-1]
    assert (leaks(text), leaks(told), leaks(argv)) == ([], [], [])
    assert "Traceback" not in text


async def test_a_crash_in_a_handler_is_told_without_them(control: Path) -> None:
    given = secrets_of("postgresql://user:x@127.0.0.1:1/x")
    settings = read(**given)
    store = FakeStore(switches=[a_row(0, "first")])
    desk = await open_desk(control, store)
    text = " ".join([*given.values(), *map(repr, given.values()), quote(given["DATABASE_URL"], safe="")])
    store.fail["counts"] = RuntimeError(text)
    store.fail["counts"].__cause__ = ValueError(text)
    out = io.StringIO()
    desk.log = open_log("TRACE", "simulator", settings.secrets(), out)
    async with served(desk, ABOUT) as url:
        status, told = await get(f"{url}/status")
    assert status == 500
    (line,) = [json.loads(each) for each in out.getvalue().splitlines()]
    assert line["event"] == "request failed"
    assert "RuntimeError" in line["traceback"]
    assert (leaks(out.getvalue()), leaks(str(told))) == ([], [])


async def test_a_request_that_is_no_http_is_told_without_them(dsn: str) -> None:
    token = sentinels()["ADMIN_TOKEN"]
    async with running_bot(
        dsn, "http://127.0.0.1:1", wait=False, pace=None, ADMIN_TOKEN=token, **LOUD
    ) as bot:
        for first in (f"GET /{token} HTTP/9.9", f"{token}", f"GET / HTTP/1.1\r\nAuthorization {token}"):
            reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(bot.url).port)
            writer.write(f"{first}\r\n\r\n".encode())
            await reader.read()
            writer.close()
    assert leaks(bot.log.getvalue()) == []


def test_the_check_for_leaks_finds_a_piece() -> None:
    name, mark = next(iter(marks().items()))
    assert leaks(f"x{mark}y") == [name]
    assert leaks("signature=1a&x=2") == ["signature=1a"]
