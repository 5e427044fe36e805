"""A page of HTML becomes the lines that a reader sees, without what is hidden or is no content."""

import re
import unicodedata
from dataclasses import dataclass
from html.parser import HTMLParser

MOST_PARTS = 30_000  # tags and texts; a page of the largest size full of them would hold up everything else

# What stands inside is no content, or nobody sees it.
_UNSEEN = frozenset({"head", "script", "style", "template", "noscript", "nav", "footer", "svg", "textarea"})
_INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "em", "font", "i", "mark", "small", "span", "strong", "sub", "sup", "u", "wbr"}
)
_VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "source", "wbr"})
# They may end without an end tag, so nobody knows how far they hide: what is in them counts as seen.
_OPEN_ENDED = frozenset({"p", "li", "dt", "dd", "tr", "td", "th", "option", "tbody", "thead", "html", "body"})
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_ZERO_WIDTH = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
_CAPTCHA = re.compile(
    r"captcha|are you human|just a moment|log ?in|sign ?in|anmelden|einloggen", re.IGNORECASE
)


class UnfitError(Exception):
    """The text cannot be a page for people; the message goes on after "the page"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    lines: tuple[str, ...]  # without empty ones; any white space is one space
    language: str  # two letters, or nothing
    is_locked: bool  # it wants a password, or to know whether a person is there


def visible(html: str) -> Page:
    reader = _Reader()
    try:
        reader.feed(html)
        # Not closed: of an unfinished end the parser would try to make something, again and again.
    except AssertionError:
        raise UnfitError("has a broken declaration") from None
    text = unicodedata.normalize("NFC", "".join(reader.texts).translate(_ZERO_WIDTH))
    lines = tuple(line for each in text.split("\n") if (line := " ".join(each.split())))
    locked = reader.has_password or any(_CAPTCHA.search(line) for line in lines)
    return Page(lines=lines, language=reader.language, is_locked=locked)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.language = ""
        self.has_password = False
        self._parts = 0
        self._hidden_in = ""  # the element that hides what is in it
        self._depth = 0  # of elements of the same name in there

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._count()
        told = {name: value or "" for name, value in reversed(attrs)}
        if tag == "html" and not self.language:
            self.language = told.get("lang", "")[:2].lower()
        self.has_password = self.has_password or told.get("type", "").lower() == "password"
        if tag not in _INLINE:
            self._add("\n")
        if self._hidden_in:
            self._depth += tag == self._hidden_in
        elif tag in _UNSEEN or (
            ("hidden" in told or _HIDING.search(told.get("style", ""))) and tag not in _VOID | _OPEN_ENDED
        ):
            self._hidden_in, self._depth = tag, 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # To a browser the slash means nothing but in SVG.
        if tag == "svg":
            self._count()
        else:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        self._count()
        if self._hidden_in == tag:
            self._depth -= 1
            if not self._depth:
                self._hidden_in = ""
        if tag not in _INLINE:
            self._add("\n")

    def handle_data(self, data: str) -> None:
        self._count()
        # A line break in the source is white space to a reader.
        self._add(data.replace("\n", " ").replace("\r", " "))

    def _add(self, text: str) -> None:
        if not self._hidden_in:
            self.texts.append(text)

    def _count(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise UnfitError(f"has more than {MOST_PARTS} parts")
