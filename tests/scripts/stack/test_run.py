"""`make run` as a user meets it: one real stack on free ports, killed in every way."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from scripts.stack.ports import Ports, variable

READY_SECONDS = 90
GONE_SECONDS = 30


class Run:
    """A running `python -m scripts.stack`, and what it has said so far."""

    def __init__(self, home: Path, ports: Ports) -> None:
        self.home, self.ports, self.said = home, ports, ""
        settings = {variable(name): str(port) for name, port in asdict(ports).items()}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "scripts.stack", "--home", str(home)],
            env={**os.environ, **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def until(self, words: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if words in line:
                return
        raise AssertionError(f"never said {words!r}:\n{self.said}")

    def close(self) -> None:
        if self.process.poll() is None:
            self.stop()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        assert self.process.stdout is not None
        self.said += self.process.stdout.read()
        return self.process.wait(GONE_SECONDS)

    def call(self, service: str, path: str, body: object = None, token: str = "") -> Any:
        url = f"http://127.0.0.1:{getattr(self.ports, service)}{path}"
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=10) as answer:
            return json.loads(answer.read())

    def order(self, name: str) -> Any:
        token = (self.home / "secrets" / "admin_token").read_text().strip()
        body = {"message": "BUY BTCUSDT 0.1", "source": "test", "execute": True, "id": name}
        return self.call("bot", "/debug/signal", body, token)

    def leftovers(self) -> list[str]:
        """Every process of this machine that was started for this home."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if str(self.home) in command:
                    found.append(f"{folder.name} {command}")
        return found

    @property
    def supervisord(self) -> int:
        return int((self.home / "supervisord.pid").read_text())

    def holders(self, name: str) -> set[int]:
        """Every process that has a file of the home open."""
        file, found = str(self.home / name), set[int]()
        for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
            with suppress(OSError):
                if os.readlink(descriptor) == file:
                    found.add(int(descriptor.parts[2]))
        return found

    def nothing_is_left(self) -> None:
        """Wait until killed processes have left the table; there is no event to await."""
        end = time.monotonic() + GONE_SECONDS
        while (left := self.leftovers()) and time.monotonic() < end:
            time.sleep(0.05)
        assert left == []


@contextmanager
def running(home: Path, ports: Ports) -> Iterator[Run]:
    run = Run(home, ports)
    try:
        run.until("is ready (")
        yield run
    finally:
        run.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "it's a $HOME; {stack}"


def test_a_stack_is_stopped_killed_and_started_again_and_keeps_its_data(home: Path) -> None:
    ports = Ports.free()
    with running(home, ports) as run:
        assert run.order("first")["order"]["state"] == "filled"
        assert run.stop(signal.SIGINT) == 0
        assert "nothing is left running" in run.said
    run.nothing_is_left()

    with running(home, ports) as run:
        assert run.order("first")["duplicate"] is True
        second = Run(home, Ports.free())
        second.until("already runs")
        assert second.process.wait(GONE_SECONDS) == 1
        second.close()
        assert run.holders("services.lock") == {run.process.pid, run.supervisord}
        # The worst end: nobody is left to clean up, and the next run comes at once.
        run.process.kill()
        assert run.process.wait(GONE_SECONDS) == -signal.SIGKILL

    with running(home, ports) as run:
        assert "the stack of a killed run is still stopping" in run.said
        assert run.order("first")["duplicate"] is True
        assert len(run.call("simulator", "/control/orders")) == 1
        simulator = next(one for one in run.leftovers() if "bot.simulator" in one)
        os.kill(int(simulator.split()[0]), signal.SIGKILL)
        run.until("simulator started again")
        os.kill(run.supervisord, signal.SIGKILL)
        assert run.process.wait(GONE_SECONDS) == 1
    run.nothing_is_left()


def test_a_start_that_is_told_to_stop_again_and_again_leaves_nothing(home: Path) -> None:
    run = Run(home, Ports.free())
    run.until(" is ready")
    run.process.send_signal(signal.SIGINT)
    run.until("stopping")
    run.process.send_signal(signal.SIGINT)
    assert run.stop(signal.SIGTERM) == 130
    assert run.leftovers() == []
    assert run.said.endswith("stopped before everything was up\n")
    run.close()


def test_no_secret_stands_in_an_argument_a_log_or_the_configuration(home: Path) -> None:
    with running(home, Ports.free()) as run:
        run.order("first")
        commands = " ".join(run.leftovers())
        secrets = {file.name: file.read_text().strip() for file in (home / "secrets").iterdir()}
        run.stop()
    hidden = [line.split("=")[-1].strip() for text in secrets.values() for line in text.splitlines()]
    texts = {
        str(file): file.read_text(errors="replace")
        for file in (
            *(home / "log").iterdir(),
            *(home / "config").rglob("*.*"),
            home / "supervisord.conf",
            home / "env",
        )
    }
    texts["arguments"] = commands
    for secret in (word for word in hidden if len(word) >= 16):
        assert [name for name, text in texts.items() if secret in text] == []
    assert all((file.stat().st_mode & 0o077) == 0 for file in (home / "secrets").iterdir())


def test_a_wrong_port_stops_the_start_before_anything_is_made(home: Path) -> None:
    ports = Ports.free()
    settings = {variable(name): str(port) for name, port in asdict(ports).items()} | {"BOT_PORT": "x"}
    done = subprocess.run(
        [sys.executable, "-m", "scripts.stack", "--home", str(home)],
        env={**os.environ, **settings}, capture_output=True, text=True, check=False, timeout=READY_SECONDS,
    )  # fmt: skip
    assert done.returncode == 1
    assert "BOT_PORT=x is not a port from 1 to 65535" in done.stderr
    assert not home.exists()


def test_a_home_that_cannot_be_made_is_refused_in_one_sentence() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.stack", "--home", "/dev/null/x"],
        capture_output=True, text=True, check=False, timeout=READY_SECONDS,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        "run: cannot use /dev/null/x: Not a directory; choose a folder in which you may write\n"
    )
