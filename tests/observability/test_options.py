"""The options of the command line that choose what is done, and the help that tells of them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from observability.__main__ import main
from observability.arguments import parser
from observability.explain import as_objects
from tests.bundle_of import lay_out

COMMANDS = ("check", "generate", "diff", "lint", "list", "explain")
RULES = "groups:\n  - name: a\n    rules:\n      - {record: b, expr: 'sum(rate(c[5m])) / sum(rate(d[5m]))'}\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The shop with a second environment beside the first."""
    config = lay_out(tmp_path / "shop")
    cellar = (config / "environments" / "cellar.yaml").read_text()
    (config / "environments" / "attic.yaml").write_text(cellar)
    return config


def helped(*arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_gives_examples_and_exit_codes(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = helped(command, capsys=capsys)
    assert "\nexamples:\n" in text
    assert re.search(r"\nexit codes: 0.* 2 ", text, re.DOTALL)
    assert all(len(line) <= 110 for line in text.splitlines())


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    text = helped(capsys=capsys)
    assert all(f"\n    {command} " in text for command in COMMANDS)
    assert "exit codes:" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_example_of_the_help_can_be_read(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    examples = helped(command, capsys=capsys).partition("\nexamples:\n")[2].partition("\n\n")[0]
    calls = re.findall(r"\btradewatch (.+?)(?:  +| >| \||$)", examples, re.MULTILINE)
    assert calls
    for call in calls:
        assert parser().parse_args(call.split()), call


def test_one_environment_alone_leaves_the_files_of_the_others(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = config.parent / "observability" / "generated"
    call = ["--config", str(config), "--env", "cellar"]
    assert main(["generate", "--no-tools", "--config", str(config)]) == 0
    attic = (out / "attic" / "prometheus.yml").read_text()
    assert main(["diff", *call]) == 0
    scrape = config / "environments" / "cellar.yaml"
    scrape.write_text(scrape.read_text().replace(":8001", ":8002"))
    (config / "environments" / "attic.yaml").write_text("broken")
    capsys.readouterr()
    assert main(["check", "--no-tools", "--config", str(config)]) == 1
    assert main(["generate", "--no-tools", *call]) == 0
    told = capsys.readouterr().out
    assert f"wrote {out}/cellar/prometheus.yml" in told
    assert "removed" not in told
    assert (out / "attic" / "prometheus.yml").read_text() == attic


def test_one_environment_alone_may_be_the_first_that_is_made(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    call = ["generate", "--no-tools", "--config", str(config), "--env", "attic", "--out", str(out)]
    assert main(call) == 0
    assert {path.name for path in out.iterdir()} >= {"attic", "rules"}
    assert not (out / "cellar").exists()


@pytest.mark.parametrize("command", ["check", "generate", "diff"])
def test_an_environment_that_is_not_there_is_told(
    command: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--config", str(config), "--env", "celler"]) == 2
    assert f"--env: no environment 'celler' in {config}; did you mean 'cellar'?" in capsys.readouterr().err


def test_without_tools_it_is_told_what_is_not_proved(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("observability.verify.tool._FETCHED", config / "none")
    for command in ("check", "generate"):
        assert main([command, "--config", str(config), "--no-tools"]) == 0
        told = capsys.readouterr()
        assert told.err.startswith("not proved: promtool ")
        assert "tested" not in told.out
    (config / "bundle.yaml").write_text("title: x\n")
    assert main(["check", "--config", str(config), "--no-tools", "--format", "json"]) == 1
    assert len(json.loads(capsys.readouterr().out)) == 1


def linted(text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "observability", "lint", "-", *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def test_rules_may_come_from_standard_input() -> None:
    done = linted(RULES)
    assert done.returncode == 1
    assert "/dev/stdin:4:27: sum(rate(d[5m])) may be 0; divide by (sum(rate(d[5m])) > 0)" in done.stderr
    assert linted("").returncode == 1


def test_a_check_that_is_left_out_is_counted() -> None:
    done = linted(RULES, "--allow", "division_guarded", "--allow", "rate_first")
    assert done.returncode == 0
    assert (
        done.stderr
        == "hidden by --allow division_guarded: 1 problem\nhidden by --allow rate_first: 0 problems\n"
    )


def test_a_check_that_cannot_be_left_out_is_told() -> None:
    done = linted(RULES, "--allow", "division_garded")
    assert done.returncode == 2
    assert "--allow: no check named 'division_garded'; did you mean 'division_guarded'?" in done.stderr


def test_warnings_fail_only_when_they_are_to() -> None:
    rules = RULES.replace("sum(rate(c[5m])) / sum(rate(d[5m]))", 'sum(c{d=~"e"})')
    done = linted(rules)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "1 rule in 1 file: 1 warning")
    assert linted(rules, "--strict").returncode == 1


def test_checks_are_listed_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--format", "json"]) == 0
    checks = {one["id"]: one for one in json.loads(capsys.readouterr().out)}
    assert checks["division_guarded"]["lint"]
    assert not checks["alert_tested"]["lint"]
    assert checks["alert_tested"]["text"].startswith(checks["alert_tested"]["summary"])


def test_the_list_says_which_checks_judge_plain_rules_too() -> None:
    judging = {one["id"] for one in as_objects() if one["lint"]}
    assert {"alarm_for", "name_unique", "rate_first", "secret_inline", "query_syntax"} <= judging
    assert judging.isdisjoint({"metric_used", "link_sound", "alert_tested"})
