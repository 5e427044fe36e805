"""Data that a schema has accepted to frozen dataclasses that know their place."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from decimal import Decimal
from functools import cache
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from config.spec.duration import Duration
from config.spec.problem import Place, Problem
from config.spec.source import Keys, Source

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Where:
    """The place of a spec object: `where()` is its key, `where("runbook")` that field's value."""

    source: Source
    path: Keys

    def __call__(self, *path: str | int) -> Place:
        return self.source.place(*self.path, *path) if path else self.source.key_place(*self.path)

    def key(self, *path: str | int) -> Place:
        """Return the place of the key at `path` below this object."""
        return self.source.key_place(*self.path, *path)


def build(cls: type[T], source: Source) -> tuple[T | None, list[Problem]]:
    """Make a `cls` from a file that its schema has accepted; None with what no schema can say against it.

    The YAML key of a field is its name without a trailing underscore. A field `name` of an object in a
    mapping takes the object's key; a field `where` takes its place.
    """
    builder = _Builder(source)
    made = builder.object(cls, source.data, ())
    return (None if builder.problems else made), builder.problems


class _Builder:
    """One pass over the data of a file that makes objects and collects problems."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []

    def object(self, cls: type[T], data: Mapping[str, Any], path: Keys) -> T:
        hints = _hints(cls)  # type: ignore[arg-type] # mypy takes no class for hashable
        values: dict[str, Any] = {}
        for field in fields(cls):  # type: ignore[arg-type]
            key = field.name.rstrip("_")
            if field.name == "where":
                values[field.name] = Where(self.source, path)
            elif key in data:
                values[field.name] = self.value(hints[field.name], data[key], (*path, key))
            elif key == "name" and path:
                values[field.name] = path[-1]
            elif field.default is MISSING and field.default_factory is MISSING:
                raise TypeError(
                    f"{cls.__name__}.{field.name} has no default, but the schema does not require {key!r}"
                )
        return cls(**values)

    def value(self, hint: Any, data: Any, path: Keys) -> Any:
        origin, args = get_origin(hint), get_args(hint)
        if origin in (Union, UnionType):
            return (
                None if data is None else self.value(next(a for a in args if a is not NoneType), data, path)
            )
        if origin is tuple:
            return tuple(self.value(args[0], item, (*path, i)) for i, item in enumerate(data))
        if origin in (dict, Mapping):
            return MappingProxyType({k: self.value(args[1], v, (*path, k)) for k, v in data.items()})
        if hint is Duration:
            return self.duration(data, path)
        if is_dataclass(hint) and isinstance(hint, type):
            return self.object(hint, data, path)
        return _scalar(hint, data) if origin is not Literal else data

    def duration(self, data: Any, path: Keys) -> Duration:
        try:
            return Duration.parse(data)
        except ValueError as error:
            self.problems.append(Problem(self.source.place(*path), str(error), "spec/duration"))
            return Duration(0)


@cache
def _hints(cls: type) -> dict[str, Any]:
    """Return what is costly to work out again for each of thousands of objects."""
    return get_type_hints(cls)


def _scalar(hint: Any, data: Any) -> Any:
    if hint is Decimal:
        return Decimal(data)
    if hint in (str, int, bool) and isinstance(data, hint):
        return data
    raise TypeError(f"the schema accepted {data!r} where the model wants {hint}")
