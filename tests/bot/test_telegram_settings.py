"""Settings of the source Telegram, all or none of them, and its channels in bot.yaml."""

import base64
import shutil
from pathlib import Path

import pytest

from bot.config import load_bot
from bot.settings import Settings, read_settings

ROOT = Path(__file__).parents[2]
BOT = {"DATABASE_URL": "postgresql://u:p@h/d", "BINGX_API_KEY": "k", "BINGX_SECRET_KEY": "s"}
HASH = "0123456789abcdef0123456789abcdef"
SESSION = "1" + base64.urlsafe_b64encode(bytes(263)).decode()
ALL = {"TELEGRAM_API_ID": "12345", "TELEGRAM_API_HASH": HASH, "TELEGRAM_SESSION": SESSION}


def read(**environment: str) -> tuple[Settings | None, list[str]]:
    return read_settings(BOT | environment)


def test_without_any_of_them_telegram_is_off() -> None:
    settings, problems = read()
    assert settings is not None, problems
    assert settings.telegram is None


def test_with_all_of_them_it_is_on_and_they_are_secrets(tmp_path: Path) -> None:
    file = tmp_path / "session"
    file.write_text(f"{SESSION}\n")
    given = {name: value for name, value in ALL.items() if name != "TELEGRAM_SESSION"}
    settings, problems = read(**given, TELEGRAM_SESSION_FILE=str(file))
    assert settings is not None, problems
    assert settings.telegram is not None
    assert (settings.telegram.api_id, settings.telegram.simulator_url) == (12345, "")
    assert {HASH, SESSION} <= set(settings.secrets())
    assert HASH not in repr(settings)
    assert SESSION not in repr(settings)


@pytest.mark.parametrize("there", [["TELEGRAM_API_ID"], ["TELEGRAM_API_HASH", "TELEGRAM_SESSION"]])
def test_some_of_them_are_too_few_and_all_are_named(there: list[str]) -> None:
    _, problems = read(**{name: ALL[name] for name in there})
    (problem,) = problems
    assert all(name in problem for name in ALL)
    assert problem.startswith(there[0])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"TELEGRAM_API_ID": "0"}, "TELEGRAM_API_ID is '0'"),
        ({"TELEGRAM_API_ID": "１２３"}, "TELEGRAM_API_ID is"),
        ({"TELEGRAM_API_HASH": "short"}, "TELEGRAM_API_HASH must be 32 hexadecimal digits"),
        ({"TELEGRAM_SESSION": "2abc"}, "TELEGRAM_SESSION is no session"),
    ],
)
def test_what_cannot_be_right_is_said_without_showing_it(changed: dict[str, str], said: str) -> None:
    _, problems = read(**ALL | changed)
    assert [said in problem for problem in problems] == [True]
    assert not any(value in problems[0] for name, value in changed.items() if name != "TELEGRAM_API_ID")


def test_a_file_that_is_not_there_is_the_one_problem(tmp_path: Path) -> None:
    given = {name: value for name, value in ALL.items() if name != "TELEGRAM_SESSION"}
    _, problems = read(**given, TELEGRAM_SESSION_FILE=str(tmp_path / "none"))
    assert [problem.startswith("TELEGRAM_SESSION_FILE: cannot read") for problem in problems] == [True]


def test_a_simulator_needs_nothing_else() -> None:
    settings, problems = read(TELEGRAM_SIMULATOR_URL="http://127.0.0.1:8090/")
    assert settings is not None, problems
    assert settings.telegram is not None
    assert settings.telegram.simulator_url == "http://127.0.0.1:8090"
    url = "http://simulator:8090"
    assert read(TELEGRAM_SIMULATOR_URL=url, SIMULATOR_HOST="simulator", BINGX_BASE_URL=url)[1] == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"TELEGRAM_SIMULATOR_URL": "http://127.0.0.1:8090"} | ALL, "not both"),
        ({"TELEGRAM_SIMULATOR_URL": "http://example.org"}, "names the host 'example.org'"),
        ({"TELEGRAM_SIMULATOR_URL": "http://127.0.0.1:8090/x"}, "must be like"),
        ({"TELEGRAM_SIMULATOR_URL": "http://u:p@127.0.0.1"}, "must be like"),
        (
            {"TELEGRAM_SIMULATOR_URL": "http://127.0.0.1", "TRADING_MODE": "vst"},
            "needs TRADING_MODE=simulator",
        ),
    ],
)
def test_a_simulator_is_this_machine_in_mode_simulator_alone(given: dict[str, str], said: str) -> None:
    settings, problems = read(**given)
    assert settings is None
    assert any(said in problem for problem in problems)


def changed(folder: Path, old: str, new: str) -> list[str]:
    config = shutil.copytree(ROOT / "config", folder / "config")
    text = (config / "bot.yaml").read_text()
    assert old in text
    (config / "bot.yaml").write_text(text.replace(old, new))
    bot, problems = load_bot(config)
    assert (bot is None) == bool(problems)
    return [problem.message for problem in problems]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("source: cryptet", "source: criptet", "'criptet' is not in sources; did you mean 'cryptet'?"),
        ("name: cryptet", "name: demo", "two channels are 'demo'"),
        ("id: -1001804143400", "id: -1001000000001", "-1001000000001 is another channel's id already"),
        ("id: -1001804143400", "id: 1804143400", "begins with -100; did you mean -1001804143400?"),
        ("name: demo", "name: Demo", "is not a name in lower_case_with_underscores"),
    ],
)
def test_a_channel_that_cannot_be_meant_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    problems = changed(tmp_path, old, new)
    assert any(said in problem for problem in problems), problems


def test_there_need_be_no_channel(tmp_path: Path) -> None:
    text = (ROOT / "config" / "bot.yaml").read_text()
    begin, end = text.index("  channels:\n"), text.index("  gap_check:")
    assert changed(tmp_path, text[begin:end], "  channels: []\n") == []
