"""YAML text to plain data plus the place of every key and value; the only module that knows PyYAML.

Scalars follow YAML 1.2: `10:30`, `on`, `2026-01-01` and `0640` stay text. A number with a point is a Decimal.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

from config.spec.problem import Place, Problem, Related

Keys = tuple[str | int, ...]
MAX_DEPTH = 100  # far beyond any real spec; keeps the walk clear of Python's recursion limit
MAX_VALUES = 100_000  # an alias of aliases of aliases multiplies; a real spec has some thousand values
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


_SCALARS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "null": lambda _: None,
    "bool": lambda text: text.lower() == "true",
    "int": _whole_number,
    "float": _number,
}


@dataclass(frozen=True, slots=True)
class Source:
    """One file: its text, its data, and where each key and value stands (path of keys -> place)."""

    path: str
    text: str
    data: Any
    keys: dict[Keys, Place] = field(repr=False)
    values: dict[Keys, Place] = field(repr=False)

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
    top = Place(shown_as, 1, 1)
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = Problem(top, f"not UTF-8: {error.reason} at byte {error.start}", "yaml/encoding")
    except OSError as error:
        problem = Problem(top, f"cannot be read: {error.strerror}", "yaml/unreadable")
    else:
        return parse(text, shown_as)
    return Source(shown_as, "", None, {}, {}), [problem]


def parse(text: str, path: str) -> tuple[Source, list[Problem]]:
    """Read one text; see `read`."""
    nothing = Source(path, text, None, {}, {})
    try:
        if deep := _too_deep(text):
            message = f"nested deeper than {MAX_DEPTH} levels"
            return nothing, [Problem(Place(path, *deep), message, "yaml/nesting")]
        node = _compose(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(path, mark.line + 1, mark.column + 1) if mark else Place(path, 1, 1)
        return nothing, [Problem(place, _sentence(error), "yaml/syntax")]
    except yaml.YAMLError as error:
        return nothing, [Problem(_place_of_bad_character(text, path), _sentence(error), "yaml/syntax")]
    if node is None:
        return nothing, [Problem(Place(path, 1, 1), "the file is empty", "yaml/empty")]
    walk = _Walk(path)
    data = walk.value(node, (), frozenset())
    if len(walk.values) > MAX_VALUES:
        message = f"aliases make more than {MAX_VALUES} values of it; write them out"
        return nothing, [Problem(Place(path, 1, 1), message, "yaml/size")]
    return Source(path, text, data, walk.keys, walk.values), walk.problems


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


def _sentence(error: yaml.YAMLError) -> str:
    text = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error).splitlines()[0]
    context = getattr(error, "context", None)
    return f"{text} ({context})" if context else str(text)


def _place_of_bad_character(text: str, path: str) -> Place:
    found = re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]", text)
    if not found:
        return Place(path, 1, 1)
    lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", text[: found.start()])
    return Place(path, len(lines), len(lines[-1]) + 1)


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

    def place(self, node: yaml.Node) -> Place:
        return Place(self.path, node.start_mark.line + 1, node.start_mark.column + 1)

    def problem(self, node: yaml.Node, message: str, check: str, *related: Related) -> None:
        self.problems.append(Problem(self.place(node), message, check, related=related))

    def value(self, node: yaml.Node, path: Keys, above: frozenset[int]) -> Any:
        self.values[path] = self.place(node)
        if len(self.values) > MAX_VALUES:
            return None  # told once, for the whole file
        if id(node) in above:
            return self.problem(node, "an alias contains itself", "yaml/recursion")
        if len(above) >= MAX_DEPTH:
            return self.problem(node, f"nested deeper than {MAX_DEPTH} levels", "yaml/nesting")
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path, above | {id(node)})
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, i), above | {id(node)}) for i, item in enumerate(node.value)]
        return self.scalar(node)

    def mapping(self, node: yaml.MappingNode, path: Keys, above: frozenset[int]) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key, value in self.pairs(node):
            name = key.value
            if name in data:
                first = Related(self.keys[(*path, name)], "first given here")
                self.problem(key, f"key {name!r} is given twice", "yaml/duplicate-key", first)
                continue
            self.keys[(*path, name)] = self.place(key)
            data[name] = self.value(value, (*path, name), above)
        return data

    def pairs(self, node: yaml.MappingNode) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.problem(key, "a key must be plain text", "yaml/key")
            elif key.tag == _TAG + "merge":
                self.problem(key, "merge keys (<<) are not supported; write the keys out", "yaml/merge")
            else:
                yield key, value

    def scalar(self, node: yaml.Node) -> Any:
        read = _SCALARS.get(node.tag.removeprefix(_TAG))
        if read is None:
            return self.problem(node, f"tag {node.tag!r} is not supported", "yaml/tag")
        try:
            return read(str(node.value))
        except (ValueError, InvalidOperation):
            return self.problem(
                node, f"{str(node.value)[:40]!r} is not a number that can be read", "yaml/number"
            )
