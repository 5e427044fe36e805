"""The socket by which supervisord is told to stop one service: found by the client, and nobody else's."""

import configparser
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.stack.home import Home, HomeError
from scripts.stack.local import Watch
from scripts.stack.ports import Ports
from scripts.stack.supervisor import write_config

LONGEST = 107 - len("/supervisor.sock.4194304")  # of a home whose socket is in it


def socket_of(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    config = configparser.ConfigParser(interpolation=None)
    config.read_string(write_config(Home(path=path, ports=Ports()), ()).read_text())
    socket = config["unix_http_server"]["file"]
    assert config["supervisorctl"]["serverurl"] == f"unix://{socket}"
    assert config["unix_http_server"]["chmod"] == "0700"
    return Path(socket)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a short name, which is the place of temporary files too."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        (Path(name) / "tmp").mkdir()
        monkeypatch.setattr(tempfile, "tempdir", f"{name}/tmp")
        yield Path(name)


def padded(folder: Path, length: int) -> Path:
    return folder / ("x" * (length - len(str(folder)) - 1))


def test_it_is_in_the_home_as_long_as_its_path_fits(short: Path) -> None:
    fitting, too_long = padded(short, LONGEST), padded(short, LONGEST + 1)
    assert socket_of(fitting) == fitting / "supervisor.sock"
    elsewhere = socket_of(too_long)
    assert elsewhere.parent.parent == short / "tmp"
    assert elsewhere.parent.stat().st_mode & 0o777 == 0o700
    assert elsewhere == socket_of(too_long)
    assert elsewhere != socket_of(padded(short, LONGEST + 2))


@pytest.mark.parametrize("kind", ["link", "open"])
def test_a_folder_into_which_others_may_write_is_refused(short: Path, kind: str) -> None:
    folder = socket_of(padded(short, LONGEST + 1)).parent
    if kind == "link":
        folder.rmdir()
        (short / "theirs").mkdir(mode=0o700)
        folder.symlink_to(short / "theirs")
    else:
        folder.chmod(0o777)
    with pytest.raises(HomeError, match="is not a folder that is yours alone"):
        socket_of(padded(short, LONGEST + 2))


def test_people_are_told_of_a_service_that_somebody_stopped_and_started() -> None:
    said: list[str] = []
    watch = Watch(said.append)
    watch.is_ready = True
    watch.heard("2026-11-22 21:24:11,170 INFO stopped: bot (exit status 0)")
    watch.heard("2026-11-22 21:24:11,170 WARN stopped: bot (terminated by SIGKILL)")
    watch.heard("2026-11-22 21:24:11,770 INFO spawned: 'bot' with pid 15714")
    told = "bot was told to stop, and stays stopped until it is told to start"
    assert said == [told, told, "bot started again, process 15714"]
    assert watch.gave_up is None
