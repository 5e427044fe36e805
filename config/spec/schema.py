"""JSON Schema errors as problems with a place, in the words of the file."""

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry

from config.spec.mistyped import advice
from config.spec.names import did_you_mean
from config.spec.problem import Problem
from config.spec.source import Keys, Source

_DECIMAL = re.compile(r"Decimal\('([^']*)'\)")
_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "boolean": "true or false",
}


def _pattern(_: object, pattern: str, instance: object, __: object) -> Iterator[ValidationError]:
    """Judge `pattern` as ECMAScript does, whose language it is in JSON Schema.

    Python's own `$` lets a line feed through at the end, and its `\\d` the digits of every script.
    """
    if isinstance(instance, str) and not re.search(re.sub(r"\$\Z", r"\\Z", pattern), instance, re.ASCII):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


_Validator = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]


def load_schema(file: Path) -> Draft202012Validator:
    """Read a schema; `make lint` checks ours themselves, so that no start pays for it.

    Its numbers are as exact as those of a file, and what it refers to elsewhere is never fetched.
    """
    schema = json.loads(file.read_text("utf-8"), parse_float=Decimal)
    validator: Draft202012Validator = _Validator(schema, registry=Registry())
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
        for key, text in _unknown(value, error.schema):
            yield Problem(source.key_place(*path, key), text, "schema/unknown-key")
    elif path in source.holes:
        return  # what stands there, or is missing, was told when it was read
    elif "propertyNames" in error.absolute_schema_path:
        # The path is that of the mapping, and the value is the key that is wrong.
        yield Problem(source.key_place(*path, value), _message(error), check)
    elif kind == "required":
        missing = next(key for key in wanted if f"'{key}'" in error.message)
        if not _is_mistyped(missing, value, error.schema):
            yield Problem(source.key_place(*path), f"key {missing!r} is missing", check)
    else:
        yield Problem(source.place(*path), _message(error), check)


def _is_mistyped(missing: str, data: Mapping[str, Any], schema: Any) -> bool:
    """Tell whether a key that is refused was to be the missing one, which is told of that one."""
    refused = schema.get("additionalProperties") is False
    return refused and any(did_you_mean(key, [missing]) for key, _ in _unknown(data, schema))


def _unknown(data: Mapping[str, Any], schema: Any) -> Iterator[tuple[str, str]]:
    """Yield each key that the schema does not have, and what is to be said of it.

    Keys that follow one without a value were to stand below it, which is told of that one.
    """
    known: Mapping[str, Any] = schema.get("properties", {})
    patterns = schema.get("patternProperties", {})
    before, is_lost = "", False
    for key, value in data.items():
        if key in known:
            wanted = known[key].get("type") if isinstance(known[key], dict) else None
            is_lost = value is None and wanted in ("object", "array")
        elif any(re.search(pattern, key) for pattern in patterns):
            is_lost = False
        elif before and key.isdecimal() and value is None and isinstance(data[before], int):
            yield key, f"unknown key {key!r}; a number has a point, not a comma: {data[before]}.{key}"
        elif not is_lost:
            near = did_you_mean(key, known)
            if key.partition(":")[0] in known:
                near = "; a space is missing after ':'"
            yield key, f"unknown key {key!r}{near}"
        before = key


def _message(error: ValidationError) -> str:
    shown = _shown(error.instance)
    wanted: Any = error.validator_value
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, dict) else {}
    match error.validator:
        case "enum":
            allowed = [str(value) for value in wanted]
            return f"{shown} is not one of {', '.join(allowed)}{did_you_mean(str(error.instance), allowed)}"
        case "type":
            names = [wanted] if isinstance(wanted, str) else wanted
            hint = schema.get("patternErrorMessage") if isinstance(error.instance, int | Decimal) else None
            text = hint or f"is not {' or '.join(_TYPES.get(name, f'a {name}') for name in names)}"
            return f"{shown} {text}{advice(error.instance, names, schema)}"
        case "pattern":
            text = schema.get("patternErrorMessage") or f"does not match {wanted}"
            return f"{shown} {text}{advice(error.instance, ['string'], schema)}"
        case "minItems" | "minProperties" | "minLength":
            return "must not be empty"
    return _DECIMAL.sub(r"\1", error.message)


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
