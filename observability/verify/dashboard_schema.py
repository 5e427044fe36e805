"""Grafana's schema as the models of its SDK have it: every key known, every value of its type."""

import json
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.cog.runtime import panelcfg_config
from grafana_foundation_sdk.models.dashboard import Dashboard

Path = tuple[str | int, ...]
# The SDK puts it everywhere; without it Grafana shows links and annotations at the top, with it in a menu.
_NEVER_MISSED = frozenset({"placement"})
# What JSON has for a type: every whole number is a number too, but true is none.
_PLAIN: Mapping[Any, frozenset[type]] = {
    NoneType: frozenset({NoneType}),
    str: frozenset({str}),
    bool: frozenset({bool}),
    int: frozenset({int}),
    float: frozenset({int, float}),
}
_MODELS = Dashboard.__module__.rpartition(".")[0]


def misfits(data: Any) -> Iterator[tuple[Path, str]]:
    """Yield what in the JSON of a dashboard the schema does not have, with its path."""
    if not isinstance(data, dict):
        yield (), "is no JSON object"
        return
    register_default_plugins()
    if (problem := _undecodable(data, Dashboard)) is not None:
        yield (), problem
        return
    yield from _misfits(data, Dashboard, ())
    for index, panel in enumerate(data.get("panels") or ()):
        # The SDK takes the options of a plugin that it does not know as they are.
        if panel["type"] != "row" and panelcfg_config(panel["type"]) is None:
            yield ("panels", index, "type"), f"{panel['type']!r} is no kind of panel"


def _undecodable(data: Any, model: Any) -> str | None:
    try:
        JSONEncoder().encode(model.from_json(data))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return f"cannot be decoded: {error}"
    return None


def _misfits(data: Any, model: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield what in the JSON of a model is lost, added or changed by it, or not of the type that it says."""
    decoded = model.from_json(data)
    yield from _unlike(data, json.loads(JSONEncoder(sort_keys=True).encode(decoded)), path)
    yield from _unfit(decoded, model, path)


def _unlike(one: Any, other: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield where decoding and encoding lost, added or changed something; null is the same as absent."""
    if one == other:
        return
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() - other.keys()):
            if one[key] is not None:
                yield (*path, key), "is not in the schema"
        for key in sorted(other.keys() - one.keys() - _NEVER_MISSED):
            yield (*path, key), f"is missing, and would be taken as {json.dumps(other[key])}"
        for key in sorted(one.keys() & other.keys()):
            yield from _unlike(one[key], other[key], (*path, key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other, strict=True)):
            yield from _unlike(*pair, (*path, index))
    else:
        yield path, f"would be taken as {json.dumps(other)}"


def _unfit(value: Any, hint: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield where a value of a model is not of the type that the model says."""
    origin, inner = get_origin(hint), get_args(hint)
    if type(value).__module__.startswith(_MODELS) and not isinstance(value, Enum):
        for name, key, wanted, plain in _fields(value.__class__):
            part = getattr(value, name)
            if type(part) not in plain:
                yield from _unfit(part, wanted, (*path, key))
    elif origin in (Union, UnionType):
        options = [option for option in inner if option is not NoneType]
        if value is None and len(options) < len(inner):
            return
        # What is said against the last is told; trying it twice would double the work at each depth.
        *others, last = options
        if not any(next(_unfit(value, option, path), None) is None for option in others):
            yield from _unfit(value, last, path)
    elif isinstance(value, dict) and hasattr(hint, "from_json"):
        # The SDK leaves some parts, such as the links of panels, as they are.
        problem = _undecodable(value, hint)
        yield from _misfits(value, hint, path) if problem is None else [(path, problem)]
    elif origin is list and isinstance(value, Sequence) and not isinstance(value, str):
        for index, item in enumerate(value):
            yield from _unfit(item, inner[0], (*path, index))
    elif origin is dict and isinstance(value, Mapping):
        for key, item in value.items():
            yield from _unfit(item, inner[1], (*path, key))
    elif not _fits(value, hint):
        yield path, f"{json.dumps(value, default=str)} is not {_worded(hint)}"


def _fits(value: Any, hint: Any) -> bool:
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if hint is Any or not isinstance(hint, type):
        return get_origin(hint) is None
    if issubclass(hint, Enum):
        return value in [member.value for member in hint]
    # The SDK's own constants are texts of a class of their own.
    return type(value) in _plain(hint) or (isinstance(value, hint) and not isinstance(value, bool))


def _worded(hint: Any) -> str:
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "one of " + ", ".join(json.dumps(member.value) for member in hint)
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(json.dumps(value) for value in get_args(hint))
    return f"of type {getattr(hint, '__name__', hint)}"


@cache
def _fields(model: type) -> tuple[tuple[str, str, Any, frozenset[type]], ...]:
    """Return each field of a model: name, JSON key, type, and the classes of values that need no look."""
    return tuple((name, _key(name), hint, _plain(hint)) for name, hint in get_type_hints(model).items())


def _plain(hint: Any) -> frozenset[type]:
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return frozenset().union(*(_PLAIN[option] for option in options if option in _PLAIN))


def _key(name: str) -> str:
    """Return the JSON key of a model's field."""
    first, *others = name.removesuffix("_val").split("_")
    return first + "".join(map(str.title, others))
