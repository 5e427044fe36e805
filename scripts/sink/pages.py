"""Draws the page of notifications: heartbeats on top, then one card for each notification, newest first."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from scripts.sink.markup import Markup, element, joined
from scripts.sink.message import CHANNELS, Link, Notification, stamp
from scripts.sink.wording import TEMPLATE_FAILURES, is_web_link

SHOWN = 200
_BADGES = {
    "pagerduty": "☎ PAGE",
    "sns": "✉ SMS",
    "email": "@ MAIL",
    "webhook": "⇄ HOOK",
    "heartbeat": "♥ BEAT",
    "telegram": "✈ CHAT",
}
_NAMES = {
    "pagerduty": "Pages",
    "sns": "SMS",
    "email": "Mail",
    "webhook": "Webhooks",
    "heartbeat": "Heartbeats",
    "telegram": "Telegram",
}
_FAILURE = re.compile("(" + "|".join(re.escape(mark) for mark in TEMPLATE_FAILURES) + ")")


def notifications_page(
    newest: Iterable[Notification], beats: list[dict[str, Any]], *, now: datetime, channel: str, last_id: int
) -> Markup:
    matching = [one for one in newest if channel in ("", one.message.channel)]
    cards = [_card(one, now) for one in islice(matching, SHOWN)]
    left = len(matching) - len(cards)
    more = element("p", f"{left} older ones: ", _anchor("as JSON", "/notifications"), class_="lead")
    return element(
        "main",
        element("h1", "Notifications"),
        element(
            "p",
            "What the receivers would have got. Nothing left this machine. ",
            _anchor("Dashboards", "/d/"),
            " ",
            _anchor("Runbooks", "/runbooks/"),
            class_="lead",
        ),
        *_heartbeats(beats),
        _filters(channel),
        *(cards or [element("div", "Nothing has arrived yet.", class_="empty")]),
        more if left else "",
        data_last=str(last_id),
    )


def age(seconds: float) -> str:
    seconds = max(0, int(seconds))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def _heartbeats(beats: list[dict[str, Any]]) -> Iterator[Markup]:
    for beat in beats:
        if beat["status"] == "missing":
            text = f"Heartbeat {beat['name']} is missing: last beat {age(beat['silent_seconds'])}"
            yield element(
                "div", f"{text}, expected every {beat['expected_seconds']:g} s", class_="banner", role="alert"
            )
    if beats:
        items = (
            element("li", f"{beat['name']}: {age(beat['silent_seconds'])}", class_=beat["status"])
            for beat in beats
        )
        yield element("ul", *items, class_="beats")


def _filters(current: str) -> Markup:
    choices = [("All", "")] + [(_NAMES[channel], channel) for channel in CHANNELS]
    return element(
        "nav",
        *(
            element(
                "a",
                name,
                href=f"/?channel={channel}" if channel else "/",
                aria_current="page" if channel == current else "",
            )
            for name, channel in choices
        ),
        aria_label="Filter by channel",
    )


def _card(notification: Notification, now: datetime) -> Markup:
    message = notification.message
    moment = stamp(notification.received_at)
    when = f"{moment[:10]} {moment[11:19]} UTC · {age((now - notification.received_at).total_seconds())}"
    facts = element(
        "div",
        element("span", _BADGES.get(message.channel, message.channel), class_="channel"),
        element("span", message.status, class_="tag"),
        element("span", message.severity),
        element("span", f"to {message.to}"),
        element("time", when, datetime=moment),
        class_="facts",
    )
    shown = message.text if message.text.strip() != message.title.strip() else ""
    return element(
        "section",
        facts,
        element("h2", _marked(message.title or "(no title)")),
        element("p", _marked(shown)) if shown else "",
        *(element("div", f"⚠ {warning}", class_="warning") for warning in message.warnings),
        _links(message.links),
        _source(notification.id, message.raw),
        class_=f"card {_word(message.status)} {_word(message.severity)}-level",
        id=f"n{notification.id}",
    )


def _links(links: Iterable[Link]) -> Markup:
    items = [element("li", _anchor(link.text, link.href)) for link in links]
    return element("ul", *items, class_="links") if items else Markup()


def _anchor(text: str, href: str) -> Markup:
    """An anchor for the web or our own pages; any other address is shown as text, never made clickable."""
    if is_web_link(href) or href == "/notifications":
        return element("a", text, href=href, rel="noopener noreferrer")
    return joined(f"{text}: {href}")


def _source(identity: int, raw: Mapping[str, Any]) -> Markup:
    body = json.dumps(raw, indent=2, ensure_ascii=False)
    return element(
        "details", element("summary", f"#{identity} as received"), element("pre", body), id=f"raw{identity}"
    )


def _marked(text: str) -> Markup:
    pieces = _FAILURE.split(text)
    return joined(*(element("mark", piece) if piece in TEMPLATE_FAILURES else piece for piece in pieces))


def _word(text: str) -> str:
    return re.sub(r"\W", "", text)
