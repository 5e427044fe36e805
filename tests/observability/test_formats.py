"""Ids of problems, and how problems are printed for machines."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.spec.problem import Place, Problem, Related
from config.spec.source import parse
from observability.__main__ import main
from observability.explain import FAMILIES, explanation
from observability.formats import FORMATS, as_github, as_json, as_sarif
from observability.report import as_text

AT, OTHER = Place("config/a.yaml", 2, 3), Place("config/b.yaml", 4, 5)
PROBLEMS = [
    Problem(OTHER, "100% wrong\nand more", "promtool/test", "warning"),
    Problem(AT, "a, b: c", "name_unique", related=(Related(OTHER, "the other one"),)),
]


def ids_in_the_source(root: Path) -> Iterator[str]:
    """Yield each id with a slash that the source gives to a problem."""
    for package in ("config/spec", "observability"):
        for file in (root / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and re.fullmatch(r"[a-z]+/[a-z-]+", str(node.value)):
                    yield str(node.value)


def test_every_family_is_in_use_and_explained(root: Path) -> None:
    families = {name.partition("/")[0] for name in ids_in_the_source(root)}
    assert set(FAMILIES) - {"schema", "dashboard"} <= families
    for family, text in FAMILIES.items():
        assert explanation(f"{family}/x") == text
        assert re.search(r"\n\nWhy: .+\nFix: ", text), family


@pytest.mark.parametrize("name", ["promtol/test", "allowed", "schemas/pattern"])
def test_an_unknown_id_is_told(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", name]) == 2
    assert f"no check named {name!r}" in capsys.readouterr().err


def test_a_family_is_explained_to_the_user(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "schema/pattern"]) == 0
    assert "config/schemas/<kind>.schema.json" in capsys.readouterr().out


def test_machines_get_problems_in_the_order_of_their_places() -> None:
    first, second = json.loads(as_json(PROBLEMS, {}))
    assert first == {
        "path": "config/a.yaml",
        "line": 2,
        "column": 3,
        "severity": "error",
        "check": "name_unique",
        "message": "a, b: c",
        "related": [{"path": "config/b.yaml", "line": 4, "column": 5, "message": "the other one"}],
    }
    assert (second["severity"], second["message"]) == ("warning", "100% wrong\nand more")


def test_github_gets_one_line_for_each() -> None:
    assert as_github(PROBLEMS, {}).splitlines() == [
        "::error file=config/a.yaml,line=2,col=3,title=name_unique::a, b: c",
        "::warning file=config/b.yaml,line=4,col=5,title=promtool/test::100%25 wrong%0Aand more",
    ]


def test_sarif_explains_each_rule_also_of_a_family() -> None:
    run = json.loads(as_sarif(PROBLEMS, {}))["runs"][0]
    rules = {rule["id"]: rule["shortDescription"]["text"] for rule in run["tool"]["driver"]["rules"]}
    assert rules["promtool/test"].startswith("Prometheus' own tool refuses")
    assert rules["name_unique"].startswith("No two things share a name")
    assert [result["level"] for result in run["results"]] == ["error", "warning"]


@pytest.mark.parametrize("form", FORMATS)
def test_no_problems_are_well_formed_too(form: str) -> None:
    text = FORMATS[form]([], {})
    assert text == "" if form in ("text", "github") else json.loads(text) is not None


def test_nothing_that_is_told_speaks_to_the_terminal() -> None:
    source, _ = parse("a: \x1b[31m\u202eb\u2066\tc\n", "x\x1b.yaml")
    problem = Problem(Place(source.path, 1, 4), "bad \x9b text", "yaml/syntax")
    assert as_text([problem], {source.path: source}) == (
        "x\ufffd.yaml:1:4: bad \ufffd text [yaml/syntax]\n    a: \ufffd[31m\ufffdb\ufffd\tc\n       ^\n"
    )
