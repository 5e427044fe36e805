"""A value of the wrong type or form, and what is said that was probably meant."""

import json
from typing import Any

import pytest

from config.spec.names import did_you_mean
from config.spec.schema import load_schema, validate
from config.spec.source import parse
from tests.bundle_of import BUNDLE

DURATION = json.loads((BUNDLE.parents[1] / "config/schemas/alerts.schema.json").read_text())["properties"][
    "alerts"
]["additionalProperties"]["properties"]["detect_within"]


def messages(text: str, schema: dict[str, Any], folder: Any) -> list[str]:
    file = folder / "x.schema.json"
    file.write_text(json.dumps(schema))
    source, problems = parse(text, "x")
    assert problems == []
    return [problem.message for problem in validate(source, load_schema(file))]


@pytest.mark.parametrize(
    ("value", "wanted", "told"),
    [
        ("0,10", "number", "'0,10' is not a number; a number has a point, not a comma: 0.10"),
        ("5%", "number", "'5%' is not a number; write 0.05"),
        ("12.5 %", "number", "'12.5 %' is not a number; write 0.125"),
        ("200%", "number", "'200%' is not a number; write 2"),
        ("1_000", "number", "'1_000' is not a number; write 1000"),
        ("0640", "integer", "'0640' is not a whole number; write 640"),
        ("-007", "integer", "'-007' is not a whole number; write -7"),
        ('"0.05"', "number", "'0.05' is not a number; leave the quotes out"),
        ("10:30", "number", "'10:30' is not a number but text"),
        ("on", "number", "'on' is not a number but text"),
        ("5m", "number", "'5m' is not a number; 5m is 300 seconds"),
        ("100 USDT", "number", "'100 USDT' is not a number; write the number alone"),
        ('"> 5"', "number", "'> 5' is not a number; write the number alone"),
        (".inf", "number", "'.inf' is not a number; it must be finite"),
        (".NaN", "number", "'.NaN' is not a number; it must be finite"),
        ("true", "number", "true is not a number"),
        ("9999999999y", "number", "'9999999999y' is not a number; write the number alone"),
        ("yes", "boolean", "'yes' is not true or false; write true"),
        ("Off", "boolean", "'Off' is not true or false; write false"),
        ('"true"', "boolean", "'true' is not true or false; leave the quotes out"),
        ("1", "boolean", "1 is not true or false; write true"),
        ("maybe", "boolean", "'maybe' is not true or false"),
        ("12", "string", '12 is not text; write "12"'),
        ("false", "string", 'false is not text; write "false"'),
        ("", "string", "an empty value is not text"),
        ("", "object", "an empty value is not a mapping; indent what belongs below it"),
        ("[a: 1]", "object", "a list is not a mapping; write its keys without '- '"),
        ("{a: 1}", "array", "a mapping is not a list; begin each entry with '- '"),
        ("a", "array", "'a' is not a list; write [a]"),
        ('"a\\nb"', "array", "'a\\nb' is not a list"),
    ],
)
def test_a_value_of_the_wrong_type_is_told_with_what_to_write(
    value: str, wanted: str, told: str, tmp_path: Any
) -> None:
    assert messages(f"a: {value}", {"properties": {"a": {"type": wanted}}}, tmp_path) == [told]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("5", "5 is not a duration such as 30s, 5m or 1h30m; write 5m or 5s"),
        ('"5"', "'5' is not a duration such as 30s, 5m or 1h30m; write 5m or 5s"),
        ("5 m", "'5 m' is not a duration such as 30s, 5m or 1h30m; write 5m"),
        ("5min", "'5min' is not a duration such as 30s, 5m or 1h30m; write 5m"),
        ("2 Hours", "'2 Hours' is not a duration such as 30s, 5m or 1h30m; write 2h"),
        ("3 months", "'3 months' is not a duration such as 30s, 5m or 1h30m"),
        ("0.5h", "'0.5h' is not a duration such as 30s, 5m or 1h30m"),
        ("0.5", "0.5 is not a duration such as 30s, 5m or 1h30m"),
        ("true", "true is not a duration such as 30s, 5m or 1h30m"),
        ("[5m]", "a list is not text"),
    ],
)
def test_what_is_no_duration_is_told_with_one(value: str, told: str, tmp_path: Any) -> None:
    assert messages(f"a: {value}", {"properties": {"a": DURATION}}, tmp_path) == [told]


KEYS = {
    "properties": {"above": {"type": "number"}, "for": {"type": "string"}, "levels": {"type": "object"}},
    "required": ["for"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{fro: 5m}", ["unknown key 'fro'; did you mean 'for'?"]),
        ("{FOR: 5m}", ["unknown key 'FOR'; did you mean 'for'?"]),
        ("{duration: 5m}", ["key 'for' is missing", "unknown key 'duration'"]),
        ("{for: 5m, above: 0,10}", ["unknown key '10'; a number has a point, not a comma: 0.10"]),
        ("{for: 5m, above:0.10}", ["unknown key 'above:0.10'; a space is missing after ':'"]),
        (
            "for: 5m\nlevels:\nwarning: {}\ncritical: {}\nabove: 1\nlast: 1",
            [
                "an empty value is not a mapping; indent what belongs below it",
                "unknown key 'last'",
            ],
        ),
        ("{<<: {for: 5m}}", []),
    ],
)
def test_one_mistake_of_a_key_is_one_problem(text: str, told: list[str], tmp_path: Any) -> None:
    file = tmp_path / "x.schema.json"
    file.write_text(json.dumps(KEYS))
    source, _ = parse(text, "x")
    assert [problem.message for problem in validate(source, load_schema(file))] == told


def test_a_key_that_may_stand_there_excuses_no_missing_one(tmp_path: Any) -> None:
    schema = {"properties": {"for": True, "to": True}, "required": ["for"]}
    assert messages("{fro: 5m, to: 1}", schema, tmp_path) == ["key 'for' is missing"]


@pytest.mark.parametrize(
    ("name", "known", "near"),
    [
        ("raito", ["ratio", "rate"], "; did you mean 'ratio'?"),
        ("RATIO", ["ratio", "rate"], "; did you mean 'ratio'?"),
        ("gauge", ["age"], ""),
        ("order", ["order_failure_ratio"], ""),
        ("order_failure", ["order_failure_ratio"], "; did you mean 'order_failure_ratio'?"),
        ("warn", ["warning"], "; did you mean 'warning'?"),
        (
            "k\u0456nd",
            ["kind"],
            "; did you mean 'kind'? U+0456 is cyrillic small letter byelorussian-ukrainian i",
        ),
        ("", ["a"], ""),
    ],
)
def test_a_name_is_guessed_only_when_it_is_near(name: str, known: list[str], near: str) -> None:
    assert did_you_mean(name, known) == near
