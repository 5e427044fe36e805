"""Settings of cryptet: cookies that never show themselves, and a simulated site where a simulator may be."""

import io
import json
from pathlib import Path

import pytest

from bot.log import open_log
from bot.settings import Settings, read_settings

GOOD = {
    "DATABASE_URL": "postgresql://user:dbpass@host:5432/trading_bot",
    "BINGX_API_KEY": "the-api-key",
    "BINGX_SECRET_KEY": "the-secret-key",
}
COOKIES = "session=sentinel-of-a-session; theme=dark; name=a b,c"


def made(**changes: str) -> Settings:
    settings, problems = read_settings(GOOD | changes)
    assert settings is not None, problems
    return settings


def problem(**changes: str) -> str:
    settings, problems = read_settings(GOOD | changes)
    assert settings is None
    assert len(problems) == 1, problems
    return problems[0]


def test_the_site_itself_without_cookies_is_the_default() -> None:
    settings = made()
    assert (settings.cryptet_cookies, settings.cryptet_base_url) == (None, "")


def test_cookies_from_the_environment_and_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "cookies").write_text(f"{COOKIES}\n")
    for told in ({"CRYPTET_COOKIES": COOKIES}, {"CRYPTET_COOKIES_FILE": str(tmp_path / "cookies")}):
        settings = made(**told)
        assert settings.cryptet_cookies is not None
        assert settings.cryptet_cookies.reveal() == COOKIES


def test_cookies_and_each_of_their_long_values_never_get_into_a_log_or_a_text() -> None:
    settings = made(CRYPTET_COOKIES=COOKIES)
    assert "sentinel" not in repr(settings)
    out = io.StringIO()
    log = open_log("INFO", "simulator", settings.secrets(), out)
    log.info("seen", all=COOKIES, one="got sentinel-of-a-session back", theme="dark")
    assert "sentinel" not in out.getvalue()
    assert json.loads(out.getvalue())["theme"] == "dark"


@pytest.mark.parametrize(
    "text", ["sentinel", "a=sentinel\nX-More: 1", "a=b\r\nsentinel: 1", "ä=sentinel", "=sentinel"]
)
def test_what_is_no_header_of_a_browser_is_refused_without_showing_it(text: str) -> None:
    told = problem(CRYPTET_COOKIES=text)
    assert told.startswith("CRYPTET_COOKIES ")
    assert "sentinel" not in told


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://127.0.0.1:8090/cryptet", ""),
        ("http://localhost:8090/cryptet/", ""),
        ("http://simulator:8090/cryptet", "simulator"),
    ],
)
def test_a_simulated_site_where_a_simulator_may_be(url: str, host: str) -> None:
    more = {"SIMULATOR_HOST": host} if host else {}
    assert made(CRYPTET_BASE_URL=url, **more).cryptet_base_url == url.rstrip("/")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://cryptet.com.example.org", "names the host 'cryptet.com.example.org'"),
        ("https://cryptet.com", "names the host 'cryptet.com'"),
        ("http://simulator:8090", "names the host 'simulator'"),
        ("http://user@127.0.0.1:8090", "must be like"),
        ("http://127.0.0.1:8090/a?b", "must be like"),
        ("ftp://127.0.0.1", "must be like"),
        ("http://[::1", "must be like"),
        ("http://127.0.0.1:0", "must be like"),
    ],
)
def test_no_other_site_is_read(url: str, told: str) -> None:
    assert told in problem(CRYPTET_BASE_URL=url)


def test_a_simulated_site_is_refused_where_money_is_at_stake() -> None:
    told = problem(TRADING_MODE="vst", CRYPTET_BASE_URL="http://127.0.0.1:8090/cryptet")
    assert told == "CRYPTET_BASE_URL needs TRADING_MODE=simulator; leave it out"
