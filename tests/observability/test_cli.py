"""The command line, as a user meets it."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from observability.__main__ import main
from tests.bundle_of import lay_out, replaced


def test_check_passes_the_shop_and_says_what_it_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--config", str(lay_out(tmp_path))]) == 0
    assert "10 files checked, tested and found good" in capsys.readouterr().out


def test_a_test_that_fails_is_told_at_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edited = replaced("config/alerts/web.yaml", "- {at: 3m}", "- {at: 20m}")
    assert main(["check", "--config", str(lay_out(tmp_path, edited))]) == 1
    told = capsys.readouterr().err
    assert "config/alerts/web.yaml:17:13: ManyErrors, 'every request fails': at 20m expected nothing" in told
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
        (["check", "--values", "nowhere.yaml"], "nowhere.yaml:1:1: there is no such file"),
        (
            ["diff", "--out", "pyproject.toml"],
            "cannot compare with pyproject.toml: pyproject.toml/MANIFEST: Not a",
        ),
    ],
)
def test_usage_errors_exit_with_2(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "cellar: 3\n",
            "1:9: must map each environment's name, or operations, to the keys that it changes [load",
        ),
        (
            "[cellar]\n",
            "1:1: must map each environment's name, or operations, to the keys that it changes [load",
        ),
        ("a: [\n", "2:1: a value is missing here [yaml/syntax]"),
    ],
)
def test_a_values_file_that_cannot_be_used_is_shown(
    text: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(text)
    assert main(["check", "--values", str(file)]) == 2
    assert f"{file}:{told}" in capsys.readouterr().err


def test_a_bad_value_is_shown_in_the_values_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "values.yaml"
    file.write_text('cellar:\n  alertmanagers: ["no port"]\n')
    assert main(["check", "--config", str(lay_out(tmp_path)), "--values", str(file)]) == 1
    told = capsys.readouterr().err
    caret = '    alertmanagers: ["no port"]\n'.replace("    ", "      ", 1) + " " * 22 + "^\n"
    assert f"{file}:2:19: 'no port' is not host:port [schema/pattern]\n{caret}" in told


@pytest.mark.parametrize("command", ["diff", "generate"])
@pytest.mark.parametrize("blocked", ["out", "out/MANIFEST/", "out/rules/web.yml/"])
def test_an_output_that_cannot_be_written_is_told_in_a_sentence(
    command: str, blocked: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(lay_out(tmp_path))
    (tmp_path / blocked).parent.mkdir(parents=True, exist_ok=True)
    if blocked.endswith("/"):
        (tmp_path / blocked).mkdir()
    else:
        (tmp_path / blocked).touch()
    assert main([command, "--config", config, "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert told.startswith("tradewatch: cannot ")
    assert "a directory" in told


def test_an_output_that_may_not_be_made_is_told_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", "--config", str(lay_out(tmp_path)), "--out", "/proc/none"]) == 2
    assert "cannot write to /proc/none: " in capsys.readouterr().err


@pytest.mark.parametrize("folder", [".", "alerts/.."])
def test_the_folder_of_the_specs_may_be_the_current_one(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = lay_out(tmp_path)
    monkeypatch.chdir(config)
    assert main(["generate", "--config", folder]) == 0
    assert (tmp_path / "observability" / "generated" / "MANIFEST").exists()
    assert not (config / "observability").exists()


def test_a_stop_by_the_user_is_no_bug(tmp_path: Path, root: Path) -> None:
    config, promtool = lay_out(tmp_path), tmp_path / "promtool"
    promtool.write_text("#!/bin/sh\nkill -INT $PPID\nexec sleep 1000\n")  # as Ctrl-C does while a tool runs
    promtool.chmod(0o755)
    program = (
        "import pathlib, signal, sys\n"
        # A shell without a terminal starts what it puts in the background deaf to Ctrl-C.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from observability.__main__ import main\n"
        "from observability.verify import tool\n"
        "tool._FETCHED = pathlib.Path(sys.argv[1]); sys.exit(main(sys.argv[2:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path, "check", "--config", config],
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def piped(arguments: list[str], unbuffered: str, **streams: int) -> subprocess.CompletedProcess[str]:
    """Run the command as a shell does, with output that is buffered or not."""
    return subprocess.run(
        [sys.executable, "-m", "observability", *arguments],
        text=True,
        check=False,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        **{"stderr": subprocess.PIPE, **streams},
    )


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_gone_is_no_bug(tmp_path: Path, unbuffered: str) -> None:
    """As in `tradewatch diff | head -1`."""
    reader, writer = os.pipe()
    os.close(reader)
    done = piped(["diff", "--config", str(lay_out(tmp_path))], unbuffered, stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_reader_that_has_gone_before_a_little_was_said_is_no_bug() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = piped(["--help"], "", stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_of_errors_that_has_gone_is_no_bug(tmp_path: Path, unbuffered: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    config = str(lay_out(tmp_path, {"config/bundle.yaml": ""}))
    done = piped(["diff", "--config", config], unbuffered, stdout=subprocess.PIPE, stderr=writer)
    os.close(writer)
    assert (done.returncode, done.stdout) == (141, "")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_cannot_be_kept_is_told(tmp_path: Path, unbuffered: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = piped(["diff", "--config", str(lay_out(tmp_path))], unbuffered, stdout=full.fileno())
    assert (done.returncode, done.stderr) == (2, "tradewatch: No space left on device\n")


def test_closed_streams_change_no_exit_code(tmp_path: Path) -> None:
    config = lay_out(tmp_path)
    shell = ["sh", "-c", '"$@" >&- 2>&-', "sh", sys.executable, "-m", "observability"]
    assert subprocess.run([*shell, "diff", "--config", config], check=False).returncode == 1
    (config / "bundle.yaml").write_text("")
    assert subprocess.run([*shell, "diff", "--config", config], check=False).returncode == 1
    assert subprocess.run([*shell, "check", "--config", "nowhere"], check=False).returncode == 2


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"tradewatch {version('tradewatch')}\n"


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
