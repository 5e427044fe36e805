"""Settings: all problems in one go, and secrets that never show themselves."""

from pathlib import Path

import pytest

from bot.settings import Secret, read_settings

GOOD = {
    "DATABASE_URL": "postgresql+asyncpg://user:dbpass@host:5432/trading_bot",
    "BINGX_API_KEY": "the-api-key",
    "BINGX_SECRET_KEY": "the-secret-key",
}


def test_the_guides_spelling_of_the_database_url_works() -> None:
    settings, problems = read_settings(GOOD)
    assert problems == []
    assert settings is not None
    assert settings.database_url.reveal() == "postgresql://user:dbpass@host:5432/trading_bot"


def test_trading_is_off_and_everything_is_on_loopback_unless_told_otherwise() -> None:
    settings, _ = read_settings(GOOD)
    assert settings is not None
    assert (settings.trading_enabled, settings.mode, settings.http_host) == (False, "simulator", "127.0.0.1")
    assert settings.bingx_base_url == "http://127.0.0.1:8090"


def test_all_problems_are_named_at_once() -> None:
    _, problems = read_settings(
        {
            "TRADING_MODE": "paper",
            "TRADING_ENABLED": "maybe",
            "HTTP_PORT": "99999",
            "BINGX_BASE_URL": "http://open-api.bingx.com",
            "BINGX_API_KEY": "k",
            "BINGX_API_KEY_FILE": "/somewhere",
            "BINGX_SECRET_KEY_FILE": "/does/not/exist",
            "DATABASE_POOL_SIZE": "0",
            "LOG_LEVEL": "LOUD",
            "TIME_SCALE": "0",
        }
    )
    assert [problem.split()[0].rstrip(":") for problem in problems] == [
        "TRADING_MODE",
        "TRADING_ENABLED",
        "DATABASE_URL",
        "DATABASE_POOL_SIZE",
        "HTTP_PORT",
        "BINGX_BASE_URL",
        "set",
        "BINGX_SECRET_KEY_FILE",
        "LOG_LEVEL",
        "TIME_SCALE",
    ]


@pytest.mark.parametrize("mode", ["vst", "live"])
def test_only_the_simulator_can_be_traded_with_yet(mode: str) -> None:
    settings, problems = read_settings(GOOD | {"TRADING_MODE": mode, "TIME_SCALE": "60"})
    assert settings is None
    assert problems[0] == f"TRADING_MODE={mode} cannot be used yet: this version trades with the simulator"
    assert problems[1] == "TIME_SCALE is for drills and needs TRADING_MODE=simulator"


@pytest.mark.parametrize(
    "url",
    [
        "http://open-api.bingx.com",
        "http://127.0.0.1.example.com:8090",
        "http://0.0.0.0:8090",
        "http://user@127.0.0.1:8090",
        "http://127.0.0.1:8090/path",
        "http://127.0.0.1:port",
        "127.0.0.1:8090",
        "ftp://127.0.0.1",
    ],
)
def test_the_simulator_is_on_this_machine(url: str) -> None:
    settings, problems = read_settings(GOOD | {"BINGX_BASE_URL": url})
    assert settings is None
    assert problems[0].startswith("BINGX_BASE_URL")


def test_a_secret_comes_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("from-a-file\n")
    environment = {name: value for name, value in GOOD.items() if name != "BINGX_API_KEY"}
    settings, _ = read_settings(environment | {"BINGX_API_KEY_FILE": str(file)})
    assert settings is not None
    assert settings.bingx_api_key.reveal() == "from-a-file"
    file.write_text("\n")
    assert read_settings(environment | {"BINGX_API_KEY_FILE": str(file)})[1] == [
        f"BINGX_API_KEY_FILE: {file} is empty"
    ]


def test_no_secret_shows_itself() -> None:
    settings, _ = read_settings(GOOD | {"ADMIN_TOKEN": "the-token"})
    shown = f"{settings!r} {settings} {Secret('the-word')}"
    for secret in ("dbpass", "the-api-key", "the-secret-key", "the-token", "the-word"):
        assert secret not in shown
    assert settings is not None
    assert set(settings.secrets()) >= {"dbpass", "the-api-key", "the-secret-key", "the-token"}


def test_a_problem_never_repeats_a_secret() -> None:
    _, problems = read_settings(GOOD | {"DATABASE_URL": "mysql://user:dbpass@host/x"})
    assert problems == ["DATABASE_URL must begin with postgresql://"]
