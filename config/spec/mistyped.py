"""What was probably meant by a value of the wrong type: the end of a sentence, or nothing."""

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from config.spec.duration import PATTERN, Duration

_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)"
_TRUE, _FALSE = ("true", "yes", "on", "y", "1"), ("false", "no", "off", "n", "0")
_UNITS = {"s": ("second", "sec"), "m": ("minute", "min"), "h": ("hour", "hr"), "d": ("day",), "w": ("week",)}
_UNIT_OF = {word + end: unit for unit, words in _UNITS.items() for word in words for end in ("", "s")}


def advice(value: Any, wanted: Collection[str], schema: Mapping[str, Any]) -> str:
    """Return `; write …` for a value that is none of the JSON types `wanted`, where it is clear."""
    if isinstance(value, list | dict) or value is None:
        return _of_structure(value, wanted)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if "boolean" in wanted:
        return _of_truth(text.lower())
    if "number" in wanted or "integer" in wanted:
        return _of_number(text) if isinstance(value, str) else ""
    if "array" in wanted:
        return f"; write [{text}]" if len(text) <= 60 and text.isprintable() else ""
    if "string" not in wanted:
        return ""
    if schema.get("pattern", "").startswith(r"^(?=\d)"):
        return _of_duration(text)
    return f'; write "{text}"' if not isinstance(value, str) else ""


def _of_structure(value: Any, wanted: Collection[str]) -> str:
    if value is None and ("object" in wanted or "array" in wanted):
        return "; indent what belongs below it"
    if isinstance(value, list) and "object" in wanted:
        return "; write its keys without '- '" if value else "; write {}"
    if isinstance(value, dict) and "array" in wanted:
        return "; begin each entry with '- '" if value else "; write []"
    return ""


def _of_truth(text: str) -> str:
    if text in ("true", "false"):
        return "; leave the quotes out"
    return "; write true" if text in _TRUE else "; write false" if text in _FALSE else ""


def _of_number(text: str) -> str:
    """Say how a number is written; nothing in YAML 1.2 but a plain number is one."""
    text = text.strip()
    if re.fullmatch(r"[-+]?\d+,\d+", text, re.ASCII):
        return f"; a number has a point, not a comma: {text.replace(',', '.')}"
    if found := re.fullmatch(rf"({_NUMBER})\s*%", text, re.ASCII):
        return f"; write {(Decimal(found[1]) / 100).normalize():f}"
    plain = re.sub(r"^([-+]?)0+(?=\d)", r"\1", text.replace("_", ""))
    if re.fullmatch(rf"{_NUMBER}(?:[eE][-+]?\d+)?", plain, re.ASCII):
        return "; leave the quotes out" if plain == text else f"; write {plain}"
    if re.match(PATTERN, text, re.ASCII) and len(text) < 10:
        return f"; {text} is {Duration.parse(text).seconds:g} seconds"
    if re.fullmatch(r"[-+]?\.?(?:inf|nan)", text.lower()):
        return "; it must be finite"
    if re.fullmatch(rf"[<>=]*\s*{_NUMBER}\s*[a-zA-Z/]*", text, re.ASCII):
        return "; write the number alone"
    return " but text"


def _of_duration(text: str) -> str:
    found = re.fullmatch(r"(\d{1,9})\s*([a-zA-Z]*)", text.strip(), re.ASCII)
    if not found:
        return ""
    number, unit = found[1], found[2].lower()
    if not unit:
        return f"; write {number}m or {number}s"
    short = _UNIT_OF.get(unit, unit)
    return f"; write {number}{short}" if short in (*_UNITS, "ms", "y") else ""
