"""YAML text to data and places, for good text and for every kind of bad one."""

from decimal import Decimal
from pathlib import Path

import pytest

from config.spec.problem import Place
from config.spec.source import parse, read


def messages(text: str) -> list[str]:
    return [str(problem) for problem in parse(text, "x.yaml")[1]]


def test_scalars_follow_yaml_1_2() -> None:
    source, problems = parse("[10:30, on, no, 0640, 2026-01-01, 1.50, 12, true, ~, 1_000, 0o17]", "x.yaml")
    assert problems == []
    assert source.data == [
        "10:30", "on", "no", "0640", "2026-01-01", Decimal("1.50"), 12, True, None, "1_000", "0o17",
    ]  # fmt: skip


def test_keys_and_values_know_their_places() -> None:
    source, _ = parse("a:\n  - b: 1\n    c: 2\n", "x.yaml")
    assert source.place("a", 0, "c") == Place("x.yaml", 3, 8)
    assert source.key_place("a", 0, "c") == Place("x.yaml", 3, 5)


def test_a_missing_path_has_the_place_of_its_nearest_parent() -> None:
    source, _ = parse("a:\n  b: 1\n", "x.yaml")
    assert source.place("a", "nowhere", "at all") == Place("x.yaml", 2, 3)
    assert source.place("gone") == Place("x.yaml", 1, 1)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("a: 1\na: 2", "x.yaml:2:1: key 'a' is given twice [yaml/duplicate-key]", id="twice"),
        pytest.param("a: &b [*b]", "x.yaml:1:4: an alias contains itself [yaml/recursion]", id="recursion"),
        pytest.param("", "x.yaml:1:1: the file is empty [yaml/empty]", id="empty"),
        pytest.param("# only a remark\n", "x.yaml:1:1: the file is empty [yaml/empty]", id="remark only"),
        pytest.param("? [a]\n: 1", "x.yaml:1:3: a key must be plain text [yaml/key]", id="list as key"),
        pytest.param(
            "a: !!int x", "x.yaml:1:4: 'x' is not a number that can be read [yaml/number]", id="no number"
        ),
        pytest.param(
            "a: " + "9" * 5000,
            f"x.yaml:1:4: {'9' * 40!r} is not a number that can be read [yaml/number]",
            id="huge",
        ),
        pytest.param(
            "a: 1e999", "x.yaml:1:4: '1e999' is not a number that can be read [yaml/number]", id="vast"
        ),
        pytest.param(
            "a: 0e-999", "x.yaml:1:4: '0e-999' is not a number that can be read [yaml/number]", id="tiny"
        ),
        pytest.param(
            'a: "x\\e[31m"',
            "x.yaml:1:4: the text has the character U+001B, which nobody sees; remove it [yaml/character]",
            id="escape sequence of a terminal",
        ),
        pytest.param(
            "a: x\u202ey",
            "x.yaml:1:4: the text has the character U+202E, which nobody sees; remove it [yaml/character]",
            id="right to left",
        ),
        pytest.param(
            "a\u200b: x",
            "x.yaml:1:1: the text has the character U+200B, which nobody sees; remove it [yaml/character]",
            id="key with a blank of no width",
        ),
        pytest.param("---\n", "x.yaml:1:1: the file is empty [yaml/empty]", id="empty document"),
        pytest.param("null\n", "x.yaml:1:1: the file is empty [yaml/empty]", id="null"),
        pytest.param(
            "a: !!bool maybe", "x.yaml:1:4: 'maybe' is not true or false [yaml/number]", id="bool tag"
        ),
        pytest.param("a: !!null x", "x.yaml:1:4: 'x' is not empty [yaml/number]", id="null tag"),
        pytest.param(
            "a: !!set {b: 1}",
            "x.yaml:1:4: tag '!!set' is not supported; leave it out [yaml/tag]",
            id="tag of a mapping",
        ),
        pytest.param(
            "a: !!python/object/apply:os.system [b]",
            "x.yaml:1:4: tag '!!python/object/apply:os.system' is not supported; leave it out [yaml/tag]",
            id="tag of a list",
        ),
        pytest.param(
            "a: &x {b: 1}\nc: {<<: *x}",
            "x.yaml:2:5: merge keys (<<) are not supported; write the keys out [yaml/merge]",
            id="merge",
        ),
        pytest.param(
            "!!python/object:os.system x",
            "x.yaml:1:1: tag '!!python/object:os.system' is not supported; leave it out [yaml/tag]",
            id="tag",
        ),
    ],
)
def test_bad_text_gives_a_problem_at_its_place(text: str, problem: str) -> None:
    assert messages(text) == [problem]


@pytest.mark.parametrize("depth", [101, 500, 100_000])
@pytest.mark.parametrize(
    ("opened", "closed", "column"), [("[", "]", 101), ("{a: ", "}", 401), ("- ", "", 201)]
)
def test_deep_nesting_is_refused_and_not_a_crash(depth: int, opened: str, closed: str, column: int) -> None:
    assert messages(opened * depth + "1" + closed * depth) == [
        f"x.yaml:1:{column}: nested deeper than 100 levels [yaml/nesting]"
    ]


def test_nesting_of_a_hundred_levels_is_read() -> None:
    assert messages("[" * 100 + "]" * 100) == []


def test_aliases_that_multiply_are_refused() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)]
    assert messages("\n".join(lines)) == [
        "x.yaml:1:1: aliases make more than 100000 values of it; write them out [yaml/size]"
    ]


def test_what_is_laid_over_has_its_own_place_and_the_rest_keeps_its() -> None:
    below, _ = parse("a:\n  b: 1\n  c: [2, 3]\n", "below.yaml")
    above, _ = parse("x:\n  a: {c: [4], d: {e: 5}}\n", "above.yaml")
    source = below.under(above, "x")
    assert source.data == {"a": {"b": 1, "c": [4], "d": {"e": 5}}}
    assert source.place("a", "b") == Place("below.yaml", 2, 6)
    assert source.key_place("a") == Place("below.yaml", 1, 1)
    assert source.place("a", "c", 0) == Place("above.yaml", 2, 11)
    assert source.key_place("a", "d", "e") == Place("above.yaml", 2, 19)
    assert below.data == {"a": {"b": 1, "c": [2, 3]}}


def test_a_file_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_bytes(b"a: \xff")
    assert [str(p) for p in read(file, "x.yaml")[1]] == [
        "x.yaml:1:4: not UTF-8: byte 0xff; save the file as UTF-8 [yaml/encoding]"
    ]


def test_a_file_in_utf_16_is_named_so(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("a: 1\n", "utf-16")
    assert [str(p) for p in read(file, "x.yaml")[1]] == [
        "x.yaml:1:1: not UTF-8: it is UTF-16; save it as UTF-8 [yaml/encoding]"
    ]


def test_a_byte_order_mark_of_utf_8_and_any_line_end_are_read(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    for end in (b"\n", b"\r\n", b"\r"):
        file.write_bytes(b"\xef\xbb\xbf" + end.join([b"a: 1", b"b: 2", b""]))
        source, problems = read(file, "x.yaml")
        assert (source.data, problems) == ({"a": 1, "b": 2}, [])
        assert source.key_place("b") == Place("x.yaml", 2, 1)


def test_what_never_ends_is_refused() -> None:
    assert [str(p) for p in read(Path("/dev/zero"), "zero.yaml")[1]] == [
        "zero.yaml:1:1: is larger than 32000000 bytes [yaml/size]"
    ]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert [str(p) for p in read(tmp_path / "gone.yaml", "gone.yaml")[1]] == [
        "gone.yaml:1:1: there is no such file [yaml/unreadable]"
    ]
