"""The folder of a stack: odd names, foreign files, broken specs, and what shells source from it."""

import re
import shutil
import subprocess
from dataclasses import fields, replace
from pathlib import Path

import pytest

from bot.adapters.control import ControlDirectory
from bot.config import load_bot
from bot.start import read_configuration
from scripts.stack.home import ROOT, TOOLS, Home, HomeError
from scripts.stack.lifted import lifted
from scripts.stack.ports import Ports
from scripts.stack.services import services


def made(path: Path, specs: Path = ROOT / "config", time_scale: float = 1) -> Home:
    return Home(path=path, ports=Ports(), specs=specs, time_scale=time_scale)


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """Return a copy of the specs, with the runbooks beside them that they name."""
    shutil.copytree(ROOT / "runbooks", tmp_path / "runbooks")
    return shutil.copytree(ROOT / "config", tmp_path / "specs")


def test_the_control_directory_is_where_the_bot_looks_and_a_halt_in_it_stays(tmp_path: Path) -> None:
    home = made(tmp_path / "home")
    project = home.prepare()
    [bot] = [service for service in services(home, project) if service.name == "bot"]
    control = ControlDirectory(Path(bot.environment["CONTROL_DIR"]))
    assert control.read() is None
    control.file.touch()
    home.prepare()
    assert control.read() is not None


def test_where_one_order_is_repeated_the_bot_reads_a_copy_without_the_caps_on_that(tmp_path: Path) -> None:
    for repeats, trades in ((False, 1), (True, 1000000)):
        home = replace(made(tmp_path / str(repeats)), repeats=repeats)
        project = home.prepare()
        [bot] = [service for service in services(home, project) if service.name == "bot"]
        configuration, problems = read_configuration(Path(bot.environment["CONFIG_DIR"]))
        assert problems == []
        assert configuration is not None
        trading = configuration.bot.trading
        assert trading.max_trades_per_direction == trades
        shipped, _ = load_bot(ROOT / "config")
        assert shipped is not None
        changed = {"max_trades_per_direction", "max_total_notional_usdt"} if repeats else set()
        told = {each.name for each in fields(trading)}
        assert {each for each in told if getattr(trading, each) != getattr(shipped.trading, each)} == changed


def test_a_cap_that_is_not_found_is_no_cap_lifted(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    file = tmp_path / "config" / "bot.yaml"
    file.write_text(file.read_text().replace("max_trades_per_direction:", "max_trades:"))
    with pytest.raises(ValueError, match="no line of its own for max_trades_per_direction"):
        lifted(tmp_path / "config", tmp_path / "copy")


@pytest.mark.parametrize("name", ["100%", 'a "b"', "a #1", "a ;b", "a*", "a?", "[a]", "a\\b"])
def test_a_name_that_the_configuration_files_cannot_hold_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(HomeError, match=r"has .* in its name; use a folder that has not"):
        made(tmp_path / name).check_path()


@pytest.mark.parametrize(("name", "shown"), [("a\nb", r"\n"), ("a\udcffb", r"\udcff")])
def test_a_letter_that_no_file_can_hold_is_refused_and_shown_by_its_code(name: str, shown: str) -> None:
    with pytest.raises(HomeError) as refused:
        made(Path("/", name)).check_path()
    assert shown in str(refused.value)
    assert str(refused.value).isascii()
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("name", ["plain", "a b", "C#", "a;b", "$HOME", "it's", "Zürich"])
def test_every_other_name_is_good(tmp_path: Path, name: str) -> None:
    made(tmp_path / name).check_path()


def test_a_shell_that_sources_the_env_file_gets_the_paths_as_they_are(tmp_path: Path) -> None:
    home = made(tmp_path / "it's $HOME; `id`")
    home.prepare()
    script = '. "$1"; printf "%s\\n" "$PGPASSFILE" "$ADMIN_TOKEN_FILE" "$PATH"'
    shown = subprocess.run(
        ["bash", "-c", script, "bash", home.path / "env"],
        capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert shown.stdout.splitlines() == [
        str(home.secret("pgpass")),
        str(home.secret("admin_token")),
        f"{TOOLS}:{ROOT}/.venv/bin:/usr/bin:/bin",
    ]  # fmt: skip
    assert shown.stderr == ""


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(HomeError, match=r"cannot use .*/data: File exists"):
        made(tmp_path).prepare()


def test_a_broken_spec_is_named_and_nothing_is_rendered(tmp_path: Path, specs: Path) -> None:
    (specs / "routing.yaml").write_text("receivers: [")
    home = made(tmp_path / "home", specs)
    with pytest.raises(HomeError, match=r"the specs have problems\n(.|\n)*routing\.yaml"):
        home.prepare()
    assert not home.config.exists()


def test_the_sink_misses_the_heartbeat_after_three_of_the_beats_that_the_specs_set(
    tmp_path: Path, specs: Path
) -> None:
    routing, count = re.subn(r"(?m)^  every: \w+$", "  every: 40s", (specs / "routing.yaml").read_text())
    assert count == 1
    (specs / "routing.yaml").write_text(routing)
    home = made(tmp_path / "home", specs, time_scale=60)
    sink = next(service for service in services(home, home.prepare()) if service.name == "sink")
    assert float(sink.command[sink.command.index("--heartbeat-expect") + 1]) == 2


def test_a_rendered_file_is_edited_before_it_is_written_and_no_other(tmp_path: Path) -> None:
    path = "local/alertmanager.yml"
    plain, edited = made(tmp_path / "plain"), made(tmp_path / "edited")
    edited = replace(edited, edits={path: lambda text: f"{text}# by hand\n"})
    plain.prepare()
    edited.prepare()
    for file in ("local/alertmanager.yml", "local/prometheus.yml"):
        text = (plain.config / file).read_text().replace(str(plain.path), str(edited.path))
        assert (edited.config / file).read_text() == text + "# by hand\n" * (file == path)
