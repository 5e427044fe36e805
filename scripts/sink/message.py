"""What a receiver understood of one request (Message) and what the sink keeps of it (Notification)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

CHANNELS = ("pagerduty", "sns", "email", "webhook", "heartbeat", "telegram")


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    text: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    channel: str
    to: str
    status: str = "unknown"
    alertname: str = ""
    severity: str = ""
    title: str = ""
    text: str = ""
    links: tuple[Link, ...] = ()
    warnings: tuple[str, ...] = ()
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    id: int
    received_at: datetime
    message: Message

    def to_json(self) -> dict[str, Any]:
        message = self.message
        return {
            "id": self.id,
            "received_at": stamp(self.received_at),
            "channel": message.channel,
            "to": message.to,
            "status": message.status,
            "alertname": message.alertname,
            "severity": message.severity,
            "title": message.title,
            "text": message.text,
            "links": [{"text": link.text, "href": link.href} for link in message.links],
            "warnings": list(message.warnings),
            "raw": dict(message.raw),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Notification":
        """Raises KeyError, TypeError or ValueError when the data is not what `to_json` wrote."""
        words = ("channel", "to", "status", "alertname", "severity", "title", "text")
        message = Message(
            **{word: str(data[word]) for word in words},
            links=tuple(Link(text=str(link["text"]), href=str(link["href"])) for link in data["links"]),
            warnings=tuple(str(warning) for warning in data["warnings"]),
            raw=dict(data["raw"]),
        )
        received_at = datetime.fromisoformat(data["received_at"])
        return cls(id=int(data["id"]), received_at=received_at.astimezone(UTC), message=message)


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
