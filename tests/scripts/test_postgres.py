"""The launcher against real servers: started, killed in every way, started again."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest

from scripts import postgres_leftovers
from scripts.postgres import DATABASE, free_port, is_ready, temporary
from scripts.postgres_binaries import Postgres, PostgresError, find, record, recorded

CHECKOUT = Path(__file__).resolve().parents[2]
PASSWORD = "not a secret 'here'"
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def start(tmp_path: Path, port: int) -> Iterator[Start]:
    """Run the command; whatever a test leaves running is ended."""
    started: list[subprocess.Popen[str]] = []
    (tmp_path / "password").write_text(f"{PASSWORD}\n")

    def run(*, at: int = port, data: str = "da ta'") -> subprocess.Popen[str]:
        where = ["--data", str(tmp_path / data), "--port", str(at)]
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "scripts.postgres",
                "run",
                *where,
                "--password-file",
                str(tmp_path / "password"),
            ],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    for folder in tmp_path.iterdir():
        postgres_leftovers.end_servers(folder)
    postgres_leftovers.remove_stale(postgres_leftovers.socket_base())


def await_ready(process: subprocess.Popen[str]) -> list[str]:
    """The lines up to the one that says it is ready."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if "postgres: ready on" in line:
            return lines
    raise AssertionError("".join(lines))


def query(port: int, statement: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(
        host="127.0.0.1", port=port, user="postgres", password=PASSWORD, dbname=DATABASE
    )
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def postmaster(tmp_path: Path, data: str = "da ta'") -> int:
    return int((tmp_path / data / "postmaster.pid").read_text().split()[0])


def sockets_of(process: subprocess.Popen[str]) -> list[Path]:
    return list(postgres_leftovers.socket_base().glob(f"{postgres_leftovers.PREFIX}{process.pid}-*"))


def test_a_second_run_finds_the_data_of_the_first(start: Start, port: int) -> None:
    first = start()
    await_ready(first)
    assert is_ready(port, PASSWORD)
    assert not is_ready(port, "wrong")
    query(port, "CREATE TABLE kept (x int); INSERT INTO kept VALUES (1)")
    assert sockets_of(first)
    first.send_signal(signal.SIGTERM)
    assert first.wait() == 0
    assert not sockets_of(first)
    assert not is_ready(port, PASSWORD)
    await_ready(start())
    assert query(port, "SELECT x FROM kept") == [(1,)]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux to die with its parent")
def test_a_killed_run_takes_its_server_along_and_does_not_block_the_next(start: Start, port: int) -> None:
    killed = start()
    await_ready(killed)
    query(port, "CREATE TABLE kept (x int)")
    killed.kill()
    killed.wait()
    assert sockets_of(killed)
    await_ready(start())
    assert query(port, "SELECT count(*) FROM kept") == [(0,)]
    assert not sockets_of(killed), "the next run removes what the killed one left"


def test_a_killed_server_ends_the_run_and_does_not_block_the_next(
    start: Start, port: int, tmp_path: Path
) -> None:
    run = start()
    await_ready(run)
    os.kill(postmaster(tmp_path), signal.SIGKILL)
    assert run.wait() == 1
    assert "exit code -9" in run.communicate()[0]
    await_ready(start())


def test_a_frozen_orphan_is_stopped_first(start: Start, port: int, tmp_path: Path) -> None:
    """It cannot hear that its parent died, as one would not that was started by hand."""
    killed = start()
    await_ready(killed)
    orphan = postmaster(tmp_path)
    os.kill(orphan, signal.SIGSTOP)
    killed.kill()
    killed.wait()
    lines = await_ready(start())
    assert re.search(r"stopped \d+ processes left by an earlier run", "".join(lines))
    assert postmaster(tmp_path) != orphan


def test_two_runs_on_one_directory_are_refused(start: Start, tmp_path: Path) -> None:
    await_ready(start())
    second = start(at=free_port())
    said, _ = second.communicate()
    assert second.returncode == 1
    assert "another run is using" in said


def test_a_busy_port_is_named_with_the_variable_to_set(start: Start, port: int, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        run = start()
        said, _ = run.communicate()
    assert run.returncode == 1
    assert f"port {port} on 127.0.0.1" in said
    assert "POSTGRES_PORT" in said
    assert not sockets_of(run)


def test_a_half_made_directory_is_made_anew(start: Start, tmp_path: Path) -> None:
    (tmp_path / "da ta'.new").mkdir()
    (tmp_path / "da ta'.new" / "PG_VERSION").write_text("15\n")
    await_ready(start())


def test_a_directory_with_something_else_in_it_is_left_alone(start: Start, tmp_path: Path) -> None:
    (tmp_path / "da ta'").mkdir()
    (tmp_path / "da ta'" / "letters").write_text("mine")
    run = start()
    said, _ = run.communicate()
    assert run.returncode == 1
    assert "has something else in it" in said
    assert (tmp_path / "da ta'" / "letters").read_text() == "mine"


def test_another_password_than_the_first_is_explained(start: Start, tmp_path: Path) -> None:
    run = start()
    await_ready(run)
    run.terminate()
    run.wait()
    (tmp_path / "password").write_text("changed\n")
    run = start()
    said, _ = run.communicate()
    assert run.returncode == 1
    assert "the password is not the one that" in said
    assert "changed" not in said


def test_temporary_serves_an_empty_database_and_leaves_nothing(tmp_path: Path) -> None:
    with temporary(tmp_path) as dsn:
        server = postmaster(tmp_path, "data")
        connection = psycopg2.connect(dsn)
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_database(), current_setting('fsync')")
            assert cursor.fetchone() == (DATABASE, "off")
        connection.close()
    assert not Path("/proc", str(server)).exists()


def test_temporary_ends_its_server_when_the_test_fails(tmp_path: Path) -> None:
    servers: list[int] = []

    def failing() -> None:
        with temporary(tmp_path):
            servers.append(postmaster(tmp_path, "data"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert not Path("/proc", str(servers[0])).exists()


def fake_server(folder: Path, version: str, *, contrib: bool = False) -> Path:
    folder.mkdir(parents=True)
    for name in ("initdb", "postgres", "pg_isready", "psql", "pg_dump", "pg_restore"):
        (folder / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version} (Fake)'\n")
        (folder / name).chmod(0o755)
    if contrib:
        share = folder.parent / "share" / "extension"
        share.mkdir(parents=True)
        (share / "pg_stat_statements.control").touch()
    return folder


@pytest.fixture
def anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOOLS_SOURCES", raising=False)


@pytest.mark.usefixtures("anywhere")
def test_path_comes_before_the_system_directory_and_newest_wins_there(tmp_path: Path) -> None:
    system = tmp_path / "lib"
    fake_server(system / "9" / "bin", "9.6.24")
    fake_server(system / "15" / "bin", "15.1")
    newest = fake_server(system / "17" / "bin", "17.2", contrib=True)
    found = find(tools=tmp_path / ".tools", path="/nowhere", system=system)
    assert (found.bin, found.version, found.major, found.contrib) == (newest, "17.2", 17, True)
    own = fake_server(tmp_path / "own", "16.1")
    assert find(tools=tmp_path / ".tools", path=str(own), system=system).bin == own


@pytest.mark.usefixtures("anywhere")
def test_old_and_incomplete_sets_are_refused_with_reasons(tmp_path: Path) -> None:
    old = fake_server(tmp_path / "old", "13.9")
    partial = fake_server(tmp_path / "partial", "16.1")
    (partial / "initdb").unlink()
    with pytest.raises(
        PostgresError, match=r"old has version 13\.9; .*partial has no initdb; run scripts/setup"
    ):
        find(tools=tmp_path / ".tools", path=f"{old}:{partial}", system=tmp_path / "none")


@pytest.mark.usefixtures("anywhere")
def test_the_choice_of_set_up_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / ".tools"
    unpacked = fake_server(tools / "debian" / "bin", "17.2")
    chosen = Postgres(
        bin=unpacked,
        version="17.2",
        source="debian",
        contrib=False,
        environment={"LD_LIBRARY_PATH": f"{tools}/lib"},
    )
    record(tools, chosen)
    own = fake_server(tmp_path / "own", "16.1")
    found = find(tools=tools, path=str(own), system=tmp_path)
    assert (found.source, found.environment) == ("debian", {"LD_LIBRARY_PATH": f"{tools}/lib"})
    monkeypatch.setenv("TOOLS_SOURCES", "path")
    assert find(tools=tools, path=str(own), system=tmp_path).bin == own
    monkeypatch.setenv("TOOLS_SOURCES", "tools,wheel")
    assert find(tools=tools, path=str(own), system=tmp_path).bin == unpacked
    monkeypatch.delenv("TOOLS_SOURCES")
    (unpacked / "postgres").unlink()
    assert find(tools=tools, path=str(own), system=tmp_path).bin == own
    (tools / "postgres.json").write_text("{")
    assert recorded(tools) is None


def test_a_callers_pg_variables_do_not_reach_the_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example")
    own = Postgres(bin=Path("/x"), version="15.1", source="path", contrib=False)
    assert "PGHOST" not in own.variables()
