"""The schema files that Grafana publishes: what they refuse is told. Small files of our own stand in."""

import copy
import json
from collections.abc import Callable
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest

from observability.__main__ import main
from observability.compile import Request, compile_and_verify, compile_bundle
from observability.verify import dashboards
from observability.verify.published_schema import file_of, misfits
from tests.bundle_of import BUNDLE
from tests.observability.test_dashboard_schema import sampled

ANY: dict[str, Any] = {}
CLOSED = {"type": "object", "additionalProperties": False}
FILES: dict[str, dict[str, Any]] = {
    "dashboard": {
        "Dashboard": {
            "required": ["uid"],
            "properties": {"refresh": {"type": "string"}, "version": {"maximum": 9}},
        },
        "Panel": {"properties": {"title": {"$ref": "#/definitions/Title"}}},
        "RowPanel": {"properties": {"collapsed": {"type": "boolean"}}},
        "Title": {"type": "string", "maxLength": 40},
    },
    "timeseries": {
        "Options": {**CLOSED, "properties": {"legend": ANY, "tooltip": ANY}},
        "FieldConfig": {"properties": {"lineWidth": {"anyOf": [{"type": "integer"}, {"const": "thin"}]}}},
    },
    "prometheus": {"Dataquery": {"required": ["expr"]}},
}

OVERRIDE = {
    "properties": {
        "matcher": {"$ref": "#/definitions/MatcherConfig"},
        "properties": {"items": {"$ref": "#/definitions/DynamicConfigValue"}},
    }
}
SOME: tuple[Any, ...] = (None, 0, "x", [], {})


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    for name, definitions in FILES.items():
        (tmp_path / f"{name}.jsonschema.json").write_text(json.dumps({"definitions": definitions}))
    return tmp_path


@pytest.fixture
def data() -> Any:
    outcome = compile_bundle(Request(config_dir=BUNDLE / "config"))
    return json.loads(outcome.files["cellar/dashboards/web.json"])


def test_what_fits_has_no_misfit(data: Any, schemas: Path) -> None:
    assert list(misfits(data, schemas)) == []


@pytest.mark.parametrize(
    ("spoil", "path", "said"),
    [
        (lambda d: d.update(refresh=False), ("refresh",), "False is not of type 'string'"),
        (lambda d: d.update(version=10), ("version",), "10 is greater than the maximum of 9"),
        (lambda d: d.pop("uid"), (), "'uid' is a required property"),
        (
            lambda d: d["panels"][0].update(collapsed=0),
            ("panels", 0, "collapsed"),
            "0 is not of type 'boolean'",
        ),
        (lambda d: d["panels"][1].update(title=1), ("panels", 1, "title"), "1 is not of type 'string'"),
        (
            lambda d: d["panels"][1]["options"].update(x=1),
            ("panels", 1, "options"),
            "Additional properties are not allowed ('x' was unexpected)",
        ),
        (
            lambda d: d["panels"][1]["fieldConfig"]["defaults"]["custom"].update(lineWidth="x"),
            ("panels", 1, "fieldConfig", "defaults", "custom", "lineWidth"),
            "'x' is not valid under any of the given schemas",
        ),
        (
            lambda d: d["panels"][2]["targets"][0].pop("expr"),
            ("panels", 2, "targets", 0),
            "'expr' is a required property",
        ),
    ],
)
def test_a_wrong_field_is_refused(
    data: Any, schemas: Path, spoil: Callable[[Any], None], path: tuple[str | int, ...], said: str
) -> None:
    spoil(data)
    assert list(misfits(data, schemas)) == [(path, f"is refused by the published schema: {said}")]


def test_a_plugin_without_a_file_is_passed_over(data: Any, schemas: Path) -> None:
    data["panels"][2]["options"]["x"] = 1  # a stat, and there is no stat.jsonschema.json
    assert list(misfits(data, schemas)) == []


def test_what_is_set_for_a_column_may_be_anything(data: Any, schemas: Path) -> None:
    files = {
        "MatcherConfig": {"properties": {"options": {"type": "object"}}},
        "DynamicConfigValue": {"properties": {"id": {"type": "string"}, "value": {"type": "object"}}},
        "Panel": {"properties": {"fieldConfig": {"properties": {"overrides": {"items": OVERRIDE}}}}},
    }
    (schemas / "dashboard.jsonschema.json").write_text(
        json.dumps({"definitions": {**FILES["dashboard"], **files}})
    )
    assert data["panels"][5]["fieldConfig"]["overrides"][0]["matcher"]["options"] == "severity"
    assert list(misfits(data, schemas)) == []
    data["panels"][5]["fieldConfig"]["overrides"][0]["properties"][0]["id"] = 1
    ((_, said),) = misfits(data, schemas)
    assert said == "is refused by the published schema: 1 is not of type 'string'"


@pytest.mark.parametrize(
    ("plugin", "file"),
    [("stat", "stat.jsonschema.json"), ("state-timeline", "statetimeline.jsonschema.json")],
)
def test_a_plugin_has_a_file_of_its_name(plugin: str, file: str) -> None:
    assert file_of(plugin) == file


def test_the_specs_are_told_where_only_the_published_schema_refuses(schemas: Path) -> None:
    strict = {"definitions": {**FILES["dashboard"], "Title": {"const": "another"}}}
    (schemas / "dashboard.jsonschema.json").write_text(json.dumps(strict))
    request = Request(config_dir=BUNDLE / "config")
    found = compile_and_verify(request, with_tools=False, schemas=schemas).problems
    said = "is refused by the published schema: 'another' was expected"
    assert [(one.check, one.message) for one in found] == [
        ("dashboard/schema", f"cellar/dashboards/web.json: panels[{panel}].title {said}")
        for panel in (1, 2, 3, 5, 6, 7)
    ]
    assert compile_and_verify(request, with_tools=False).problems == ()


def test_what_the_models_refuse_is_not_told_again_by_the_schema(data: Any, schemas: Path) -> None:
    project = compile_bundle(Request(config_dir=BUNDLE / "config")).project
    assert project is not None
    files = {"cellar/dashboards/web.json": json.dumps({**data, "refresh": False})}
    assert [one.message for one in dashboards.verify(project, files, schemas)] == [
        "cellar/dashboards/web.json: refresh false is not of type str"
    ]


def test_no_value_in_any_place_makes_the_judge_fall(
    data: Any, schemas: Path, record_property: Callable[[str, object], None]
) -> None:
    project = compile_bundle(Request(config_dir=BUNDLE / "config")).project
    assert project is not None
    for *above, last in sampled(data, record_property):
        for value in SOME:
            spoiled = copy.deepcopy(data)
            reduce(getitem, above, spoiled)[last] = value
            list(dashboards.verify(project, {"cellar/dashboards/web.json": json.dumps(spoiled)}, schemas))


@pytest.mark.parametrize("is_there", [True, False])
def test_the_command_says_when_the_files_are_not_there(
    is_there: bool, schemas: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = schemas if is_there else schemas / "none"
    monkeypatch.setattr("observability.verify.published_schema._FETCHED", folder)
    assert main(["check", "--config", str(BUNDLE / "config")]) == 0
    said = "" if is_there else "not proved: dashboards by Grafana's published schema files, which are not in "
    told = capsys.readouterr().err
    assert told.startswith(said)
    assert bool(told) is not is_there
