"""Builds HTML in which every text is escaped unless it was built here itself."""

import base64
import hashlib
from dataclasses import dataclass
from html import escape
from pathlib import Path

from aiohttp import web

_VOID = frozenset(("br", "hr", "link", "meta"))


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: str) -> Markup:
    """`class_` stands for class and `data_x` for data-x; an attribute without text is left out."""
    words = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value}
    start = "".join(f' {key}="{escape(value)}"' for key, value in words.items())
    if name in _VOID:
        return Markup(f"<{name}{start}>")
    return Markup(f"<{name}{start}>{joined(*children)}</{name}>")


def joined(*children: str) -> Markup:
    return Markup("".join(child if isinstance(child, Markup) else escape(child) for child in children))


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What all pages share: style and script stand inside the page, and a policy allows these two only."""

    style: str
    script: str

    @classmethod
    def load(cls) -> "Frame":
        assets = Path(__file__).parent / "assets"
        sheets = ("page.css", "board.css")
        style = "\n".join((assets / sheet).read_text(encoding="utf-8") for sheet in sheets)
        return cls(style=style, script=(assets / "page.js").read_text(encoding="utf-8"))

    def page(
        self, title: str, main: Markup, *, live: bool = False, refresh: int = 0, status: int = 200
    ) -> web.Response:
        """A live page renews itself by its script or, where scripts are off, by the browser.

        `refresh` leaves it to the browser alone, every so many seconds.
        """
        reload = element("meta", http_equiv="refresh", content=str(refresh)) if refresh else Markup()
        if live:
            reload = element("noscript", element("meta", http_equiv="refresh", content="10"))
        head = element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
            element("link", rel="icon", href="data:,"),
            reload,
            element("title", title),
            element("style", Markup(self.style)),
        )
        script = element("script", Markup(self.script)) if live else Markup()
        document = (
            "<!DOCTYPE html>\n" + element("html", head, element("body", main, script), lang="en") + "\n"
        )
        return web.Response(
            status=status,
            body=document.encode("utf-8", "replace"),
            content_type="text/html",
            charset="utf-8",
            headers={
                "Content-Security-Policy": self._policy(),
                "X-Content-Type-Options": "nosniff",
                "Referrer-Policy": "no-referrer",
                "Cache-Control": "no-store",
            },
        )

    def _policy(self) -> str:
        return (
            f"default-src 'none'; style-src {_source(self.style)}; script-src {_source(self.script)}; "
            "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
