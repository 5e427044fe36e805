"""Judgement on dashboards by the JSON Schema files that Grafana publishes, where they could be fetched."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match

# Where `make setup` puts them.
_FETCHED = Path(__file__).parents[2] / ".tools" / "grafana"
_DASHBOARD = "dashboard"
_ENDING = ".jsonschema.json"
# What a panel's plugin defines, and where in a panel it stands.
_PARTS = {"Options": ("options",), "FieldConfig": ("fieldConfig", "defaults", "custom")}
# What may be anything the files call an object, although Grafana's own dashboards have texts and lists there.
_ANYTHING = {"MatcherConfig": "options", "DynamicConfigValue": "value"}
Misfit = tuple[tuple[str | int, ...], str]


def fetched() -> Path | None:
    """Return the folder of the schema files, or None where they could not be had."""
    return _FETCHED if (_FETCHED / file_of(_DASHBOARD)).is_file() else None


def misfits(data: dict[str, Any], schemas: Path) -> Iterator[Misfit]:
    """Yield what the schemas refuse in a dashboard, with its path.

    The panels are judged one by one, each as what it says to be: of any of them the whole schema says only
    that it is neither panel nor row. The parts of a plugin are in its own file; what has none is passed over.
    """
    panels = data.get("panels") or []
    yield from _refused(schemas, _DASHBOARD, "Dashboard", {**data, "panels": []}, ())
    for index, panel in enumerate(panels):
        at, kind = ("panels", index), panel["type"]
        yield from _refused(schemas, _DASHBOARD, "RowPanel" if kind == "row" else "Panel", panel, at)
        for definition, path in _PARTS.items():
            yield from _refused(schemas, kind, definition, _below(panel, path), (*at, *path))
        for rank, target in enumerate(panel.get("targets") or ()):
            plugin = str(_below(target, ("datasource", "type")))
            yield from _refused(schemas, plugin, "Dataquery", target, (*at, "targets", rank))


def file_of(plugin: str) -> str:
    """Return the name of the schema file of a plugin."""
    return f"{plugin.replace('-', '')}{_ENDING}"


def _below(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _refused(
    schemas: Path, file: str, definition: str, value: Any, at: tuple[str | int, ...]
) -> Iterator[Misfit]:
    validator = None if value is None else _validator(schemas / file_of(file), definition)
    for error in validator.iter_errors(value) if validator else ():
        deepest = best_match([error]) or error
        yield (*at, *deepest.absolute_path), f"is refused by the published schema: {deepest.message}"


@cache
def _validator(file: Path, definition: str) -> Draft7Validator | None:
    """Return what judges by one definition of a file, or None if there is none."""
    if not file.is_file():
        return None
    definitions = json.loads(file.read_text("utf-8"))["definitions"]
    if definition not in definitions:
        return None
    for name, key in _ANYTHING.items():
        definitions.get(name, {}).get("properties", {}).get(key, {}).pop("type", None)
    return Draft7Validator({"$ref": f"#/definitions/{definition}", "definitions": definitions})
