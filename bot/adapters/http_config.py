"""GET /config: what bot.yaml and the environment say; of secrets only whether they are set."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any

from bot.adapters.http_requests import RequestError
from bot.adapters.http_views import About
from bot.config import BotConfig
from bot.domain.money import plain
from bot.settings import Settings
from config.spec.duration import Duration


def overview(settings: Settings, config: BotConfig, version: str, config_hash: str) -> dict[str, Any] | None:
    """As it was at the start; None if it is not to be shown."""
    if not settings.config_endpoint:
        return None
    return {
        "mode": settings.mode.value,
        "version": version,
        "config_hash": config_hash,
        "bot.yaml": _told(config),
        "settings": dict(settings.shown),
    }


def shown(about: About) -> dict[str, Any]:
    if about.overview is None:
        raise RequestError(404, "this page is off: start the bot with CONFIG_ENDPOINT=true")
    return about.overview


def _told(value: Any) -> Any:
    """Keys and durations as they are written in the file."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, tuple):
        return [_told(each) for each in value]
    if isinstance(value, Mapping):
        return {key: _told(each) for key, each in value.items()}
    if is_dataclass(value) and not isinstance(value, Duration):
        return {each.name: _told(getattr(value, each.name)) for each in fields(value)}
    return value if value is None or isinstance(value, str | int) else str(value)
