"""Decodes a JSON body and refuses what a strict receiver would refuse."""

import json
from typing import Any


class BodyError(ValueError):
    """The body is not a JSON object; the text says why."""


def json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BodyError(f"body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BodyError("body is not a JSON object")
    return value


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is an object, else an empty one: what is optional must not break the reading."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects in a list; of what is no list there are none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")
