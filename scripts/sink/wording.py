"""Reads what people's texts say: status, severity and alertname in a headline, links, failed templates."""

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from scripts.sink.message import Link

# What Alertmanager leaves in a text when a template fails or asks for a label that is not there.
TEMPLATE_FAILURES = ("<error expanding template", "<no value>")

_HEADLINE = re.compile(
    r"\[(?P<status>firing|resolved)(?::\d+)?\]\s*"
    r"(?:(?P<severity>critical|error|warning|info|digest)\b\s*)?"
    r"(?P<alertname>[a-z_][\w:-]*)?",
    re.IGNORECASE,
)
_LINK = re.compile(r"(?:\b(?P<label>\w+)\s*[:=]\s*)?(?P<href>https?://[^\s<>\"']+)")


def headline(*texts: str) -> dict[str, str]:
    """status, severity and alertname from the first text of the form `[FIRING] CRITICAL HighCPULoad …`."""
    for text in texts:
        if found := _HEADLINE.search(text):
            words = {key: value or "" for key, value in found.groupdict().items()}
            return words | {"status": words["status"].lower(), "severity": words["severity"].lower()}
    return {"status": "unknown", "severity": "", "alertname": ""}


def is_web_link(href: str) -> bool:
    try:
        return urlsplit(href).scheme in ("http", "https") and not re.search(r"[\s\x00-\x1f]", href)
    except ValueError:
        return False


def links_in(text: str) -> Iterator[Link]:
    """Links of a running text; `Runbook: https://…` and `runbook_url = https://…` name theirs."""
    for found in _LINK.finditer(text):
        href = found["href"].rstrip(".,;:!?)]}")
        yield Link(text=_link_name(found["label"] or "") or href, href=href)


def named_links(values: Mapping[str, Any]) -> Iterator[Link]:
    """Links among annotations or details; a value that is nothing but a link bears the name of its key."""
    for key, value in values.items():
        if isinstance(value, str) and is_web_link(value):
            yield Link(text=_link_name(key), href=value)
        elif isinstance(value, str):
            yield from links_in(value)


def _link_name(key: str) -> str:
    return key.strip().removesuffix("_url").replace("_", " ")


def unique_links(links: Iterable[Link]) -> tuple[Link, ...]:
    """One link for each address; the first name wins."""
    by_href: dict[str, Link] = {}
    for link in links:
        by_href.setdefault(link.href, link)
    return tuple(by_href.values())


def plain(value: Any) -> str:
    """A value of a JSON body as a person reads it."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def template_warnings(value: Any) -> tuple[str, ...]:
    """Looks through all strings of a body, as an HTML part would show them."""
    everything = "\n".join(html.unescape(text) for text in _strings(value))
    return tuple(
        f"a template failed: the text holds {mark!r}" for mark in TEMPLATE_FAILURES if mark in everything
    )


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _strings(key)
            yield from _strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)
