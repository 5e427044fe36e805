"""What can be told of a text template of Prometheus without filling it: its words, its labels, its faults.

Only the actions between double braces are read, by the tokens of Go's text/template.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from config.spec.names import did_you_mean
from observability.promql import syntax_error

VALUES = frozenset({"$value", ".Value"})
_GIVEN = frozenset({"$", "$labels", "$value", "$externalLabels", "$externalURL"})
_OPENING = frozenset({"if", "range", "with", "define", "block"})
_CHANGING_DOT = _OPENING - {"if"}
_KEYWORDS = _OPENING | {"else", "end", "template", "break", "continue", "nil", "true", "false"}
_GO = "and or not len index slice print printf println html js urlquery call eq ne lt le gt ge"
_PROMETHEUS = """
    query first label value strvalue args tmpl sortByLabel reReplaceAll safeHtml match title toUpper toLower
    graphLink tableLink parseDuration humanize humanize1024 humanizeDuration humanizePercentage
    humanizeTimestamp toTime toDuration now pathPrefix externalURL stripPort stripDomain urlQueryEscape
"""
_FUNCTIONS = frozenset(f"{_GO} {_PROMETHEUS}".split())
_ACTION = re.compile(r"\{\{(?P<inner>(?:\"(?:\\.|[^\"\\])*\"|`[^`]*`|/\*.*?\*/|(?!\}\}).)*)\}\}", re.DOTALL)
_TOKEN = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\])*"|`[^`]*`|'(?:\\.|[^'\\])*'|/\*.*?\*/)
    |(?P<variable>\$\w*(?:\.\w+)*)
    |(?P<field>\.[A-Za-z_]\w*(?:\.\w+)*)
    |(?P<number>[-+]?\d[\w.]*)
    |(?P<word>[A-Za-z_]\w*)
    |(?P<other>:=|\S)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    is_top: bool  # whether the dot is still what Prometheus gives


def faults(template: str) -> Iterator[str]:
    """Yield what Prometheus would refuse in a template."""
    if "{{" in _ACTION.sub("", template):
        yield "`{{` is never closed"
        return
    tokens = list(_tokens(template))
    # `$i, $one := range` declares both.
    declared = {
        token.text
        for token, after in pairwise(tokens)
        if token.kind == "variable" and after.text in (":=", ",", "=")
    }
    for token in tokens:
        root = token.text.partition(".")[0]
        if token.kind == "variable" and root not in _GIVEN | declared:
            yield f"no variable {root!r}{did_you_mean(root, _GIVEN)}"
        elif token.kind == "word" and token.text not in _FUNCTIONS | _KEYWORDS:
            yield f"no template function {token.text!r}{did_you_mean(token.text, _FUNCTIONS)}"
    for token, after in pairwise(tokens):
        if token.text == "query" and after.kind == "text" and (error := syntax_error(_unquoted(after.text))):
            yield f"query {after.text} is not valid PromQL: {error}"
    words = [token.text for token in tokens if token.kind == "word"]
    opened, closed = sum(map(words.count, _OPENING)), words.count("end")
    if opened != closed:
        yield f"{opened} of if, range and with, but {closed} of end"


def _unquoted(text: str) -> str:
    """Return what a text of Go says; between backquotes nothing is escaped."""
    return text[1:-1] if text.startswith("`") else re.sub(r"\\(.)", r"\1", text[1:-1])


def used(template: str) -> set[str]:
    """Return the functions, variables and fields of a template."""
    return {token.text for token in _tokens(template) if token.kind != "field" or token.is_top}


def labels_used(template: str) -> list[str]:
    """Return the labels of the alert that a template reads, each once."""
    found: dict[str, None] = {}
    for token in _tokens(template):
        root, _, rest = token.text.lstrip(".").partition(".")
        is_labels = (token.kind == "variable" and root == "$labels") or (
            token.kind == "field" and root == "Labels" and token.is_top
        )
        if is_labels and rest:
            found[rest.partition(".")[0]] = None
    return list(found)


def _tokens(template: str) -> Iterator[_Token]:
    # For each block that is open, whether it changed what the dot is.
    open_blocks: list[bool] = []
    for action in _ACTION.finditer(template):
        inner = action["inner"].removeprefix("-").removesuffix("-")
        is_top, first = not any(open_blocks), True
        for match in _TOKEN.finditer(inner):
            kind, text = str(match.lastgroup), match[0]
            if first and kind == "word":
                if text in _OPENING:
                    open_blocks.append(text in _CHANGING_DOT)
                elif text == "end" and open_blocks:
                    open_blocks.pop()
            first = False
            yield _Token(kind, text, is_top)
