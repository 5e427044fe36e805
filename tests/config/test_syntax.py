"""What YAML forbids, told in plain words at the place where it is to be mended."""

import pytest

from config.spec.source import parse


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param('a: "x\nb: 1\n', "1:4: this quote is never closed", id="open quote"),
        pytest.param("a: 1\nb: 'x\nc: 1\n", "2:4: this quote is never closed", id="open single quote"),
        pytest.param(
            'a: "x\nb: "y"\nc: 1\n',
            "1:4: this quote is closed only in line 2",
            id="quote that takes the next",
        ),
        pytest.param(
            "a:\n  b: 'it's'\n",
            '2:10: a text that begins with "\'" needs quotes around all of it',
            id="apostrophe",
        ),
        pytest.param("a: {b: 1\nc: 2\n", "1:4: this '{' is not closed", id="open brace"),
        pytest.param("a: [1,\n2\nb: 3", "1:4: this '[' is not closed", id="open bracket"),
        pytest.param("a: {b: [1, 2}\n", "1:13: a ',' or ']' is missing before this", id="wrong bracket"),
        pytest.param("a:\n\tb: 1\n", "2:1: a tab; indent with spaces", id="tab"),
        pytest.param("a:\n  \tb: 1\n", "2:3: a tab; indent with spaces", id="tab behind spaces"),
        pytest.param("a: 1\n\tb: 1\n", "2:1: a tab; indent with spaces", id="tab below a value"),
        pytest.param("a: |\n x\n\ty\n", "3:1: a tab; indent with spaces", id="tab in a block"),
        pytest.param(
            "a: {x} y\nb: 1\n",
            "1:8: a text that begins with '{' needs quotes around all of it",
            id="placeholder first",
        ),
        pytest.param("a: @x\n", "1:4: a text that begins with '@' needs quotes", id="at"),
        pytest.param("a: %x\n", "1:4: a text that begins with '%' needs quotes", id="percent"),
        pytest.param("a: *x\n", "1:4: a text that begins with '*' needs quotes", id="star"),
        pytest.param(
            "a: b: c\n",
            "1:5: a ':' cannot stand here: quote the text, or mend the indentation or the line above",
            id="colon in text",
        ),
        pytest.param(
            "a: x\n<<<<<<< HEAD\nb: 1\n=======\n",
            "2:1: a mark of a merge that is not finished; keep one side and remove the marks",
            id="merge conflict",
        ),
        pytest.param(
            "a: 1\nb:\xa02\nc: 3\n",
            "2:1: the line has a blank that is no space (U+00A0); type it anew",
            id="no-break space",
        ),
        pytest.param(
            "a: 1\n\ufeff  b: 2\n",
            "2:4: the line has a blank that is no space (U+FEFF); type it anew",
            id="byte order mark inside",
        ),
        pytest.param("a: 1\nb 2\nc: 3\n", "2:1: no ': ' after this key", id="no colon"),
        pytest.param(
            'a: "\\d"\n', "1:5: no such escape; double the backslash, or use single quotes", id="escape"
        ),
        pytest.param("a: 1\nb: x\0y", "2:5: control characters are not allowed (U+0000)", id="NUL"),
        pytest.param("a: 1\nb: x\x9by", "2:5: control characters are not allowed (U+009B)", id="C1"),
        pytest.param("a: 1\n---\nb: 1\n", "2:1: a second document begins here; a file holds one", id="two"),
    ],
)
def test_a_mistake_is_told_in_plain_words_where_it_is(text: str, told: str) -> None:
    assert [str(problem) for problem in parse(text, "x")[1]] == [f"x:{told} [yaml/syntax]"]


def test_what_has_no_words_of_ours_is_told_in_those_of_the_parser() -> None:
    assert [str(problem) for problem in parse("%YAML 2.0\n---\na: 1\n", "x")[1]] == [
        "x:1:1: found incompatible YAML document [yaml/syntax]"
    ]
