"""The sentences of the architecture, proved from the import statements and from the files that are there."""

import ast
import json
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

from bot.config import BotConfig
from config.spec.build import Where
from config.spec.duration import Duration
from config.spec.model import (
    Alerts,
    Bundle,
    Catalogue,
    Dashboard,
    Environment,
    Measures,
    Operations,
    Routing,
    Runbook,
    Scrape,
)
from observability.checks import CHECKS
from observability.render import RENDERERS

ROOT = Path(__file__).parent.parent
OURS = {"bot", "config", "observability", "scripts", "tests"}
LONGEST_FILE = 350
HELPERS = {"__init__", "finding", "queries", "document", "bounds", "firing", "grid", "panels"}
KINDS: dict[str, type] = {
    "alerts": Alerts,
    "bot": BotConfig,
    "bundle": Bundle,
    "dashboard": Dashboard,
    "environment": Environment,
    "measures": Measures,
    "metrics": Catalogue,
    "operations": Operations,
    "routing": Routing,
    "runbook": Runbook,
    "scrape": Scrape,
}


def modules(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert found, f"{package} has no modules"
    return found


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def of_ours(file: Path) -> set[str]:
    return {name for name in imports(file) if name.partition(".")[0] in OURS}


@pytest.mark.parametrize(
    ("package", "allowed"),
    [
        ("config", ("config",)),
        ("observability", ("observability", "config")),
        ("bot", ("bot", "config")),
        ("scripts", ("scripts", "config", "observability")),
    ],
)
def test_a_package_imports_only_what_lies_below_it(package: str, allowed: tuple[str, ...]) -> None:
    found = {(str(file), name) for file in modules(package) for name in of_ours(file)}
    assert {(file, name) for file, name in found if name.partition(".")[0] not in allowed} == set()


def test_the_domain_imports_only_the_standard_library_and_itself() -> None:
    found = {
        name
        for file in modules("bot/domain")
        for name in imports(file)
        if name.partition(".")[0] not in sys.stdlib_module_names and not name.startswith("bot.domain")
    }
    assert found == set()


def test_adapters_never_import_each_other() -> None:
    """An adapter may be several modules: bingx_wire belongs to bingx, and aiopg_mend to postgres."""
    family = {"aiopg_mend": "postgres"}
    for file in modules("bot/adapters"):
        own = family.get(file.stem, file.stem.partition("_")[0])
        used = {name.split(".")[2] for name in of_ours(file) if name.startswith("bot.adapters.")}
        assert {family.get(other, other.partition("_")[0]) for other in used} <= {own}, file


def test_only_the_composition_roots_import_adapters() -> None:
    """That of the bot, and that of the commands, which run beside it and need but the control directory."""
    users = {
        file.relative_to(ROOT).as_posix()
        for file in modules("bot")
        if "adapters" not in file.parts and any(name.startswith("bot.adapters") for name in of_ours(file))
    }
    assert users == {"bot/app.py", "bot/commands/reach.py"}


def test_simulator_and_client_share_no_code() -> None:
    shared = {name for file in modules("bot/simulator") for name in of_ours(file)}
    assert {name for name in shared if not name.startswith("bot.simulator")} == set()
    assert not any(
        name.startswith("bot.simulator")
        for file in modules("bot")
        if "simulator" not in file.parts
        for name in of_ours(file)
    )


@pytest.mark.parametrize(("package", "registry"), [("checks", CHECKS), ("render", RENDERERS)])
def test_every_module_is_registered(package: str, registry: tuple[ModuleType, ...]) -> None:
    stems = {file.stem for file in modules(f"observability/{package}")} - HELPERS
    assert {module.__name__.rpartition(".")[2] for module in registry} == stems


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.rpartition(".")[2])
def test_a_check_says_why_and_how_to_mend_and_has_a_case(check: ModuleType) -> None:
    name = check.__name__.rpartition(".")[2]
    documentation = check.__doc__ or ""
    assert "\nWhy: " in documentation, "the docstring needs a line that begins with Why:"
    assert "\nFix: " in documentation, "the docstring needs a line that begins with Fix:"
    case = ROOT / "tests" / "cases" / f"{name}.txt"
    assert f"[{name}]" in case.read_text("utf-8"), f"{case} must show the check at work"


def test_every_schema_has_a_class() -> None:
    assert {
        file.name.removesuffix(".schema.json") for file in (ROOT / "config" / "schemas").iterdir()
    } == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_and_the_class_have_the_same_keys(kind: str) -> None:
    schema = json.loads((ROOT / "config" / "schemas" / f"{kind}.schema.json").read_text("utf-8"))
    compare(schema, KINDS[kind], kind)


def compare(schema: dict[str, Any], cls: type, where: str) -> None:
    hints = get_type_hints(cls)
    named = {field.name.rstrip("_"): field.name for field in fields(cls) if hints[field.name] is not Where}  # type: ignore[arg-type]
    keys = set(schema["properties"])
    # The name of an object in a mapping is its key there.
    assert set(named) - keys <= {"name"}, f"{where}: the schema lacks {set(named) - keys}"
    assert keys <= set(named), f"{where}: {cls.__name__} lacks {keys - set(named)}"
    assert schema["additionalProperties"] is False, where
    for key in keys:
        inner = nested(hints[named[key]])
        part = schema["properties"][key]
        if inner:
            deeper = part.get("items") or (part if "properties" in part else part["additionalProperties"])
            compare(deeper, inner, f"{where}.{key}")


def nested(hint: Any) -> type | None:
    """The spec class that a field holds: itself, or many in a tuple or a mapping."""
    if isinstance(hint, type) and is_dataclass(hint) and hint is not Duration:
        return hint
    if get_origin(hint) in (tuple, Union, UnionType) or get_args(hint):
        return next((found for arg in get_args(hint) if (found := nested(arg))), None)
    return None


@pytest.mark.parametrize("package", ["bot", "config", "observability", "scripts", "tests"])
def test_files_stay_readable(package: str) -> None:
    long = {
        str(file): n
        for file in modules(package)
        if (n := len(file.read_text("utf-8").splitlines())) > LONGEST_FILE
    }
    assert long == {}
    undocumented = [
        str(file)
        for file in modules(package)
        if file.read_text().strip() and not ast.get_docstring(ast.parse(file.read_text("utf-8")))
    ]
    assert undocumented == []
