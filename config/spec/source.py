"""YAML text to plain data plus the place of every key and value.

Scalars follow YAML 1.2: `10:30`, `on`, `2026-01-01` and `0640` stay text. A number with a point is a Decimal.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

from config.spec.problem import Place, Problem, Related
from config.spec.syntax import explained, place_after

Keys = tuple[str | int, ...]
MAX_DEPTH = 100  # far beyond any real spec; keeps the walk clear of Python's recursion limit
MAX_VALUES = 100_000  # an alias of aliases of aliases multiplies; a real spec has some thousand values
_MAX_BYTES = 32_000_000  # what never ends, such as a device, must not fill the memory
_LARGEST_POWER = 300  # of ten: what Prometheus, Grafana and JSON can hold


class _Loader(yaml.CSafeLoader):
    """CSafeLoader with the scalar rules of YAML 1.2 instead of 1.1."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's name


_TAG = "tag:yaml.org,2002:"
for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", list("-+0123456789")),
    (
        "float",
        r"^[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$",
        list("-+.0123456789"),
    ),
    ("merge", r"^<<$", ["<"]),
):
    _Loader.add_implicit_resolver(_TAG + _tag, re.compile(_pattern), _first)


def _number(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite() or abs(number.adjusted()) > _LARGEST_POWER:
        raise ValueError(f"{text} is beyond what programs can hold")
    return number


def _whole_number(text: str) -> int:
    _number(text)
    return int(text)


def _null(text: str) -> None:
    if text.lower() not in ("", "~", "null"):
        raise ValueError(f"{text} is not empty")


_TRUTHS = {"true": True, "false": False}
# The rest of an escape of a terminal, or text that a reader sees in another order or not at all.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u2060\u202a-\u202e\u2066-\u2069\ufeff]"
)
_SCALARS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "null": _null,
    "bool": lambda text: _TRUTHS[text.lower()],
    "int": _whole_number,
    "float": _number,
}


_TAGS: dict[type[yaml.Node], Collection[str]] = {
    yaml.MappingNode: ("map",),
    yaml.SequenceNode: ("seq",),
    yaml.ScalarNode: _SCALARS,
}


@dataclass(frozen=True, slots=True)
class Source:
    """One file: its text, its data, and where each key and value stands (path of keys -> place).

    At `holes` stands something that could not be read, and was told, so that nobody needs to miss it.
    """

    path: str
    text: str
    data: Any
    keys: dict[Keys, Place] = field(repr=False)
    values: dict[Keys, Place] = field(repr=False)
    holes: frozenset[Keys] = frozenset()

    def place(self, *path: str | int) -> Place:
        """Return the place of the value at `path`, or of its nearest parent that exists."""
        for end in range(len(path), 0, -1):
            if found := self.values.get(path[:end]):
                return found
        return self.values.get((), Place(self.path, 1, 1))

    def key_place(self, *path: str | int) -> Place:
        """Return the place of the key at `path`; a list entry and the document have only a value."""
        return self.keys.get(path) or self.place(*path)

    def under(self, values: "Source", *at: str | int) -> "Source":
        """Return this file with what stands at `at` in `values` laid over it, key by key.

        What is replaced has its place in `values`, so that a problem points at who is to blame.
        """
        data: Any = values.data
        for key in at:
            data = data[key]
        return _Overlay(self, values, at).source(data)


def read(file: Path, shown_as: str) -> tuple[Source, list[Problem]]:
    """Read one file; every problem is returned, none raised, and without any data there is one."""
    try:
        with file.open("rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return _nothing(shown_as, "", Place(shown_as, 1, 1), "there is no such file", "unreadable")
    except OSError as error:
        return _nothing(
            shown_as, "", Place(shown_as, 1, 1), f"cannot be read: {error.strerror}", "unreadable"
        )
    if len(content) > _MAX_BYTES:
        return _nothing(shown_as, "", Place(shown_as, 1, 1), f"is larger than {_MAX_BYTES} bytes", "size")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        text = content.decode("utf-8", "replace")
        place = place_after(content[: error.start].decode("utf-8-sig"), shown_as)
        return _nothing(shown_as, text, place, f"not UTF-8: {_encoding(content, error)}", "encoding")
    return parse(text, shown_as)


def _encoding(content: bytes, error: UnicodeDecodeError) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "it is UTF-16; save it as UTF-8"
    return f"byte 0x{content[error.start]:02x}; save the file as UTF-8"


def parse(text: str, path: str) -> tuple[Source, list[Problem]]:
    """Read one text; see `read`."""
    top = Place(path, 1, 1)
    try:
        if deep := _too_deep(text):
            return _nothing(
                path, text, Place(path, *deep), f"nested deeper than {MAX_DEPTH} levels", "nesting"
            )
        node = _compose(text)
    except yaml.YAMLError as error:
        return Source(path, text, None, {}, {}), [explained(error, text, path)]
    if node is None:
        return _nothing(path, text, top, "the file is empty", "empty")
    walk = _Walk(path)
    data = walk.value(node, (), frozenset())
    if len(walk.values) > MAX_VALUES:
        message = f"aliases make more than {MAX_VALUES} values of it; write them out"
        return _nothing(path, text, top, message, "size")
    if data is None and not walk.problems:
        return _nothing(path, text, top, "the file is empty", "empty")
    return Source(path, text, data, walk.keys, walk.values, frozenset(walk.holes)), walk.problems


def _nothing(path: str, text: str, place: Place, message: str, check: str) -> tuple[Source, list[Problem]]:
    return Source(path, text, None, {}, {}), [Problem(place, message, f"yaml/{check}")]


def _too_deep(text: str) -> tuple[int, int] | None:
    """Return the line and column where it is nested too deep; PyYAML would overflow the stack and crash."""
    loader, depth = _Loader(text), 0
    try:
        while loader.check_event():
            event = loader.get_event()
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH and (mark := event.start_mark):
                    return mark.line + 1, mark.column + 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
        return None
    finally:
        loader.dispose()


def _compose(text: str) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        node: yaml.Node | None = loader.get_single_node()
        return node
    finally:
        loader.dispose()


class _Overlay:
    """One pass over two sources that puts the data and the places of the second over those of the first."""

    def __init__(self, below: Source, above: Source, at: Keys) -> None:
        self.below, self.above, self.at = below, above, at
        self.keys, self.values = dict(below.keys), dict(below.values)

    def source(self, data: Any) -> Source:
        return replace(
            self.below, data=self.merged(self.below.data, data, ()), keys=self.keys, values=self.values
        )

    def merged(self, below: Any, above: Any, path: Keys) -> Any:
        if not (isinstance(below, dict) and isinstance(above, Mapping)):
            self.take(above, path)
            return above
        data = dict(below)
        for key, value in above.items():
            data[key] = self.merged(below.get(key), value, (*path, key))
        return data

    def take(self, data: Any, path: Keys) -> None:
        """Give the data at `path`, and all below it, the places that it has above."""
        for mine, theirs in ((self.keys, self.above.keys), (self.values, self.above.values)):
            if place := theirs.get((*self.at, *path)):
                mine[path] = place
        children = (
            data.items() if isinstance(data, Mapping) else enumerate(data) if isinstance(data, list) else ()
        )
        for key, value in children:
            self.take(value, (*path, key))


class _Walk:
    """One pass over the node tree that collects data, places and problems."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.keys: dict[Keys, Place] = {}
        self.values: dict[Keys, Place] = {}
        self.problems: list[Problem] = []
        self.holes: set[Keys] = set()

    def place(self, node: yaml.Node) -> Place:
        return Place(self.path, node.start_mark.line + 1, node.start_mark.column + 1)

    def problem(self, node: yaml.Node, at: Keys, message: str, check: str, *related: Related) -> None:
        """Add a problem, because of which something is missing at `at`."""
        self.holes.add(at)
        self.problems.append(Problem(self.place(node), message, check, related=related))

    def value(self, node: yaml.Node, path: Keys, above: frozenset[int]) -> Any:
        self.values[path] = self.place(node)
        if len(self.values) > MAX_VALUES:
            return None  # told once, for the whole file
        if id(node) in above:
            return self.problem(node, path, "an alias contains itself", "yaml/recursion")
        if len(above) >= MAX_DEPTH:
            return self.problem(node, path, f"nested deeper than {MAX_DEPTH} levels", "yaml/nesting")
        if node.tag.removeprefix(_TAG) not in _TAGS[type(node)]:
            tag = node.tag.replace(_TAG, "!!")
            return self.problem(node, path, f"tag {tag!r} is not supported; leave it out", "yaml/tag")
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path, above | {id(node)})
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, i), above | {id(node)}) for i, item in enumerate(node.value)]
        return self.scalar(node, path)

    def mapping(self, node: yaml.MappingNode, path: Keys, above: frozenset[int]) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key, value in self.pairs(node, path):
            name = key.value
            if name in data:
                first = Related(self.keys[(*path, name)], "first given here")
                self.problem(key, path, f"key {name!r} is given twice", "yaml/duplicate-key", first)
                continue
            self.keys[(*path, name)] = self.place(key)
            data[name] = self.value(value, (*path, name), above)
        return data

    def pairs(self, node: yaml.MappingNode, path: Keys) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.problem(key, path, "a key must be plain text", "yaml/key")
            elif key.tag == _TAG + "merge":
                text = "merge keys (<<) are not supported; write the keys out"
                self.problem(key, path, text, "yaml/merge")
            elif not self.unseen(key, path):
                yield key, value

    def scalar(self, node: yaml.Node, path: Keys) -> Any:
        kind, text = node.tag.removeprefix(_TAG), str(node.value)
        if self.unseen(node, path):
            return None
        try:
            return _SCALARS[kind](text)
        except (ValueError, KeyError, InvalidOperation):
            wanted = {"null": "empty", "bool": "true or false"}.get(kind, "a number that can be read")
            return self.problem(node, path, f"{text[:40]!r} is not {wanted}", "yaml/number")

    def unseen(self, node: yaml.Node, path: Keys) -> bool:
        """Tell of a character that a reader does not see; escapes can write what the text itself may not."""
        found = None if node.value.isprintable() else _UNSEEN.search(node.value)
        if found:
            text = f"the text has the character U+{ord(found.group()):04X}, which nobody sees; remove it"
            self.problem(node, path, text, "yaml/character")
        return found is not None
