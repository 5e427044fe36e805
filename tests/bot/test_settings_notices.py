"""Settings of notices: what is taken, what is refused in words, and that the token is in none of them."""

import pytest

from bot.settings import read_settings
from tests.bot.test_settings import GOOD

TOKEN = "123456789:sentinel_ABCDEFGHIJKLMNOPQRSTUVWX-yz"
TOLD = {"TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_NOTICE_CHAT": "-1001234567890"}


def test_without_a_token_nobody_is_told() -> None:
    settings, _ = read_settings(GOOD)
    assert settings is not None
    assert (settings.notices, settings.telegram_bot_token) == (None, None)


@pytest.mark.parametrize(
    "url", ["", "https://api.telegram.org/", "http://127.0.0.1:9080", "http://localhost"]
)
def test_a_token_with_a_chat_is_taken_and_kept_secret(url: str) -> None:
    settings, problems = read_settings(
        GOOD | TOLD | {"TELEGRAM_OPERATORS": "12, 34,", "TELEGRAM_API_URL": url}
    )
    assert settings is not None, problems
    assert settings.notices is not None
    assert settings.telegram_bot_token is not None
    assert (settings.notices.chat, sorted(settings.notices.operators)) == (-1001234567890, [12, 34])
    assert settings.notices.url == (url or "https://api.telegram.org").rstrip("/")
    assert TOKEN in settings.secrets()
    assert TOKEN not in repr(settings)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"TELEGRAM_NOTICE_CHAT": ""}, "TELEGRAM_BOT_TOKEN needs TELEGRAM_NOTICE_CHAT"),
        ({"TELEGRAM_BOT_TOKEN": ""}, "TELEGRAM_NOTICE_CHAT and TELEGRAM_OPERATORS need TELEGRAM_BOT_TOKEN"),
        ({"TELEGRAM_NOTICE_CHAT": "@channel"}, "TELEGRAM_NOTICE_CHAT is '@channel'; set the number"),
        ({"TELEGRAM_NOTICE_CHAT": "٣"}, "TELEGRAM_NOTICE_CHAT is '٣'; set the number"),
        ({"TELEGRAM_BOT_TOKEN": f"{TOKEN}/x"}, "TELEGRAM_BOT_TOKEN must look like 123456789:ABC..."),
        ({"TELEGRAM_OPERATORS": "12,ann"}, "TELEGRAM_OPERATORS has 'ann'"),
        ({"TELEGRAM_OPERATORS": "-12"}, "TELEGRAM_OPERATORS has '-12'"),
        ({"TELEGRAM_API_URL": "https://evil.example"}, "TELEGRAM_API_URL names the host 'evil.example'"),
        ({"TELEGRAM_API_URL": "http://[::1].example.com"}, "TELEGRAM_API_URL must be a scheme and a host"),
        ({"TELEGRAM_API_URL": "http://127.0.0.1/x"}, "TELEGRAM_API_URL must be a scheme and a host"),
        ({"TELEGRAM_API_URL": "ftp://127.0.0.1"}, "TELEGRAM_API_URL must be a scheme and a host"),
        ({"TELEGRAM_API_URL": "http://a@127.0.0.1"}, "TELEGRAM_API_URL must be a scheme and a host"),
        ({"TELEGRAM_API_URL": "http://127.0.0.1:0"}, "TELEGRAM_API_URL must be a scheme and a host"),
        (
            {"TRADING_MODE": "vst", "BINGX_BASE_URL": "", "TELEGRAM_API_URL": "http://127.0.0.1:9080"},
            "TELEGRAM_API_URL must be https://api.telegram.org in mode vst; leave it out",
        ),
    ],
)
def test_what_is_wrong_is_said_without_the_token(changes: dict[str, str], problem: str) -> None:
    settings, [told] = read_settings(GOOD | TOLD | changes)
    assert settings is None
    assert told.startswith(problem)
    assert "sentinel" not in told
