"""Which client speaks to Telegram: Telethon's own, or the one that speaks to the simulator."""

import logging
from collections.abc import Callable

from telethon import TelegramClient
from telethon.sessions import StringSession

from bot.adapters.telegram_wire import WireClient

# A lost connection is ours to mend: Telethon would come back without telling, and we would not look for what
# was missed. So are flood waits, which it would sleep through within a request.
_OPTIONS = {
    "auto_reconnect": False,
    "connection_retries": 0,
    "flood_sleep_threshold": 0,
    "sequential_updates": True,
    "device_model": "tradewatch",
}


def for_reading(api_id: int, api_hash: str, session: str) -> Callable[[], TelegramClient]:
    logging.getLogger("telethon.network.mtprotosender").addFilter(_is_news)
    return lambda: TelegramClient(StringSession(session), api_id, api_hash, **_OPTIONS)


def for_simulator(url: str) -> Callable[[], TelegramClient]:
    return lambda: WireClient(url, **_OPTIONS)


def for_login(api_id: int, api_hash: str) -> TelegramClient:
    return TelegramClient(StringSession(), api_id, api_hash, receive_updates=False, device_model="tradewatch")


def _is_news(record: logging.LogRecord) -> bool:
    """Telethon calls every lost connection a failure of what is turned off here."""
    return not str(record.msg).startswith("Automatic reconnection failed")
