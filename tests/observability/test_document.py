"""YAML by our own events is, letter by letter, what PyYAML makes of the same data."""

import random
from typing import Any

import pytest
import yaml

from observability.render.document import to_yaml

TEXTS = (
    *(
        "yes",
        "on",
        "~",
        "",
        "null",
        "=",
        "<<",
        "1e3",
        "0x1f",
        "012",
        "1_000",
        "12:30",
        "2026-01-01",
        ".5",
        "-",
    ),
    *(
        "- a",
        "a: b",
        "a #b",
        "a:",
        "? a",
        "!a",
        "&a",
        "*a",
        "%a",
        "@a",
        "`a",
        "'a'",
        '"a"',
        "[a]",
        "{a}",
        "|",
    ),
    *(
        "two\nlines",
        "two\nlines\n",
        "\n",
        "\n\n",
        " in\nfront",
        "at the end \nx",
        "tab\tand\n\ttab",
        "a\r\nb",
    ),
    *("{{ $value | humanizePercentage }} of orders", "0+0x240 1+1x14 _x3", "é", "\u2028", "\x07", "\ufeff"),
    *("word " * 60, "w" * 200, "a\n" + "word " * 60, " a", "a "),
)


class Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def text(dumper: Dumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


Dumper.add_representer(str, text)


def dumped(data: Any) -> str:
    return str(yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=110))


def made(data: Any) -> str:
    return to_yaml("x", data).partition("\n")[2]


def anything(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.randrange(8 if depth < 4 else 6)
    if kind == 6:
        return [anything(chance, depth + 1) for _ in range(chance.randrange(4))]
    if kind == 7:
        return {chance.choice(TEXTS): anything(chance, depth + 1) for _ in range(chance.randrange(4))}
    return chance.choice([None, True, False, 0, 1, -7, 1.5, 1e30, 10**20, *TEXTS])


@pytest.mark.parametrize("one", [*TEXTS, None, True, 1, 0, False, 1.0, -0.5, 1e300])
def test_every_scalar_is_written_as_it_would_be(one: Any) -> None:
    for data in (one, [one], {"key": one}, {"key": [one, [one]]}):
        assert made(data) == dumped(data)


@pytest.mark.parametrize("key", TEXTS)
def test_every_key_is_written_as_it_would_be(key: str) -> None:
    shapes: list[Any] = [{key: "value"}, {"outer": {key: []}}, [{key: {}}]]
    for data in shapes:
        assert made(data) == dumped(data)


@pytest.mark.parametrize("seed", range(300))
def test_any_data_is_written_as_it_would_be(seed: int) -> None:
    data = anything(random.Random(seed))
    assert made(data) == dumped(data)


def test_what_yaml_has_no_word_for_is_refused() -> None:
    with pytest.raises(yaml.representer.RepresenterError):
        made({"key": object()})
