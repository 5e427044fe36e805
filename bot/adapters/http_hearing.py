"""What /status says of Telegram: whether it is heard, and how long each channel has been silent."""

from datetime import datetime
from typing import Any

from bot.desk import Desk
from bot.domain.hearing import Channel


def telegram(desk: Desk, now: datetime) -> dict[str, Any] | None:
    """None: it is off."""
    hearing = desk.hearing
    if hearing is None:
        return None
    return {
        "connected": hearing.check.ok,
        "reason": hearing.check.reason,
        "for_seconds": round(desk.clock() - hearing.check.since, 1),
        "channels": {each.name: _channel(each, now) for each in hearing.channels},
    }


def troubles(desk: Desk) -> list[str]:
    """For the sentence that stands first."""
    if desk.hearing is None:
        return []
    if not desk.hearing.check.ok:
        return [desk.hearing.check.reason]
    return [f"channel {each.name}: {each.trouble}" for each in desk.hearing.channels if each.trouble]


def _channel(each: Channel, now: datetime) -> dict[str, Any]:
    at = each.written_at
    return {
        "chat": each.chat,
        "read_up_to": each.read_up_to,
        "latest_message_at": at.isoformat(timespec="seconds") if at else None,
        "silent_seconds": round((now - at).total_seconds(), 1) if at else None,
        "trouble": each.trouble or None,
    }
