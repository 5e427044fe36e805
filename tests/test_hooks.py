"""The hooks for pre-commit: what they run, and on which files."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from observability.arguments import parser


def hooks(root: Path) -> dict[str, dict[str, Any]]:
    return {hook["id"]: hook for hook in yaml.safe_load((root / ".pre-commit-hooks.yaml").read_text("utf-8"))}


def test_each_hook_runs_a_command_that_exists(root: Path) -> None:
    for hook in hooks(root).values():
        program, *words = (*hook["entry"].split(), *hook.get("args", []))
        files = [] if hook.get("pass_filenames") is False else ["rules.yml"]
        assert program == "tradewatch"
        assert parser().parse_args([*words, *files])


def test_hooks_install_what_the_compiler_needs(root: Path) -> None:
    project = (root / "pyproject.toml").read_text("utf-8")
    for hook in hooks(root).values():
        assert all(f'"{needed}"' in project for needed in hook["additional_dependencies"])


@pytest.mark.parametrize(
    ("hook", "file", "is_meant"),
    [
        ("tradewatch-check", "config/alerts/orders.yaml", True),
        ("tradewatch-check", "runbooks/a.md", True),
        ("tradewatch-check", "src/config.py", False),
        ("tradewatch-lint", "prometheus/rules/api.yml", True),
        ("tradewatch-lint", "rules/api.yaml", True),
        ("tradewatch-lint", "api.rules.yml", True),
        ("tradewatch-lint", "alert_rules.yaml", True),
        ("tradewatch-lint", "docker-compose.yml", False),
    ],
)
def test_hooks_know_their_files(hook: str, file: str, is_meant: bool, root: Path) -> None:
    assert (re.search(hooks(root)[hook]["files"], file) is not None) is is_meant
