"""Draws the page of a dashboard, or of one panel of it."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from scripts.sink.chart import Line, Size, draw, draw_bar, swatch
from scripts.sink.columns import Row, draw_table
from scripts.sink.markdown import render
from scripts.sink.markup import Markup, element, joined
from scripts.sink.panel import Board, Panel, Query
from scripts.sink.states import draw_states
from scripts.sink.units import unit_named, worded
from scripts.sink.window import RANGES, Window

REFRESH = 30
_PHONE = Size(width=360, height=220)
_HALF = Size(width=700, height=280)
_FULL = Size(width=1100, height=300)
_LARGE = Size(width=1100, height=440)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A panel with what Prometheus had for it; `left_out`: how many series are too many to draw."""

    panel: Panel
    lines: tuple[Line, ...] = ()
    rows: tuple[Row, ...] = ()
    problems: tuple[str, ...] = ()
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What to draw: rows with titles, and `panel` when it is that one alone, large."""

    board: Board
    rows: Sequence[tuple[str, Sequence[Figure]]]
    window: Window
    panel: Panel | None
    note: str
    prometheus: str
    link: Callable[[Query, Window], str]
    others: Sequence[Board]

    def markup(self) -> Markup:
        return element("main", *self._head(), *self._rows(), self._foot(), class_="board")

    def _head(self) -> Iterator[Markup]:
        shown = self.panel or self.board
        if self.panel:
            home = element("a", f"{self.board.title}: all panels", href=self._href(self.window.name, None))
            yield element("p", "‹ ", home, class_="back")
        yield element("h1", shown.title)
        yield element("div", render(shown.description), class_="lead")
        if self.others:
            links = (
                element("a", one.title, href=board_href(one.uid, range=self.window.name))
                for one in self.others
            )
            yield element("nav", *links, aria_label="Dashboards")
        ranges = (
            element(
                "a",
                name,
                href=self._href(name, self.panel),
                aria_current="page" if name == self.window.name else "",
            )
            for name in RANGES
        )
        moment = f"until {datetime.fromtimestamp(self.window.end, UTC):%Y-%m-%d %H:%M:%S} UTC"
        yield element("nav", *ranges, element("time", moment), aria_label="Range")
        if self.note:
            yield element("p", self.note, class_="note")

    def _rows(self) -> Iterator[Markup]:
        for title, figures in self.rows:
            if title and not self.panel:
                yield element("h2", title)
            yield element("div", *map(self._figure, figures), class_="grid-row")
        if not self.rows:
            yield element("div", "This dashboard has no panels.", class_="empty")

    def _figure(self, figure: Figure) -> Markup:
        panel = figure.panel
        title = element("h3", element("a", panel.title, href=self._href(self.window.name, panel)))
        head = () if self.panel else (title, element("div", render(panel.description), class_="about"))
        problems = (element("p", problem, class_="warning") for problem in figure.problems)
        notes = (element("p", note, class_="note") for note in _notes(figure))
        width = 24 if self.panel else panel.width
        return element(
            "section",
            *head,
            *problems,
            *self._content(figure),
            *notes,
            self._queries(panel),
            class_=f"panel w{width}",
            id=f"panel-{panel.id}",
        )

    def _content(self, figure: Figure) -> Iterator[Markup]:
        panel = figure.panel
        has_values = any(not math.isnan(value) for line in figure.lines for _, value in line.samples)
        if panel.kind == "text":
            yield element("article", render(panel.text))
        elif not panel.queries:
            yield element("div", "this panel has no query", class_="empty")
        elif panel.is_table and figure.rows:
            yield draw_table(panel.columns, figure.rows, lambda value: self._value(panel, value))
        elif panel.is_table and not figure.problems:
            yield element("div", panel.no_value or "nothing now", class_="empty")
        elif has_values and panel.is_state:
            yield from self._states(figure)
        elif has_values and panel.is_number:
            yield element("div", *(self._number(panel, line) for line in figure.lines), class_="numbers")
        elif has_values:
            yield from self._chart(figure)
        elif not figure.problems:
            yield element("div", f"no data in this range ({self.window.name})", class_="empty")

    def _chart(self, figure: Figure) -> Iterator[Markup]:
        """Twice where the panel is wide: once for a screen, once for a phone, whose letters stay readable."""
        panel = figure.panel
        if any(math.isfinite(value) for line in figure.lines for _, value in line.samples):
            for size, class_ in self._sizes(panel):
                yield draw(
                    figure.lines,
                    panel.thresholds if panel.has_threshold_lines else (),
                    title=panel.title,
                    unit=unit_named(panel.unit),
                    bounds=panel.bounds,
                    window=self.window,
                    size=size,
                    class_=class_,
                )
        yield element("ul", *(self._key(panel, *pair) for pair in enumerate(figure.lines)), class_="legend")

    def _states(self, figure: Figure) -> Iterator[Markup]:
        panel = figure.panel
        for size, class_ in self._sizes(panel):
            yield draw_states(
                figure.lines,
                title=panel.title,
                word=lambda value: worded_in(panel, value),
                tone=panel.tone_of,
                window=self.window,
                width=size.width,
                class_=class_,
            )

    def _sizes(self, panel: Panel) -> tuple[tuple[Size, str], ...]:
        if not self.panel and panel.width < 12:
            return ((_PHONE, ""),)
        large = _LARGE if self.panel else _FULL if panel.width >= 18 else _HALF
        return (large, "on-screen"), (_PHONE, "on-phone")

    def _key(self, panel: Panel, index: int, line: Line) -> Markup:
        value, when = self._last(panel, line)
        return element(
            "li",
            swatch(index),
            element("span", line.name, class_="name"),
            " ",
            element("b", worded_in(panel, value)),
            " ",
            when,
        )

    def _number(self, panel: Panel, line: Line) -> Markup:
        value, when = self._last(panel, line)
        bar = draw_bar(value, panel.bounds, _tone(panel, value)) if panel.has_bar else Markup()
        name = element("span", line.name, class_="name")
        return element("div", self._value(panel, value), bar, name, when)

    def _value(self, panel: Panel, value: float) -> Markup:
        return element("b", worded_in(panel, value), class_=f"tone-{_tone(panel, value)}")

    def _last(self, panel: Panel, line: Line) -> tuple[float, Markup]:
        """The last value, and its time when that is not the end of the range."""
        known = [sample for sample in line.samples if not math.isnan(sample[1])]
        if not known:
            return math.nan, Markup()
        at, value = known[-1]
        is_old = at < self.window.end - 1.5 * self.window.step
        text = f"at {datetime.fromtimestamp(at, UTC):%H:%M:%S} UTC, nothing since"
        return value, element("small", text) if is_old else Markup()

    def _queries(self, panel: Panel) -> Markup:
        if not panel.queries:
            return Markup()
        items = (
            element(
                "li",
                element("code", query.expression),
                " " if query.variables else _raw(self.link(query, self.window)),
            )
            for query in panel.queries
        )
        summary = element("summary", "Queries")
        return element("details", summary, element("ul", *items), open="open" if self.panel else "")

    def _href(self, name: str, panel: Panel | None) -> str:
        return board_href(self.board.uid, **({"viewPanel": panel.id} if panel else {}), range=name)

    def _foot(self) -> Markup:
        drawn = f"Drawn by the notification sink from Prometheus at {self.prometheus}."
        honest = "It is the local stand-in for Grafana, which draws the same dashboards in Docker Compose."
        return element("footer", f"{drawn} {honest} Renewed every {REFRESH} s.")


def board_href(uid: str, **query: str) -> str:
    return f"/d/{quote(uid, safe='')}" + (f"?{urlencode(query)}" if query else "")


def _tone(panel: Panel, value: float) -> str:
    return "grey" if math.isnan(value) else panel.tone_of(value)


def worded_in(panel: Panel, value: float) -> str:
    if value in panel.words:
        return panel.words[value].text
    return worded(value, unit_named(panel.unit))


def _notes(figure: Figure) -> Iterable[str]:
    if figure.left_out:
        yield f"{figure.left_out} more series are left out."
    yield from figure.panel.notes


def _raw(href: str) -> Markup:
    return joined(" ", element("a", "JSON from Prometheus", href=href, rel="noopener noreferrer"))
