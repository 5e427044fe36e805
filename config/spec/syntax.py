"""What PyYAML says against a text, as a problem in plain words at the place where it is to be mended."""

import re
from collections.abc import Mapping
from contextlib import suppress

import yaml

from config.spec.problem import Place, Problem, Related

LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # which is fewer than `splitlines` knows
# All that YAML lets nobody write as it is; PyYAML tells of it without a place.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Blanks that look like the space that YAML wants, or like nothing.
_LOOKALIKE_SPACE = re.compile("[\xa0\u2000-\u200b\u202f\u205f\u3000\ufeff]")
_CONFLICT = re.compile(r"(?:<{7}|={7}|>{7})(?: |$)")
_UNQUOTED = re.compile(r"[ -]*[\w.-]+: +(?P<value>(?P<first>[\[{\"'*&!|>%@`]).*)")
_PLAIN_WORDS: Mapping[str, str] = {
    "mapping values are not allowed in this context": (
        "a ':' cannot stand here: quote the text, or mend the indentation or the line above"
    ),
    "did not find expected key": "this is no `key: value`; check the indentation, and quote what is text",
    "could not find expected ':'": "no ': ' after this key",
    "did not find expected ',' or '}'": "a ',' or '}' is missing before this",
    "did not find expected ',' or ']'": "a ',' or ']' is missing before this",
    "did not find expected '-' indicator": "an entry of a list begins with '- ', and all in one column",
    "did not find expected node content": "a value is missing here",
    "did not find expected <document start>": "this stands further left than the lines above",
    "block sequence entries are not allowed in this context": "a list begins on a line of its own",
    "but found another document": "a second document begins here; a file holds one",
    "found undefined alias": "a text that begins with '*' needs quotes",
    "found unknown escape character": "no such escape; double the backslash, or use single quotes",
    "found invalid Unicode character escape code": "no such letter; or double the backslash",
}


def explained(error: yaml.YAMLError, text: str, path: str) -> Problem:
    """Return what to mend, and where."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return _bad_character(error, text, path)
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return _problem(Place(path, 1, 1), str(error).splitlines()[0])
    begin = error.context_mark or mark
    place, opened = _place(path, mark), _place(path, begin)
    said = str(error.problem)
    if "quoted scalar" in str(error.context) and "end of" in said:
        return _problem(opened, "this quote is never closed")
    if quote := _quote_over_lines(text, mark.line):
        return _problem(_place(path, quote), f"this quote is closed only in line {mark.line + 1}")
    if "flow" in str(error.context) and mark.line > begin.line:
        related = Related(place, "before this")
        bracket = text[begin.index : begin.index + 1]
        return _problem(opened, f"this {bracket!r} is not closed", related)
    if said == "could not find expected ':'":
        place = opened
    lines = LINE_END.split(text)
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    return _problem(place, _in_words(said, line, place.column))


def _in_words(said: str, line: str, column: int) -> str:
    """Return the sentence for what stands in `line`, or else for what PyYAML said."""
    at = line[column - 1 : column]
    if _CONFLICT.match(line):
        return "a mark of a merge that is not finished; keep one side and remove the marks"
    if odd := _LOOKALIKE_SPACE.search(line):
        return f"the line has a blank that is no space (U+{ord(odd.group()):04X}); type it anew"
    if at == "\t" or "tab" in said:
        return "a tab; indent with spaces"
    if at and "cannot start any token" in said:
        return f"a text that begins with {at!r} needs quotes"
    found = _UNQUOTED.match(line)
    if found and said == "did not find expected key" and column > found.start("value"):
        return f"a text that begins with {found['first']!r} needs quotes around all of it"
    return _PLAIN_WORDS.get(said, said)


def _quote_over_lines(text: str, line: int) -> yaml.Mark | None:
    """Return where a quoted text begins that ends in this line and begins in another.

    It most often is one that lacks its end and took that of the next.
    """
    found = None
    with suppress(yaml.YAMLError):  # the text is known to be wrong; what counts stands before that place
        for token in yaml.scan(text, Loader=yaml.CSafeLoader):
            if isinstance(token, yaml.ScalarToken) and token.style in ("'", '"'):
                begin, end = token.start_mark, token.end_mark
                found = begin if begin.line < line == end.line else None
    return found


def _bad_character(error: yaml.YAMLError, text: str, path: str) -> Problem:
    found = _FORBIDDEN.search(text)
    reason = str(getattr(error, "reason", None) or error).splitlines()[0]
    if not found:
        return _problem(Place(path, 1, 1), reason)
    return _problem(place_after(text[: found.start()], path), f"{reason} (U+{ord(found.group()):04X})")


def place_after(text: str, path: str) -> Place:
    """Return the place of what follows `text`, the begin of a file."""
    lines = LINE_END.split(text)
    return Place(path, len(lines), len(lines[-1]) + 1)


def _place(path: str, mark: yaml.Mark) -> Place:
    return Place(path, mark.line + 1, mark.column + 1)


def _problem(place: Place, message: str, *related: Related) -> Problem:
    return Problem(place, message, "yaml/syntax", related=related)
