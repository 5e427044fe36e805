"""The published schema: what a dashboard may not have, lacks, or has of another type."""

import copy
import json
import os
import random
from collections.abc import Callable, Iterator
from functools import reduce
from operator import getitem
from typing import Any

import pytest

from observability.compile import Request, compile_bundle
from observability.verify import dashboards
from observability.verify.dashboard_schema import misfits
from tests.bundle_of import BUNDLE

COUNT, SEED = int(os.environ.get("FUZZ_COUNT", "60")), int(os.environ.get("FUZZ_SEED", "1"))


@pytest.fixture
def data() -> Any:
    outcome = compile_bundle(Request(config_dir=BUNDLE / "config"))
    assert outcome.files, outcome.problems
    return json.loads(outcome.files["cellar/dashboards/web.json"])


def defaults(data: Any) -> Any:
    return data["panels"][1]["fieldConfig"]["defaults"]


def test_what_is_rendered_is_decoded_and_encoded_without_a_change(data: Any) -> None:
    assert list(misfits(data)) == []


@pytest.mark.parametrize(
    ("spoil", "path"),
    [
        (lambda d: d.update(colour=1), ("colour",)),
        (lambda d: d["time"].update(until="now"), ("time", "until")),
        (lambda d: d["templating"]["list"][0].update(nome="x"), ("templating", "list", 0, "nome")),
        (lambda d: d["annotations"]["list"][0].update(x=1), ("annotations", "list", 0, "x")),
        (lambda d: d["panels"][0].update(x=1), ("panels", 0, "x")),
        (lambda d: d["panels"][1].update(x=1), ("panels", 1, "x")),
        (lambda d: d["panels"][1]["targets"][0].update(x=1), ("panels", 1, "targets", 0, "x")),
        (lambda d: d["panels"][1]["options"].update(x=1), ("panels", 1, "options", "x")),
        (lambda d: d["panels"][2]["options"].update(x=1), ("panels", 2, "options", "x")),
        (lambda d: d["panels"][1]["links"][0].update(x=1), ("panels", 1, "links", 0, "x")),
        (lambda d: defaults(d).update(x=1), ("panels", 1, "fieldConfig", "defaults", "x")),
        (
            lambda d: defaults(d)["custom"].update(x=1),
            ("panels", 1, "fieldConfig", "defaults", "custom", "x"),
        ),
    ],
)
def test_an_unknown_key_is_told(data: Any, spoil: Callable[[Any], None], path: tuple[str | int, ...]) -> None:
    spoil(data)
    assert list(misfits(data)) == [(path, "is not in the schema")]


@pytest.mark.parametrize(
    ("spoil", "path", "said"),
    [
        (lambda d: d.update(refresh=False), ("refresh",), "false is not of type str"),
        (
            lambda d: d["panels"][1]["links"][0].update(targetBlank=3),
            ("panels", 1, "links", 0, "targetBlank"),
            "3 is not of type bool",
        ),
        (lambda d: d.update(version="1"), ("version",), '"1" is not of type int'),
        (lambda d: d["panels"][1].update(type="lines"), ("panels", 1, "type"), "'lines' is no kind of panel"),
        (
            lambda d: d["panels"][1]["gridPos"].update(w=True),
            ("panels", 1, "gridPos", "w"),
            "true is not of type int",
        ),
        (
            lambda d: defaults(d)["thresholds"].update(mode="relative"),
            ("panels", 1, "fieldConfig", "defaults", "thresholds", "mode"),
            '"relative" is not one of "absolute", "percentage"',
        ),
        (
            lambda d: d["panels"][1]["options"]["legend"].update(calcs="max"),
            ("panels", 1, "options", "legend", "calcs"),
            '"max" is not of type list',
        ),
        (
            lambda d: defaults(d)["custom"].update(spanNulls="yes"),
            ("panels", 1, "fieldConfig", "defaults", "custom", "spanNulls"),
            '"yes" is not of type float',
        ),
    ],
)
def test_a_value_of_another_type_is_told(
    data: Any, spoil: Callable[[Any], None], path: tuple[str | int, ...], said: str
) -> None:
    spoil(data)
    assert (path, said) in list(misfits(data))


def test_a_key_that_grafana_would_fill_in_is_told(data: Any) -> None:
    del data["schemaVersion"]
    assert [path for path, _ in misfits(data)] == [("schemaVersion",)]


@pytest.mark.parametrize(
    "broken", [[], "text", None, {"panels": 3}, {"panels": [{"type": "row", "panels": 1}]}]
)
def test_what_is_no_dashboard_at_all_is_told(broken: Any) -> None:
    assert list(misfits(broken))


@pytest.mark.parametrize(("text", "said"), [("{", "is no JSON"), ("[]", "the file is no JSON object")])
def test_a_file_that_is_no_dashboard_is_told_at_its_spec(text: str, said: str) -> None:
    outcome = compile_bundle(Request(config_dir=BUNDLE / "config"))
    assert outcome.project is not None
    found = list(dashboards.verify(outcome.project, {**outcome.files, "cellar/dashboards/web.json": text}))
    assert [one.check for one in found] == ["dashboard/schema"]
    assert said in found[0].message
    assert found[0].place == outcome.project.dashboards["web"].where()


def test_a_misfit_stands_at_its_panel() -> None:
    outcome = compile_bundle(Request(config_dir=BUNDLE / "config"))
    assert outcome.project is not None
    data = json.loads(outcome.files["cellar/dashboards/web.json"])
    data["panels"][2]["targets"][0]["x"] = 1
    found = list(dashboards.verify(outcome.project, {"cellar/dashboards/web.json": json.dumps(data)}))
    assert [(one.place, one.message) for one in found] == [
        (
            outcome.project.dashboards["web"].panels[1].where(),
            "cellar/dashboards/web.json: panels[2].targets[0].x is not in the schema",
        )
    ]


VALUES: tuple[Any, ...] = (None, 0, -1, 1.5, True, "", "x", "$", [], {}, [None], [{}], [[]], {"x": 1}, 10**30)


def ways(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every value in a dashboard."""
    if path:
        yield path
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from ways(value[key], (*path, key))


def sampled(data: Any, tell: Callable[[str, object], None]) -> list[tuple[str | int, ...]]:
    """Return some of the places in a dashboard by chance, and tell how many were left out."""
    places = list(ways(data))
    tried = random.Random(SEED).sample(places, min(COUNT, len(places)))
    tell("sampled", f"{len(tried)} of {len(places)} places tried; FUZZ_COUNT sets how many")
    return tried


def test_no_value_in_any_place_makes_the_judge_fall(
    data: Any, record_property: Callable[[str, object], None]
) -> None:
    outcome = compile_bundle(Request(config_dir=BUNDLE / "config"))
    assert outcome.project is not None
    # Of what is there twice, the first is enough.
    del data["panels"][7], data["panels"][4]
    for *above, last in sampled(data, record_property):
        for value in VALUES:
            spoiled = copy.deepcopy(data)
            reduce(getitem, above, spoiled)[last] = value
            list(dashboards.verify(outcome.project, {"cellar/dashboards/web.json": json.dumps(spoiled)}))
