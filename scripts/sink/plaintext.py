"""Turns the HTML of a mail into plain text and its links, so that no foreign markup is ever shown."""

import re
from html.parser import HTMLParser

from scripts.sink.message import Link

_BREAKS = frozenset(("address", "br", "div", "h1", "h2", "h3", "h4", "hr", "li", "p", "table", "tr", "ul"))
_HIDDEN = frozenset(("head", "script", "style", "template", "title"))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.links: list[Link] = []
        self._hidden = 0
        self._href: str | None = None
        self._label: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self._hidden += 1
        elif tag in _BREAKS:
            self.pieces.append("\n")
        elif tag == "a":
            self._href, self._label = dict(attrs).get("href"), []

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        elif tag in _BREAKS:
            self.pieces.append("\n")
        elif tag == "a" and self._href:
            label = " ".join("".join(self._label).split())
            self.links.append(Link(text=label or self._href, href=self._href))
            self._href = None

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(re.sub(r"\s+", " ", data))
            self._label.append(data)


def html_to_text(text: str) -> tuple[str, tuple[Link, ...]]:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    lines = (line.strip() for line in "".join(reader.pieces).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip(), tuple(reader.links)
