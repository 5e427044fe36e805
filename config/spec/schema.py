"""JSON Schema errors as problems with a place, in the words of the file."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from config.spec.names import did_you_mean
from config.spec.problem import Problem
from config.spec.source import Keys, Source

_TYPES = {"object": "a mapping", "array": "a list", "string": "text", "integer": "a whole number"}


def _pattern(_: object, pattern: str, instance: object, __: object) -> Iterator[ValidationError]:
    """Judge `pattern` as ECMAScript does, whose language it is in JSON Schema.

    Python's own `$` lets a line feed through at the end, and its `\\d` the digits of every script.
    """
    if isinstance(instance, str) and not re.search(re.sub(r"\$\Z", r"\\Z", pattern), instance, re.ASCII):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


_Validator = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]


def load_schema(file: Path) -> Draft202012Validator:
    """Read a schema of ours; `make lint` checks the schemas themselves, so that no start pays for it."""
    validator: Draft202012Validator = _Validator(json.loads(file.read_text("utf-8")))
    return validator


def validate(source: Source, validator: Draft202012Validator) -> list[Problem]:
    """Return every violation of the schema, in the order of the file."""
    found = [p for error in validator.iter_errors(source.data) for p in _problems(source, error)]
    return sorted(set(found), key=lambda problem: (problem.place, problem.message))


def _problems(source: Source, error: ValidationError) -> Iterator[Problem]:
    path: Keys = tuple(error.absolute_path)
    kind = str(error.validator)
    value: Any = error.instance
    wanted: Any = error.validator_value
    check = f"schema/{kind.lower()}"
    if kind == "additionalProperties":
        known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
        for key in value:
            if key not in known:
                text = f"unknown key {key!r}{did_you_mean(key, known)}"
                yield Problem(source.key_place(*path, key), text, "schema/unknown-key")
    elif "propertyNames" in error.absolute_schema_path:
        # The path is that of the mapping, and the value is the key that is wrong.
        yield Problem(source.key_place(*path, value), _message(kind, error), check)
    elif kind == "required":
        missing = next(key for key in wanted if f"'{key}'" in error.message)
        yield Problem(source.key_place(*path), f"key {missing!r} is missing", check)
    else:
        yield Problem(source.place(*path), _message(kind, error), check)


def _message(kind: str, error: ValidationError) -> str:
    shown = _shown(error.instance)
    wanted: Any = error.validator_value
    match kind:
        case "enum":
            allowed = [str(value) for value in wanted]
            return f"{shown} is not one of {', '.join(allowed)}{did_you_mean(str(error.instance), allowed)}"
        case "type":
            names = [wanted] if isinstance(wanted, str) else wanted
            return f"{shown} is not {' or '.join(_TYPES.get(name, f'a {name}') for name in names)}"
        case "pattern":
            return _pattern_text(error)
        case "minItems" | "minProperties" | "minLength":
            return "must not be empty"
    return error.message


def _pattern_text(error: ValidationError) -> str:
    hint = error.schema.get("patternErrorMessage") if isinstance(error.schema, dict) else None
    return f"{_shown(error.instance)} {hint or 'does not match ' + str(error.validator_value)}"


def _shown(value: Any) -> str:
    match value:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case None:
            return "an empty value"
        case bool():
            return str(value).lower()
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "…"
