"""Tables: reads how Grafana's JSON names, orders, colours and links columns; draws a row for each series."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from scripts.sink.body import mapping, objects
from scripts.sink.colours import tone
from scripts.sink.markup import Markup, element
from scripts.sink.wording import is_web_link, plain

_FIELD = re.compile(r"\$\{__data\.fields\.(\w+)\}")
_VALUE = "Value"
# What this page draws of all that Grafana's JSON can ask for.
PROPERTIES = frozenset(("links", "mappings", "custom.cellOptions"))
TRANSFORMATIONS = frozenset(("merge", "organize"))

Labels = Mapping[str, str]
Row = dict[str, str | float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """How columns are called, ordered, linked and coloured; a tone is that of a text in a column."""

    names: Mapping[str, str]
    order: Mapping[str, int]
    links: Mapping[str, str]
    tones: Mapping[tuple[str, str], str]
    sorted_by: tuple[str, ...]


def read_columns(data: Mapping[str, Any]) -> Columns:
    organized = dict[str, Any]()
    for one in objects(data.get("transformations")):
        organized |= mapping(one.get("options")) if one.get("id") == "organize" else {}
    settings = list(_settings(data))
    return Columns(
        names={key: plain(name) for key, name in mapping(organized.get("renameByName")).items()},
        order={
            key: rank for key, rank in mapping(organized.get("indexByName")).items() if isinstance(rank, int)
        },
        links={column: plain(one.get("url")) for column, key, one in settings if key == "links"},
        tones={
            (column, text): tone(plain(mapping(word).get("color")))
            for column, key, one in settings
            if key == "mappings"
            for text, word in mapping(one.get("options")).items()
        },
        sorted_by=tuple(
            plain(one.get("displayName")) for one in objects(mapping(data.get("options")).get("sortBy"))
        ),
    )


def _settings(data: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the entries of what is set for single columns, each with its column and what it is."""
    for override in objects(mapping(data.get("fieldConfig")).get("overrides")):
        for one in objects(override.get("properties")):
            for value in objects(one.get("value")):
                yield plain(mapping(override.get("matcher")).get("options")), plain(one.get("id")), value


def rows(found: Iterable[tuple[str, Labels, float]], *, is_alone: bool) -> list[Row]:
    """Return a row for each set of labels; `found` has the name of a query with what it found.

    Values of a query that is alone are simply called so, else each has a column of its own.
    """
    made: dict[tuple[tuple[str, str], ...], Row] = {}
    for name, labels, value in found:
        shown = {key: text for key, text in sorted(labels.items()) if key != "__name__"}
        row = made.setdefault(tuple(shown.items()), {**shown})
        row[_VALUE if is_alone else f"{_VALUE} #{name}"] = value
    return list(made.values())


def draw_table(columns: Columns, found: Sequence[Row], number: Callable[[float], Markup]) -> Markup:
    """Draw the rows; `number` draws a value."""
    labels = sorted({key for row in found for key, value in row.items() if isinstance(value, str)})
    values = sorted({key for row in found for key, value in row.items() if not isinstance(value, str)})
    last = max(columns.order.values(), default=0) + 1
    names = sorted((*labels, *values), key=lambda name: columns.order.get(name, last))
    head = element("tr", *(element("th", columns.names.get(name, name)) for name in names))
    body = (
        element("tr", *(element("td", _content(columns, row, name, number)) for name in names))
        for row in _in_order(columns, found)
    )
    return element("div", element("table", head, *body), class_="wide")


def _in_order(columns: Columns, found: Sequence[Row]) -> list[Row]:
    original = {shown: name for name, shown in columns.names.items()}
    keys = [original.get(shown, shown) for shown in columns.sorted_by]

    def rank(row: Row) -> list[tuple[str, float]]:
        values = (row.get(key, "") for key in keys)
        return [(value, 0.0) if isinstance(value, str) else ("", value) for value in values]

    return sorted(found, key=rank)


def _content(columns: Columns, row: Row, name: str, number: Callable[[float], Markup]) -> str:
    value = row.get(name, "")
    if not isinstance(value, str):
        return number(value)
    if (name, value) in columns.tones:
        return element("b", value, class_=f"tone-{columns.tones[name, value]}")
    href = _FIELD.sub(lambda field: quote(str(row.get(field[1], "")), safe=""), columns.links.get(name, ""))
    return element("a", value, href=href, rel="noopener noreferrer") if value and is_web_link(href) else value
