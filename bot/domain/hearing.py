"""What is heard of a messenger: whether it can be heard at all, and how far each channel was read."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.health import Check


@dataclass(slots=True, kw_only=True)
class Channel:
    name: str
    chat: int
    read_up_to: int | None = None  # the number of the latest message that was decided on
    written_at: datetime | None = None  # the latest message
    trouble: str = ""


@dataclass(slots=True, kw_only=True)
class Hearing:
    check: Check
    channels: tuple[Channel, ...]
