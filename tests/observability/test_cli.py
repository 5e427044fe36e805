"""The command line, as a user meets it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from observability.__main__ import main
from tests.bundle_of import lay_out, replaced


def test_check_passes_the_shop_and_says_what_it_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--config", str(lay_out(tmp_path))]) == 0
    assert "8 files checked, tested and found good" in capsys.readouterr().out


def test_a_test_that_fails_is_told_at_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edited = replaced("config/alerts/web.yaml", "- {at: 3m}", "- {at: 20m}")
    assert main(["check", "--config", str(lay_out(tmp_path, edited))]) == 1
    told = capsys.readouterr().err
    assert "config/alerts/web.yaml:13:7: a test of ManyErrors fails" in told
    assert "[promtool/test]" in told


def test_a_wrong_value_in_a_text_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edited = replaced("config/alerts/web.yaml", "value: 1}", "value: 0.9}")
    assert main(["check", "--config", str(lay_out(tmp_path, edited))]) == 1
    assert "90% of requests fail" in capsys.readouterr().err


def test_a_configuration_that_alertmanager_refuses_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edited = replaced("config/routing.yaml", "Europe/Berlin", "Europe/Bärlin")
    assert main(["check", "--config", str(lay_out(tmp_path, edited))]) == 1
    assert "[amtool/config]" in capsys.readouterr().err


def test_generate_writes_nothing_when_anything_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edited = replaced("config/alerts/web.yaml", "- {at: 3m}", "- {at: 20m}")
    assert main(["generate", "--config", str(lay_out(tmp_path, edited))]) == 1
    assert "nothing was written" in capsys.readouterr().err
    assert not (tmp_path / "observability").exists()


def test_generate_then_diff_is_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(lay_out(tmp_path))
    assert main(["diff", "--config", config]) == 1
    assert main(["generate", "--config", config]) == 0
    capsys.readouterr()
    assert main(["diff", "--config", config]) == 0
    assert capsys.readouterr().out == ""
    assert main(["generate", "--config", config]) == 0
    assert "nothing to change" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["check", "--config", "nowhere"], "nowhere is not a folder"),
        (["check", "--values", "nowhere.yaml"], "nowhere.yaml:1:1: cannot be read"),
    ],
)
def test_usage_errors_exit_with_2(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert told in capsys.readouterr().err


def test_a_missing_tool_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("observability.verify.tool._FETCHED", tmp_path / "none")
    assert main(["check", "--config", str(lay_out(tmp_path / "shop"))]) == 2
    assert "`make setup` fetches it" in capsys.readouterr().err


def test_the_console_script_is_there(root: Path) -> None:
    script = Path(sys.executable).parent / "tradewatch"
    done = subprocess.run(
        [script, "--help"], capture_output=True, text=True, check=False, cwd=root, env=os.environ
    )
    assert done.returncode == 0
    assert "generate" in done.stdout
