"""Data to the text of a generated YAML file."""

from collections.abc import Iterator
from functools import lru_cache
from io import StringIO
from typing import Any

import yaml

_MOST_KEPT = 10_000
_TEXT = "tag:yaml.org,2002:str"


def header(made_from: str) -> str:
    """Return the first line of a generated file."""
    return f"# Made from {made_from} by `make generate`; change that, not this.\n"


def to_yaml(made_from: str, data: Any) -> str:
    """Return `data` as YAML under a line that says what it is made from; texts of several lines are blocks.

    It is what yaml.dump() writes, in half the time, for nearly all texts come again and again.
    """
    events = [
        yaml.StreamStartEvent(),
        yaml.DocumentStartEvent(explicit=False),
        *_events(data),
        yaml.DocumentEndEvent(explicit=False),
        yaml.StreamEndEvent(),
    ]
    body = yaml.emit(events, Dumper=yaml.CSafeDumper, allow_unicode=True, width=110)
    return header(made_from) + str(body)


def _events(data: Any) -> Iterator[yaml.Event]:
    if isinstance(data, dict):
        yield yaml.MappingStartEvent(None, None, True, flow_style=False)
        for key, value in data.items():
            yield _text(key)
            yield from _events(value)
        yield yaml.MappingEndEvent()
    elif isinstance(data, list):
        yield yaml.SequenceStartEvent(None, None, True, flow_style=False)
        for item in data:
            yield from _events(item)
        yield yaml.SequenceEndEvent()
    else:
        yield _text(data) if isinstance(data, str) else _other(data)


@lru_cache(_MOST_KEPT)
def _text(text: str) -> yaml.ScalarEvent:
    """Return a text, which must be quoted where it would be read as something else."""
    tag = yaml.SafeDumper(StringIO()).resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    is_plain = tag == _TEXT
    return yaml.ScalarEvent(None, None, (is_plain, True), text, style="|" if "\n" in text else None)


@lru_cache(_MOST_KEPT, typed=True)
def _other(value: Any) -> yaml.ScalarEvent:
    """Return a number, a truth or nothing, which is written as it is."""
    return yaml.ScalarEvent(
        None, None, (True, False), yaml.SafeDumper(StringIO()).represent_data(value).value
    )
