"""The sentences about who imports whom inside the bot, proved from the import statements."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BOT = ROOT / "bot"
FILES = sorted(BOT.rglob("*.py"))
STDLIB = frozenset(sys.stdlib_module_names)


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def below(folder: str) -> list[Path]:
    return [file for file in FILES if file.is_relative_to(BOT / folder)]


def test_there_is_something_to_look_at() -> None:
    assert len(FILES) > 20


@pytest.mark.parametrize("file", below("domain"), ids=lambda file: file.stem)
def test_the_domain_imports_only_the_standard_library(file: Path) -> None:
    for name in imports(file):
        assert name.partition(".")[0] in STDLIB or name.startswith("bot.domain")


@pytest.mark.parametrize("file", below("adapters"), ids=lambda file: file.stem)
def test_an_adapter_imports_no_other_adapter(file: Path) -> None:
    for name in imports(file):
        if name.startswith("bot.adapters"):
            helper = name.split(".")[2]
            # An adapter may be several files: bingx_wire belongs to bingx, and so on.
            assert helper.startswith(f"{file.stem}_") or (file.stem, helper) == ("postgres", "aiopg_mend")


@pytest.mark.parametrize("file", below("simulator"), ids=lambda file: file.stem)
def test_the_simulator_shares_no_code_with_its_client(file: Path) -> None:
    for name in imports(file):
        assert name.startswith("bot.simulator") or not name.startswith(("bot", "config"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(BOT)))
def test_the_bot_knows_nothing_of_the_compiler_or_the_scripts(file: Path) -> None:
    for name in imports(file):
        assert not name.startswith(("observability", "scripts", "tests"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(BOT)))
def test_only_the_app_names_adapters(file: Path) -> None:
    if file == BOT / "app.py" or file.is_relative_to(BOT / "adapters"):
        return
    assert not [name for name in imports(file) if name.startswith("bot.adapters")]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(BOT)))
def test_nobody_uses_wait_for(file: Path) -> None:
    # On Python 3.11 it drops a cancel() that races with the answer.
    used = [node.attr for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Attribute)]
    assert "wait_for" not in used
    assert "asyncio.wait_for" not in list(imports(file))
