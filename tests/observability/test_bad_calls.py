"""The command line called wrongly, or failing by a fault of ours: a sentence that helps, and an exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from observability import commands
from observability.__main__ import main
from tests.bundle_of import lay_out


def ended(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[object, str, str]:
    with pytest.raises(SystemExit) as ending:
        main(arguments)
    told = capsys.readouterr()
    return ending.value.code, told.out, told.err


def test_without_arguments_the_help_is_shown_as_an_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, told = ended([], capsys)
    assert (code, out) == (2, "")
    assert "begin with:\n  tradewatch check" in told
    monkeypatch.setattr(sys, "argv", ["tradewatch"])
    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().err == told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["chek"], "tradewatch: error: argument COMMAND: no 'chek'; did you mean 'check'?"),
        (["deploy"], "tradewatch: error: argument COMMAND: no 'deploy'; there are check, generate, diff, "),
        (["check", "--fromat", "json"], "error: no argument '--fromat'; did you mean '--format'?"),
        (["diff", "--ot=x"], "tradewatch diff: error: no argument '--ot=x'; did you mean '--out'?"),
        (["list", "x"], "tradewatch list: error: no argument 'x'\n"),
        (["check", "--format", "jsn"], "error: argument --format: no 'jsn'; did you mean 'json'?"),
        (["check", "--format", "xml"], "argument --format: no 'xml'; there are text, json, github, sarif"),
    ],
)
def test_a_mistyped_word_is_told_with_what_was_probably_meant(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = ended(arguments, capsys)
    assert (code, out) == (2, "")
    assert err.startswith("usage: tradewatch ")
    assert told in err


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("division_guard", "no check named 'division_guard'; did you mean 'division_guarded'?"),
        ("schem/enum", "no check named 'schem/enum'; did you mean 'schema/…'?"),
        ("tea", "no check named 'tea'; `tradewatch list` names them all"),
    ],
)
def test_an_unknown_check_cannot_be_explained(
    name: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", name]) == 2
    assert capsys.readouterr().err == f"tradewatch: {told}\n"


def broken(_: object) -> int:
    raise LookupError("nothing\nis left")


def test_a_bug_of_ours_is_told_in_two_sentences_and_shown_on_demand(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "list_checks", broken)
    assert main(["list"]) == 3
    assert capsys.readouterr().err == (
        "tradewatch: this is a bug of tradewatch: LookupError: nothing\nis left\n"
        "tradewatch: please call it again with TRADEWATCH_TRACEBACK=1 before it, and report it with what it"
        " prints\n"
    )
    monkeypatch.setenv("TRADEWATCH_TRACEBACK", "1")
    assert main(["list"]) == 3
    told = capsys.readouterr().err
    assert told.startswith("Traceback (most recent call last):\n")
    assert "in broken\n" in told
    assert told.endswith("tradewatch: this is a bug of tradewatch; please report it with the text above\n")


def test_a_name_that_is_no_text_can_be_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config = lay_out(tmp_path)
    Path(os.fsdecode(os.fsencode(config / "alerts") + b"/\xff.yaml")).touch()
    for form in ("text", "json", "github", "sarif"):
        assert main(["check", "--config", str(config), "--format", form]) == 1
        told = capfd.readouterr()
        assert "\\udcff.yaml" in told.out + told.err


def test_generate_tells_machines_of_problems_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = lay_out(tmp_path)
    assert main(["generate", "--config", str(config), "--format", "json"]) == 0
    assert capsys.readouterr().out == "[]\n"
    (config / "bundle.yaml").write_text("title: x\n")
    assert main(["generate", "--config", str(config), "--format", "github"]) == 1
    told = capsys.readouterr()
    assert told.out.startswith("::error file=")
    assert told.err == "nothing was written\n"


def test_a_stop_during_the_start_is_no_bug(root: Path) -> None:
    program = (
        "import builtins, sys\n"
        "real = builtins.__import__\n"
        "def stopped(name, *rest):\n"
        "    if name == 'promql_parser': raise KeyboardInterrupt\n"
        "    return real(name, *rest)\n"
        "from observability.__main__ import main\n"
        "builtins.__import__ = stopped\n"
        "sys.exit(main(['list']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=root
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
