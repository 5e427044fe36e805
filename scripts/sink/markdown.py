"""Shows the Markdown of runbook pages: headings, lists, tables, quotes, fenced code, links, emphasis."""

import re
from collections.abc import Callable, Iterator

from scripts.sink.markup import Markup, element, joined

_INLINE = re.compile(
    r"`(?P<code>[^`]+)`|\[(?P<text>[^\]]+)\]\((?P<href>[^\s)]+)\)|<(?P<auto>https?://[^\s<>]+)>"
    r"|\*\*(?P<strong>.+?)\*\*|(?<!\w)[*_](?=\S)(?P<em>[^*_]+)(?<=\S)[*_](?!\w)|(?P<bare>https?://[^\s<>)]*[^\s<>).,;:])"
)
_LINKABLE = re.compile(r"https?://|#|(?![a-z][a-z0-9+.-]*:)(?!//)", re.IGNORECASE)
_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_ITEM = re.compile(r"(\s*)([-*+]|\d+[.)])\s+(.*)")
_TABLE_RULE = re.compile(r"\s*\|?[\s:|-]*-[\s:|-]*\|[\s:|-]*$")
_RULE = re.compile(r"\s*([-*_])(\s*\1){2,}\s*$")


def render(text: str) -> Markup:
    return joined(*_blocks(text.splitlines()))


def _blocks(lines: list[str]) -> Iterator[Markup]:
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        block, taken = next(made for maker in _MAKERS if (made := maker(lines[at:])))
        yield block
        at += taken


_Made = tuple[Markup, int] | None


def _fence(lines: list[str]) -> _Made:
    mark = _FENCE.match(lines[0])
    if not mark:
        return None
    indent = len(lines[0]) - len(lines[0].lstrip())
    end = next((n for n, line in enumerate(lines[1:], 1) if line.strip().startswith(mark[1])), len(lines))
    code = "\n".join(line[indent:] if not line[:indent].strip() else line for line in lines[1:end])
    return element("pre", element("code", code)), end + 1


def _heading(lines: list[str]) -> _Made:
    found = _HEADING.match(lines[0])
    if not found:
        return None
    anchor = re.sub(r"[^\w -]", "", found[2].lower()).replace(" ", "-")
    return element(f"h{len(found[1])}", _inline(found[2]), id=anchor), 1


def _rule(lines: list[str]) -> _Made:
    return (element("hr"), 1) if _RULE.match(lines[0]) else None


def _quote(lines: list[str]) -> _Made:
    taken = _count(lines, lambda line: line.lstrip().startswith(">"))
    inner = [re.sub(r"^\s*> ?", "", line) for line in lines[:taken]]
    return (element("blockquote", *_blocks(inner)), taken) if taken else None


def _table(lines: list[str]) -> _Made:
    if len(lines) < 2 or "|" not in lines[0] or not _TABLE_RULE.match(lines[1]):
        return None
    taken = _count(lines, lambda line: "|" in line)
    rows = [element("tr", *_cells(line, "td")) for line in lines[2:taken]]
    head = element("thead", element("tr", *_cells(lines[0], "th")))
    return element("div", element("table", head, element("tbody", *rows)), class_="wide"), taken


def _cells(line: str, name: str) -> list[Markup]:
    cells = re.split(r"(?<!\\)\|", line.strip().removeprefix("|").removesuffix("|"))
    return [element(name, _inline(cell.strip().replace("\\|", "|"))) for cell in cells]


def _list(lines: list[str]) -> _Made:
    first = _ITEM.match(lines[0])
    if not first:
        return None
    taken = 1 + _count(
        lines[1:], lambda line: bool(_ITEM.match(line)) or line.startswith(" ") or not line.strip()
    )
    while not lines[taken - 1].strip():
        taken -= 1
    numbered = first[2][0].isdigit()
    items = [element("li", *_item(item)) for item in _items(lines[:taken], len(first[1]))]
    return element("ol" if numbered else "ul", *items, start=first[2][:-1] if numbered else ""), taken


def _items(lines: list[str], indent: int) -> Iterator[list[str]]:
    """The lines of each item, without its mark and its indentation."""
    item: list[str] = []
    width = 0
    for line in lines:
        found = _ITEM.match(line)
        if found and len(found[1]) <= indent:
            if item:
                yield item
            item, width = [found[3]], found.start(3)
        else:
            item.append(line[width:] if not line[:width].strip() else line.lstrip())
    yield item


def _item(lines: list[str]) -> list[Markup]:
    """An item's first lines stand in it as they are; lists, code and paragraphs after them are blocks."""
    if not lines[0].strip():
        return list(_blocks(lines))
    _, taken = _paragraph(lines)
    return [_inline("\n".join(lines[:taken])), *_blocks(lines[taken:])]


def _paragraph(lines: list[str]) -> tuple[Markup, int]:
    others = (_fence, _heading, _rule, _quote, _list)
    taken = 1 + _count(
        lines[1:], lambda line: bool(line.strip()) and not any(make([line]) for make in others)
    )
    return element("p", _inline("\n".join(lines[:taken]))), taken


_MAKERS: tuple[Callable[[list[str]], _Made], ...] = (
    _fence,
    _heading,
    _rule,
    _quote,
    _table,
    _list,
    _paragraph,
)


def _count(lines: list[str], belongs: Callable[[str], bool]) -> int:
    return next((n for n, line in enumerate(lines) if not belongs(line)), len(lines))


def _inline(text: str) -> Markup:
    pieces: list[str] = []
    at = 0
    for found in _INLINE.finditer(text):
        pieces += [text[at : found.start()], _span(found)]
        at = found.end()
    return joined(*pieces, text[at:])


def _span(found: re.Match[str]) -> str:
    if found["code"]:
        return element("code", found["code"])
    if found["strong"] or found["em"]:
        return element("strong" if found["strong"] else "em", _inline(found["strong"] or found["em"]))
    href = found["href"] or found["auto"] or found["bare"]
    if not _LINKABLE.match(href):
        return found[0]  # such as javascript: - shown, not linked
    return element(
        "a", _inline(found["text"]) if found["text"] else href, href=href, rel="noopener noreferrer"
    )
