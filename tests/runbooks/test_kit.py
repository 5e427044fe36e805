"""The incident response kit: printed where it is needed, and looked after."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config.spec.load import Loader, load_project
from config.spec.model import Operations, Project
from observability.__main__ import main
from observability.render import pages, scripts
from tests.runbooks.databases import LIBRARIES, ROOT, TEMPLATES, run

CONFIG = ROOT / "config"
MINE = {"what": "Alice", "at": "+49 30 0000001"}
OTHER = [{"what": "it", "at": "there"}]
WHOLE = {"examples": False, "contacts": [MINE], "support": OTHER, "dashboards": OTHER, "credentials": OTHER}


@pytest.fixture(scope="module")
def project() -> Project:
    found, problems, _ = load_project(CONFIG)
    assert found is not None, problems
    return found


def operations(**kit: Any) -> tuple[Operations | None, int]:
    """operations.yaml with this laid over its kit, and how many problems that has."""
    loader = Loader(CONFIG)
    made = loader.operations(loader.source_of({"operations": {"kit": kit}}))
    return made, len(loader.problems)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    control = tmp_path / "control"
    control.mkdir()
    (control / "tradewatch-control").touch()
    for name in ("api", "secret", "token"):
        (tmp_path / name).write_text("a-secret-word\n")
    return tmp_path


def kit(home: Path, *flags: str, **changes: str) -> tuple[int, str]:
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TRADEWATCH_HOME": str(home),
        "TRADEWATCH_PLATFORM": "local",
        "CONTROL_DIR": str(home / "control"),
        "BINGX_API_KEY_FILE": str(home / "api"),
        "BINGX_SECRET_KEY_FILE": str(home / "secret"),
        "ADMIN_TOKEN_FILE": str(home / "token"),
        "BACKUP_DIR": str(home / "backups"),
        **changes,
    }
    script = str(ROOT / "runbooks" / "kit.sh")
    done = run([script, "--only-probes", "--run-dir", str(home / "runs"), *flags], variables)
    return done.code, done.out


def test_it_is_printed_and_no_secret_is(project: Project, home: Path) -> None:
    assert project.operations is not None
    assert project.operations.kit is not None
    code, out = kit(home)
    assert code == 3, "there is no backup here, and nothing that draws dashboards"
    for entries in project.operations.kit.sections.values():
        assert all(one.what in out for one in entries)
    assert "a-secret-word" not in out


def test_examples_are_no_fault_until_real_money_is_traded(home: Path) -> None:
    assert kit(home, "--step", "contacts")[0] == 0
    code, out = kit(home, "--step", "contacts", TRADING_MODE="live")
    assert (code, "the kit holds examples" in out) == (3, True)


def test_the_emergency_stop_is_ready_or_it_is_said_why_not(home: Path) -> None:
    assert kit(home, "--step", "stop")[0] == 0
    assert (
        "BINGX_SECRET_KEY cannot be read here"
        in kit(home, "--step", "stop", BINGX_SECRET_KEY_FILE="/gone")[1]
    )
    (home / "control" / "tradewatch-control").unlink()
    code, out = kit(home, "--step", "stop")
    assert (code, "is no control directory" in out) == (3, True)


def test_tools_and_scripts_that_are_missing_are_named(home: Path) -> None:
    assert kit(home, "--step", "scripts")[0] == 0
    found = home / "findings"
    words = f". '{TEMPLATES}/prelude.sh'; . '{LIBRARIES}/kit.sh'; kit_tools bash no-such; kit_scripts no_such"
    variables = {"PATH": os.environ["PATH"], "TRADEWATCH_ROOT": str(ROOT), "RUNBOOK_FINDINGS": str(found)}
    assert run(["bash", "-c", words], variables).code == 0
    missing = f"{ROOT}/runbooks/no_such.sh is not here, or cannot be executed"
    assert found.read_text().splitlines() == ["the program no-such is not here", missing]


def test_whom_to_call_stands_on_each_page_and_all_of_it_in_the_index() -> None:
    texts = [page.read_text() for page in (ROOT / "runbooks").glob("[a-z]*.md")]
    assert all("## Who to call" in text and "+1 555 0100" in text for text in texts)
    assert "| credentials |" in (ROOT / "runbooks" / "README.md").read_text()


def test_values_that_nobody_commits_take_the_place_of_the_examples(project: Project) -> None:
    made, problems = operations(**WHOLE)
    assert problems == 0
    changed = replace(project, operations=made)
    page = pages.page(changed, "bot_down", project.runbooks["bot_down"])
    script = scripts.script(changed, "kit", project.runbooks["kit"])
    assert "| call | Alice | +49 30 0000001 |" in page
    assert "example" not in page.partition("## Who to call")[2]
    assert "contacts\tAlice\t+49 30 0000001" in script
    assert "555 0100" not in script + page


def test_a_kit_that_is_wrong_is_refused() -> None:
    assert operations(contacts=[MINE])[1] == 0
    assert operations(contacts=[])[1] > 0
    assert operations(contacts=[{"what": "a|b", "at": "c"}])[1] > 0
    assert operations(phones=[MINE])[1] > 0


def test_people_are_not_written_beside_what_is_committed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = tmp_path / "values.yaml"
    values.write_text("operations: {kit: {contacts: [{what: Alice, at: here}]}}\n")
    words = ("diff", "--config", str(CONFIG), "--env", "local", "--values", str(values))
    assert main(words) == 2
    assert "name a folder of its own with --out" in capsys.readouterr().err
