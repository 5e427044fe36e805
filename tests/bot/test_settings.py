"""Settings: all problems in one go, and secrets that never show themselves."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot import arming
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
            "BINGX_TESTNET": "false",
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
        "BINGX_TESTNET=false",
        "set",
        "TRADING_ENABLED",
        "DATABASE_URL",
        "DATABASE_POOL_SIZE",
        "HTTP_PORT",
        "BINGX_BASE_URL",
        "BINGX_SECRET_KEY_FILE",
        "LOG_LEVEL",
        "TIME_SCALE",
    ]


def armed(folder: Path, **changes: str) -> dict[str, str]:
    """An environment for real money, with a file that arms it."""
    arming.write(
        folder / "armed", arming.arm_for("4711", GOOD["BINGX_API_KEY"], datetime(2026, 1, 1, tzinfo=UTC))
    )
    return GOOD | {"TRADING_MODE": "live", "ARM_FILE": str(folder / "armed")} | changes


def test_each_mode_has_its_exchange(tmp_path: Path) -> None:
    for environment, url, uid in [
        (GOOD, "http://127.0.0.1:8090", None),
        (GOOD | {"TRADING_MODE": "vst"}, "https://open-api-vst.bingx.com", None),
        (armed(tmp_path), "https://open-api.bingx.com", "4711"),
    ]:
        settings, problems = read_settings(environment)
        assert settings is not None, problems
        assert (settings.bingx_base_url, settings.armed_uid) == (url, uid)


def test_what_belongs_to_the_simulator_is_refused_elsewhere(tmp_path: Path) -> None:
    told = {"TIME_SCALE": "60", "SIMULATOR_HOST": "simulator", "BINGX_BASE_URL": "http://simulator:8090"}
    for environment in (GOOD | {"TRADING_MODE": "vst"}, armed(tmp_path)):
        settings, problems = read_settings(environment | told)
        assert settings is None
        assert [problem.split()[0] for problem in problems] == [
            "SIMULATOR_HOST",
            "BINGX_BASE_URL",
            "TIME_SCALE",
        ]


@pytest.mark.parametrize(
    ("mode", "url", "told"),
    [
        (
            "vst",
            "https://open-api.bingx.com",
            "allows only open-api-vst.bingx.com and open-api-vst.bingx.pro",
        ),
        ("live", "https://open-api-vst.bingx.com", "allows only open-api.bingx.com and open-api.bingx.pro"),
        ("live", "https://open-api.bingx.com.example.org", "names the host 'open-api.bingx.com.example.org'"),
        ("live", "http://127.0.0.1:8090", "names the host '127.0.0.1'"),
        ("live", "http://open-api.bingx.com", "must be https without a port in mode live"),
        ("vst", "https://open-api-vst.bingx.com:8443", "must be https without a port in mode vst"),
        ("vst", "https://user@open-api-vst.bingx.com", "must be a scheme and a host"),
    ],
)
def test_real_keys_go_to_the_exchange_alone(tmp_path: Path, mode: str, url: str, told: str) -> None:
    settings, (problem,) = read_settings(armed(tmp_path, TRADING_MODE=mode, BINGX_BASE_URL=url))
    assert settings is None
    assert problem.startswith("BINGX_BASE_URL")
    assert told in problem


def test_the_exchanges_other_host_may_be_named(tmp_path: Path) -> None:
    settings, _ = read_settings(armed(tmp_path, BINGX_BASE_URL="https://open-api.bingx.pro/"))
    assert settings is not None
    assert settings.bingx_base_url == "https://open-api.bingx.pro"


@pytest.mark.parametrize(
    ("mode", "testnet", "good"),
    [
        ("simulator", "true", True),
        ("simulator", "false", False),
        ("vst", "true", True),
        ("vst", "no", False),
        ("live", "false", True),
        ("live", "true", False),
    ],
)
def test_the_guides_testnet_must_agree_with_the_mode(
    tmp_path: Path, mode: str, testnet: str, good: bool
) -> None:
    _, problems = read_settings(armed(tmp_path, TRADING_MODE=mode, BINGX_TESTNET=testnet))
    wrong = f"BINGX_TESTNET={testnet} contradicts TRADING_MODE={mode}; leave it out"
    assert problems == ([] if good else [wrong])


def test_a_testnet_that_is_no_answer_is_told_once(tmp_path: Path) -> None:
    _, problems = read_settings(armed(tmp_path, BINGX_TESTNET="perhaps"))
    assert problems == ["BINGX_TESTNET is 'perhaps'; set true or false"]


def test_live_wants_to_be_armed(tmp_path: Path) -> None:
    environment = armed(tmp_path, ARM_FILE=str(tmp_path / "elsewhere"))
    assert read_settings(environment)[1] == [
        f"TRADING_MODE=live is not armed: cannot read {tmp_path}/elsewhere: No such file or directory; "
        "run `python -m bot arm-live`"
    ]
    settings, _ = read_settings(environment, arming=True)
    assert settings is not None
    assert (settings.arm_file, settings.armed_uid) == (tmp_path / "elsewhere", None)


def test_the_file_that_arms_lies_beside_the_control_directory(tmp_path: Path) -> None:
    settings, _ = read_settings(GOOD | {"CONTROL_DIR": str(tmp_path / "control")})
    assert settings is not None
    assert settings.arm_file == tmp_path / "tradewatch-armed"


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
        "http://:word@127.0.0.1",
        "http://127.0.0.1#here",
        "ftp://127.0.0.1",
        "http://[::1].example.com",
        "http://[::1]8090",
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
        "BINGX_API_KEY_FILE: this file is empty"
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
