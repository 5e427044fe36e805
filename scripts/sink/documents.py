"""Serves the runbook pages, readable on a phone."""

from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from scripts.sink.markdown import render
from scripts.sink.markup import Frame, Markup, element


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbooks:
    directory: Path
    frame: Frame

    async def index(self, request: web.Request) -> web.Response:
        return self.frame.page("Runbooks", element("main", element("h1", "Runbooks"), self._list()))

    async def show(self, request: web.Request) -> web.Response:
        """A name is looked up among the pages that are there; it never becomes part of a path."""
        name = request.match_info["name"].removesuffix(".md")
        page = self._pages().get(name)
        if page is None:
            main = element(
                "main", element("h1", f"No runbook {name}"), element("p", "There are:"), self._list()
            )
            return self.frame.page("No such runbook", main, status=404)
        text = page.read_text(encoding="utf-8", errors="replace")
        return self.frame.page(name, element("main", element("article", render(text))))

    def _pages(self) -> dict[str, Path]:
        return {page.stem: page for page in sorted(self.directory.glob("*.md"))}

    def _list(self) -> Markup:
        names = self._pages()
        if not names:
            return element("p", f"No pages in {self.directory}.")
        return element("ul", *(element("li", element("a", name, href=f"/runbooks/{name}")) for name in names))
