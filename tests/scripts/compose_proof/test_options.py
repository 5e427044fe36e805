"""How `make test-compose` is told what to do, what it does without an engine, and the commands it runs."""

from pathlib import Path

import pytest
import yaml

from scripts.compose_proof.__main__ import Options, UsageError, main, read
from scripts.compose_proof.deaths import sample
from scripts.compose_proof.guide import LOOKS, RESTART, STOP, Command, wrong
from scripts.compose_proof.place import Place
from scripts.compose_proof.report import Report, Row, StepError, as_table

ROOT = Path(__file__).parents[3]
SERVICES = ["alertmanager", "bot", "db", "sink"]


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder that is all of PATH, with nothing set; the command is called without arguments."""
    for name in ("COUNT", "SEED", "REQUIRE", "STAND_IN_IMAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["compose_proof"])
    return tmp_path


Said = pytest.CaptureFixture[str]


def test_without_docker_one_line_says_so_and_only_a_demand_makes_it_a_failure(
    alone: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main() == 0
    assert capsys.readouterr().out == "test-compose: not run: there is no program docker\n"
    monkeypatch.setenv("REQUIRE", "1")
    assert main() == 1


def test_an_engine_that_does_not_answer_is_not_there(alone: Path, capsys: Said) -> None:
    program(alone / "docker", "exit 1")
    assert main() == 0
    assert capsys.readouterr().out == "test-compose: not run: no Docker engine answers\n"


@pytest.mark.parametrize(
    ("compose", "reason"), [("exit 1", "no Compose plugin"), ("echo 2.17.3", "Compose is 2.17.3")]
)
def test_compose_must_be_there_and_new_enough(alone: Path, capsys: Said, compose: str, reason: str) -> None:
    program(alone / "docker", f'[ "$1" = compose ] || exit 0\n{compose}')
    assert main() == 0
    assert reason in capsys.readouterr().out


def test_a_provider_is_asked_first_and_named_if_it_fails(
    alone: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_IN_IMAGES", str(alone / "provider"))
    program(alone / "provider", f"echo asked $# >{alone}/told")
    assert main() == 0
    assert "not run: there is no program docker" in capsys.readouterr().out
    assert (alone / "told").read_text() == "asked 0\n"
    program(alone / "provider", "echo no mirror; exit 7")
    assert main() == 0
    assert "not run: STAND_IN_IMAGES failed: " in (said := capsys.readouterr().out)
    assert "no mirror" in said


def program(file: Path, script: str) -> None:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def test_the_variables_are_numbers() -> None:
    assert read({"COUNT": "9", "SEED": "4", "REQUIRE": "1"}) == Options(count=9, seed=4, is_required=True)
    assert not read({}).is_required
    for wrong_one in ({"COUNT": "all"}, {"SEED": "-1"}, {"REQUIRE": "yes"}):
        with pytest.raises(UsageError, match="=".join(*wrong_one.items())):
            read(wrong_one)


def test_a_seed_takes_the_same_services_again_and_names_the_others() -> None:
    taken, left = sample(SERVICES, 2, 7)
    assert (taken, left) == sample(SERVICES, 2, 7)
    assert sorted([*taken, *left]) == SERVICES
    assert sample(SERVICES, 99, 7) == (SERVICES, [])
    assert sample(SERVICES, 0, 7) == ([], SERVICES)


@pytest.mark.parametrize("seed", range(9))
def test_one_that_was_reloaded_is_always_killed(seed: int) -> None:
    assert sample(SERVICES, 1, seed)[0] == ["alertmanager"]


def test_every_docker_command_of_the_guide_is_run_as_it_is_written() -> None:
    told = yaml.safe_load((ROOT / "tests" / "guide" / "commands.yaml").read_text("utf-8"))["commands"]
    guide = {one["command"].strip() for one in told if "docker" in one["command"]}
    ours = {one.text.splitlines()[-1] for one in (*LOOKS, RESTART, STOP)}
    assert guide == ours


def test_a_command_that_says_nothing_or_something_else_is_not_taken_for_run() -> None:
    command = Command(text="docker-compose ps db", shows="db-1 .* Up .*\\(healthy\\)")
    assert wrong(command, "trading-bot-db-1   postgres:17   Up 2 minutes (healthy)\n") is None
    assert "said nothing" in (wrong(command, " \n") or "")
    assert "not found" in (wrong(command, "docker-compose: command not found") or "")
    assert wrong(command, "trading-bot-db-1   postgres:17   Up 2 minutes (unhealthy)\n") is not None


def test_the_users_settings_and_secrets_reach_no_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("COMPOSE_PROJECT_NAME", "BOT_PORT", "TRADING_ENABLED", "PGPASSWORD", "COMPOSE_FILE"):
        monkeypatch.setenv(name, "the user's")
    place = Place(folder=tmp_path, project="trading-bot-test-1", ports={})
    given = place.environment
    assert "the user's" not in given.values()
    assert given["COMPOSE_PROJECT_NAME"] == "trading-bot-test-1"


async def test_a_step_that_failed_fails_the_report_and_no_step_is_no_pass() -> None:
    said = list[str]()
    report = Report(said.append)
    assert not report.passed

    async def good() -> str:
        return "seen"

    async def bad() -> str:
        raise StepError("one", "two")

    assert await report.step("good", good())
    assert report.passed
    assert not await report.step("bad", bad())
    assert not report.passed
    assert said == ["ok      good: seen", "FAILED  bad: one", "FAILED  bad: two"]


def test_the_table_says_how_many_faults_it_leaves_out() -> None:
    rows = [Row(what="bad", good=False, seconds=1, seen=tuple("abcdefg"))]
    assert [line.split()[-1] for line in as_table(rows).splitlines()] == ["a", "b", "c", "d", "e", "more"]
