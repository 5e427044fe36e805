"""Every command of the monitoring guide has its step, and the step has what the table says of it."""

import hashlib
import re
from collections import Counter
from pathlib import Path

import pytest

from config.spec.load import load_project
from config.spec.model import Project
from tests.guide_commands import Command, commands, told

CONFIG = Path(__file__).parent.parent / "config"
EVERY = commands()
_FUNCTION = re.compile(r"^([a-z_0-9]+)\(\) [{(]\n(.*?)^[})]", re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def project() -> Project:
    found, problems, _ = load_project(CONFIG)
    assert found is not None, problems
    return found


def test_none_is_missing() -> None:
    """They were counted and compared with the guide's text once, and are not changed since."""
    guide = told()["guide"]
    assert len(EVERY) == guide["commands"]
    lines = "\n".join(" ".join(one.command.split()) for one in EVERY)
    assert hashlib.sha256(lines.encode()).hexdigest() == guide["of_them"]


def test_what_is_said_of_each_is_whole() -> None:
    assert {one.verdict for one in EVERY} == {"works", "corrected"}
    for one in EVERY:
        assert one.because or one.verdict == "works", one
        assert (one.shows is None) == (one.not_run is not None), one


def test_the_step_of_each_is_there_and_has_the_better_form(project: Project) -> None:
    missing = [one.command for one in EVERY if one.form not in shell_of(project, one)]
    assert not missing


def test_a_form_that_a_step_does_not_have_is_seen(project: Project) -> None:
    one = next(one for one in EVERY if one.step == "backup/save")
    assert "pg_dumpall" in shell_of(project, one)
    assert "pg_restore --clean" not in shell_of(project, one)
    # A word of the library that the step does not call.
    assert "DROP DATABASE" not in shell_of(project, one)


def test_no_runbook_has_what_was_corrected(project: Project) -> None:
    """Their own texts may warn of it; no shell runs it."""
    shell = "\n".join(
        text
        for runbook in project.runbooks.values()
        for step in runbook.steps
        for text in step.shell.values()
    )
    for wrong in ("docker-compose ", "echo $", "VACUUM FULL", "total_time", "pip install", "src/main.py"):
        assert wrong not in shell, wrong


def shell_of(project: Project, one: Command) -> str:
    """Return the shell of the step, its instructions, and every word that is called in the end."""
    name, _, wanted = one.step.partition("/")
    runbook = project.runbooks[name]
    step = next(step for step in runbook.steps if step.id == wanted)
    words = {
        found[1]: found[2]
        for library in ("platform", *runbook.uses)
        for found in _FUNCTION.finditer(project.libraries[library])
    }
    text, known = "\n".join([*step.shell.values(), step.instructions or ""]), set[str]()
    ahead = [text]
    for piece in ahead:
        for called in Counter(re.findall(r"[a-z_0-9]+", piece)):
            if called in words and called not in known:
                known.add(called)
                ahead.append(words[called])
    return "\n".join(ahead)
