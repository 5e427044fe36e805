"""The word `json` of scripts: what it finds, what it refuses, in each awk and shell of this machine."""

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

LIBRARY = Path(__file__).parents[2] / "observability" / "templates" / "json.sh"
AWKS = [name for name in ("mawk", "gawk", "original-awk", "busybox") if shutil.which(name)]
SHELLS = ("dash", "bash")


@pytest.fixture(params=AWKS)
def awk(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A PATH on which awk is this one."""
    found = shutil.which(request.param)
    assert found is not None
    (tmp_path / "awk").symlink_to(found)
    return f"{tmp_path}:/usr/bin:/bin"


def ask(path: str, text: str, *words: str, shell: str = "dash") -> tuple[int, str, str]:
    command = (shell, "-c", f'. "{LIBRARY}"; json "$@"', shell, *words)
    told = subprocess.run(
        command, input=text.encode(), env={"PATH": path}, capture_output=True, check=False, timeout=60
    )
    return told.returncode, told.stdout.decode(), told.stderr.decode()


ORDERS = """{"data": {"orders": [{"id": 1745839584339562496, "on": true, "at": 1.50},
    {"id": "", "at": null}, {}]}}"""
FOUND = [
    (ORDERS, (".data.orders[0].id",), "1745839584339562496\n"),
    (ORDERS, (".data.orders[1].at",), "null\n"),
    (ORDERS, (".data.orders[].at",), "1.50\nnull\n"),
    (
        ORDERS,
        (".data.orders[]", ".id", ".on", ".at"),
        "1745839584339562496\ttrue\t1.50\n-\t-\tnull\n-\t-\t-\n",
    ),
    (ORDERS, (".data.orders[2]",), "{}\n"),
    ('{"a": {"x": [1], "y": "b"}}', (".a[]",), "[1]\nb\n"),
    ('{"a": {"b": 1}, "a": {"c": 2}, "a": 3}', (".a",), "3\n"),
    ('{"code": 0, "msg": "no"}', (".", ".code", ".msg"), "0\tno\n"),
    ("[[1, 2], [3]]", ("[][]",), "1\n2\n3\n"),
    ("[[1, 2], [3]]", ("[0]",), "[1,2]\n"),
    (' "x" ', (".",), "x\n"),
    ("-0.5e+10", (".",), "-0.5e+10\n"),
    ('{"a": ""}', (".a",), "\n"),
    (r'{"\u0061\"b": 1}', ('.a"b',), "1\n"),
    ('{"1": "one", "1.0": "other"}', (".1",), "one\n"),
]
NOT_THERE = [("{}", ".a"), ("[]", "[]"), ("[1]", "[1]"), ('{"a": [1]}', ".a.b"), ('{"a": {"0": 1}}', ".a[0]")]
NOT_THERE += [('{"a": {"b": 1}, "a": 2}', ".a.b"), ("7", ".a"), ('"a"', "[]")]
BAD = [
    "",
    " ",
    "{",
    "[",
    '{"a"}',
    '{"a" 1}',
    '{"a":}',
    '{"a":1',
    '{"a":1]',
    "[1,]",
    "[,1]",
    '{"a":1,}',
    "{,}",
    "[1 2]",
    "01",
]
BAD += [
    "1.",
    ".5",
    "+1",
    "1e",
    "nul",
    "truefalse",
    "NaN",
    "'a'",
    '"a',
    '"a\nb"',
    '"\t"',
    r'"\x"',
    r'"\u12g4"',
    r'"\u12"',
]
BAD += ["1 2", "{} {}", "[]]", "}", ":", ",", '"a" "b"', "{1: 2}", '{"a":1}x', "[" * 300 + "]" * 300]


def test_what_it_finds(awk: str) -> None:
    for shell in SHELLS:
        for text, words, wanted in FOUND:
            assert ask(awk, text, *words, shell=shell) == (0, wanted, ""), (text, words)


def test_what_is_not_there_is_nothing_and_1(awk: str) -> None:
    for text, path in NOT_THERE:
        assert ask(awk, text, path) == (1, "", ""), (text, path)


def test_what_is_no_json_is_2_and_a_word_about_it(awk: str) -> None:
    for text in BAD:
        # The value is found before the mistake, and not printed all the same.
        code, out, said = ask(awk, text, ".a") if text.startswith("{") else ask(awk, text, ".")
        assert (code, out, said[:6], said.count("\n")) == (2, "", "json: ", 1), text


def test_a_word_about_bad_input_quotes_nothing_of_it(awk: str) -> None:
    assert "secret" not in "".join(map(str, ask(awk, '{"a": secret}', ".a")))
    assert "line 3" in ask(awk, '{"a":\n1,\nsecret', ".a")[2]


@pytest.mark.parametrize("path", ["", "a", "..a", ".a[", ".a[x]", ".a]", ".a[-1]", "-f"])
def test_what_is_no_path_is_2(path: str) -> None:
    code, out, said = ask("/usr/bin:/bin", "{}", path)
    assert (code, out, bool(said)) == (2, "", True)


def test_a_field_is_one_value() -> None:
    code, _, said = ask("/usr/bin:/bin", "[]", "[]", ".a[]")
    assert (code, "no path of a field" in said) == (2, True)


LETTERS = [
    "a",
    '"',
    "\\",
    "\n",
    "\t",
    "\r",
    "\x00",
    "\x1b",
    "\x7f",
    "/",
    "é",
    "€",
    "😀",
    "\ud800",
    "%s",
    "u0041",
]


def test_a_text_is_one_line_that_printf_gives_back(awk: str) -> None:
    for letters in (LETTERS, *([letter] for letter in LETTERS)):
        text = "".join(letters)
        code, out, _ = ask(awk, json.dumps({"a": text}), ".a")
        assert (code, out.count("\n"), out.isprintable() or out[:-1].isprintable()) == (0, 1, True)
        told = subprocess.run(
            ("bash", "-c", 'printf "%b" "$1"', "bash", out[:-1]), capture_output=True, check=True
        )
        assert told.stdout.decode() == text.replace("\ud800", "\ufffd")


def test_half_a_letter_beside_others(awk: str) -> None:
    for text, wanted in (
        (r"\ud83d\ud83d\ude00", "\ufffd😀"),
        (r"\ude00x", "\ufffdx"),
        (r"\ud83d\n", "\ufffd\\n"),
    ):
        assert ask(awk, f'"{text}"', ".")[1] == f"{wanted}\n"


def test_whatever_python_writes_comes_back(awk: str) -> None:
    chance = random.Random(1)
    for _ in range(10):
        value = [made(chance, 4)]
        code, out, said = ask(awk, json.dumps(value, indent=chance.choice((None, 2))), ".")
        assert (code, json.loads(out), said) == (0, value, "")
        assert out.count("\n") == 1


def made(chance: random.Random, depth: int) -> Any:
    kind = chance.randrange(7 if depth else 5)
    if kind < 5:
        return (None, True, chance.randrange(-(10**18), 10**18), chance.random() * 10**-8, words(chance))[
            kind
        ]
    if kind == 5:
        return [made(chance, depth - 1) for _ in range(chance.randrange(5))]
    return {words(chance): made(chance, depth - 1) for _ in range(chance.randrange(5))}


def words(chance: random.Random) -> str:
    return "".join(chance.choices("ab{}[]:,\"' \n", k=chance.randrange(8)))


def test_a_long_line_is_read(awk: str) -> None:
    """One that is read in a time that grows with its square would not end here."""
    value = {
        "s": '"\n\\' * 5_000,
        "n": list(range(4_000)),
        "o": [{"id": n, "t": "LIMIT"} for n in range(500)],
    }
    text = json.dumps(value)
    assert ask(awk, text, ".o[]", ".id", ".t")[1] == "".join(f"{n}\tLIMIT\n" for n in range(500))
    assert json.loads(ask(awk, text, ".")[1]) == value
    assert ask(awk, text, ".s")[1] == '"\\n\\\\' * 5_000 + "\n"
