"""Reads PagerDuty Events API v2 events, and refuses what PagerDuty refuses."""

from collections.abc import Mapping
from typing import Any

from scripts.sink.body import mapping
from scripts.sink.message import Link, Message
from scripts.sink.wording import headline, links_in, named_links, plain, template_warnings, unique_links

_STATUS = {"trigger": "firing", "acknowledge": "unknown", "resolve": "resolved"}
_SEVERITIES = ("critical", "error", "warning", "info")
_KEY_LENGTH = 32


def event_errors(event: Mapping[str, Any]) -> list[str]:
    payload = mapping(event.get("payload"))
    action = event.get("event_action")
    errors = [_missing("routing_key")] if _blank(event.get("routing_key")) else []
    if _blank(action):
        errors.append(_missing("event_action"))
    elif action not in _STATUS:
        errors.append("'event_action' is invalid (must be 'trigger', 'acknowledge' or 'resolve')")
    elif action != "trigger" and _blank(event.get("dedup_key")):
        errors.append(_missing("dedup_key"))
    if action == "trigger":
        errors += [_missing(f"payload.{key}") for key in ("summary", "source") if _blank(payload.get(key))]
        if _blank(payload.get("severity")):
            errors.append(_missing("payload.severity"))
        elif payload["severity"] not in _SEVERITIES:
            errors.append("'payload.severity' is invalid (must be 'critical', 'error', 'warning' or 'info')")
    return errors


def read_event(event: Mapping[str, Any]) -> Message:
    """The message of an event in which `event_errors` found nothing."""
    key = str(event["routing_key"])
    payload = mapping(event.get("payload"))
    details = mapping(payload.get("custom_details"))
    summary = plain(payload.get("summary"))
    told = {name: plain(value).strip() for name, value in details.items()}
    every = "\n".join(f"{name}: {value}" for name, value in told.items() if value)
    # A page that brings its whole story as `text` is shown by that; the rest stands in `raw`.
    text = told.get("text") or every
    words = headline(summary, text)
    raw = {**event, "routing_key": masked(key)}
    return Message(
        channel="pagerduty",
        to=masked(key),
        status=_STATUS[event["event_action"]],
        alertname=_detail(details, "alertname") or _labelled(every, "alertname") or words["alertname"],
        severity=(_detail(details, "severity") or plain(payload.get("severity"))).lower(),
        title=summary or f"{event['event_action']} {plain(event.get('dedup_key'))}",
        text=text,
        links=unique_links((*_event_links(event), *named_links(details), *links_in(summary))),
        warnings=(*_key_warnings(key), *template_warnings(raw)),
        raw=raw,
    )


def masked(key: str) -> str:
    """The end of a routing key, enough to tell two apart; of a short key nothing is shown."""
    return f"…{key[-4:]}" if len(key) >= 12 else "…"


def _event_links(event: Mapping[str, Any]) -> list[Link]:
    links = event.get("links")
    found = [mapping(link) for link in links] if isinstance(links, list) else []
    named = [(plain(link.get("text")), plain(link.get("href"))) for link in found]
    named.append((plain(event.get("client")), plain(event.get("client_url"))))
    return [Link(text=text or href, href=href) for text, href in named if href]


def _key_warnings(key: str) -> tuple[str, ...]:
    if len(key) == _KEY_LENGTH:
        return ()
    return (f"routing key has {len(key)} characters: PagerDuty refuses any but {_KEY_LENGTH}",)


def _detail(details: Mapping[str, Any], wanted: str) -> str:
    return next((plain(value) for name, value in details.items() if name.lower() == wanted), "")


def _labelled(text: str, label: str) -> str:
    """A label from Alertmanager's own rendering of alerts, lines of the form ` - alertname = X`."""
    prefix = f"- {label} = "
    return next((line.strip().removeprefix(prefix) for line in text.splitlines() if prefix in line), "")


def _blank(value: Any) -> bool:
    return not isinstance(value, str) or not value.strip()


def _missing(field: str) -> str:
    return f"'{field}' is missing or blank"
