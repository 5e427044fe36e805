"""Run PostgreSQL in the foreground on a data directory of our own, or a throwaway one for tests."""

import argparse
import contextlib
import ctypes
import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from scripts import postgres_account, postgres_leftovers
from scripts.postgres_account import Account
from scripts.postgres_binaries import Postgres, PostgresError, find

__all__ = ["Postgres", "PostgresError", "find", "is_ready", "run", "temporary"]

HOST = "127.0.0.1"
USER = "postgres"
DATABASE = "trading_bot"
EXTENSION = "pg_stat_statements"
# A test's data need not survive a power cut.
THROWAWAY = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "max_wal_senders": "0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server to start: its programs, where its data lies, where it listens, its superuser's password."""

    postgres: Postgres
    data: Path
    port: int
    password: str
    settings: Mapping[str, str]

    def variables(self) -> dict[str, str]:
        return {**self.postgres.variables(), "PGPASSWORD": self.password, "PGCONNECT_TIMEOUT": "5"}


def run(data: Path, port: int, password: str) -> int:
    """Serve until told to stop by SIGTERM, SIGINT or SIGHUP (a fast shutdown); the exit code."""
    _die_with_parent()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _leave)
    postgres = find()
    say = f"{postgres.version} from {postgres.bin} ({postgres.source})"
    print(f"postgres: {say}{'' if postgres.contrib else ', without contrib'}", flush=True)
    server = Server(postgres=postgres, data=data.absolute(), port=port, password=password, settings={})
    with serving(server, log=None) as process:
        print(f"postgres: ready on {HOST}:{port}, database {DATABASE}", flush=True)
        code = process.wait()
    print(f"postgres: the server ended by itself, exit code {code}", file=sys.stderr)
    return code if code > 0 else 1


@contextlib.contextmanager
def temporary(directory: Path) -> Iterator[str]:
    """A throwaway server under `directory`; yields the DSN of its empty database `trading_bot`.

    It listens on a free port of 127.0.0.1 and ends with the block, or with the process however that dies.
    Enter it from the main thread (the kernel ends the server with the thread that started it). As a fixture:

        @pytest.fixture(scope="session")
        def dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
            with temporary(tmp_path_factory.mktemp("postgres")) as dsn:
                yield dsn
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("temporary() must be entered from the main thread")
    password = secrets.token_hex(8)
    log = directory / "postgres.log"
    server = Server(
        postgres=find(), data=directory / "data", port=free_port(), password=password, settings=THROWAWAY
    )
    with log.open("ab") as out, serving(server, log=out):
        yield f"postgresql://{USER}:{password}@{HOST}:{server.port}/{DATABASE}"


@contextlib.contextmanager
def serving(server: Server, *, log: IO[bytes] | None) -> Iterator[subprocess.Popen[bytes]]:
    """The server, made if it is new, answering queries, with its database; stopped when the block ends."""
    server.data.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_locked(server.data))
        ended = postgres_leftovers.end_servers(server.data)
        if ended:
            print(f"postgres: stopped {ended} processes left by an earlier run", file=sys.stderr, flush=True)
        _refuse_busy_port(server.port)
        account = postgres_account.choose(server.data, server.postgres)
        sockets = postgres_leftovers.socket_directory()
        stack.callback(shutil.rmtree, sockets, ignore_errors=True)
        account.own(sockets)
        if not (server.data / "PG_VERSION").exists():
            _make(server, account, sockets, log)
        _refuse_other_version(server)
        process = subprocess.Popen(
            [*account.prefix, *_command(server, sockets)],
            env=server.postgres.variables(),
            cwd="/",
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C in a terminal reaches us alone, and we pass on what is right
        )
        stack.callback(_stop, process)
        _await_answer(server, process, log)
        _prepare(server)
        yield process


def _command(server: Server, sockets: Path) -> list[str]:
    settings = {
        "listen_addresses": HOST,
        "port": str(server.port),
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        "jit": "off",  # its compiler library is large and not unpacked; short queries gain nothing by it
        **({"shared_preload_libraries": EXTENSION} if server.postgres.contrib else {}),
        **server.settings,
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return [server.postgres.program("postgres"), "-D", str(server.data), *options]


def _make(server: Server, account: Account, sockets: Path, log: IO[bytes] | None) -> None:
    """initdb beside the final place, then one rename: what is half made is never taken for whole."""
    if server.data.exists() and any(server.data.iterdir()):
        raise PostgresError(
            f"{server.data} is no data directory and has something else in it: choose another"
        )
    new = server.data.with_name(f"{server.data.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    account.own(new)
    secret = sockets / "password"
    secret.touch(mode=0o600)
    secret.write_text(f"{server.password}\n")
    account.own(secret)
    words = ["initdb", "-D", str(new), "-U", USER, "-E", "UTF8", "--locale=C.UTF-8", "-A", "scram-sha-256"]
    sync = ["--no-sync"] if server.settings.get("fsync") == "off" else []
    done = subprocess.run(
        [*account.prefix, server.postgres.program(words[0]), *words[1:], f"--pwfile={secret}", *sync],
        env=server.postgres.variables(),
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    secret.unlink()
    if log is not None:
        log.write(done.stdout)
        log.flush()
    if done.returncode:
        raise PostgresError(f"initdb failed in {new}:\n{done.stdout.decode(errors='replace').strip()}")
    if server.data.exists():
        server.data.rmdir()
    new.rename(server.data)


def _await_answer(server: Server, process: subprocess.Popen[bytes], log: IO[bytes] | None) -> None:
    while not _accepts(server):
        if process.poll() is not None:
            why = f"see {log.name}" if log is not None else "its reason stands above"
            raise PostgresError(f"the server on {server.data} ended, exit code {process.returncode}: {why}")
        time.sleep(0.02)


def _accepts(server: Server) -> bool:
    words = [server.postgres.program("pg_isready"), "-q", "-h", HOST, "-p", str(server.port), "-t", "2"]
    return subprocess.run(words, env=server.postgres.variables()).returncode == 0


def _prepare(server: Server) -> None:
    if not _ask(server, "postgres", f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"):
        _ask(server, "postgres", f"CREATE DATABASE {DATABASE}")
    if server.postgres.contrib:
        _ask(server, DATABASE, f"CREATE EXTENSION IF NOT EXISTS {EXTENSION}")


def _ask(server: Server, database: str, statement: str) -> str:
    words = [server.postgres.program("psql"), "-X", "-w", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
    where = ["-h", HOST, "-p", str(server.port), "-U", USER, "-d", database, "-c", statement]
    done = subprocess.run([*words, *where], env=server.variables(), capture_output=True, text=True)
    if "password authentication failed" in done.stderr:
        raise PostgresError(
            f"the password is not the one that {server.data} was made with: "
            "restore the password file, or move the data directory away"
        )
    if done.returncode:
        raise PostgresError(f"the server on port {server.port} refused: {done.stderr.strip()}")
    return done.stdout.strip()


def is_ready(port: int, password: str) -> bool:
    """Whether the server answers and the user's query on the database works."""
    server = Server(postgres=find(), data=Path(), port=port, password=password, settings={})
    try:
        return _accepts(server) and _ask(server, DATABASE, "SELECT 1") == "1"
    except PostgresError:
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Fast shutdown, which may take a checkpoint; then ever less gently."""
    for number, patience in ((signal.SIGINT, 60), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
        process.send_signal(number)
        try:
            process.wait(patience)
            return
        except subprocess.TimeoutExpired:
            continue


@contextlib.contextmanager
def _locked(data: Path) -> Iterator[None]:
    """One run per data directory; a run that is just ending is given a moment."""
    with data.with_name(f"{data.name}.lock").open("a") as lock:
        deadline = time.monotonic() + 2
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise PostgresError(f"another run is using {data}: stop that one first") from None
                time.sleep(0.05)
        yield


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _refuse_busy_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise PostgresError(
                f"port {port} on {HOST} cannot be used ({error.strerror}): "
                "free it, or choose another with POSTGRES_PORT"
            ) from None


def _refuse_other_version(server: Server) -> None:
    made = (server.data / "PG_VERSION").read_text().strip()
    if made != str(server.postgres.major):
        raise PostgresError(
            f"{server.data} was made by PostgreSQL {made}, but {server.postgres.bin} is "
            f"{server.postgres.version}: choose the other one with TOOLS_SOURCES (docs/setup.md), "
            "or move the directory away"
        )


def _leave(number: int, frame: object) -> None:
    """Unwind once; a second signal must not cut the shutdown short."""
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise SystemExit(0)


def _die_with_parent() -> None:
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        raise SystemExit(0)  # it died before we had asked to be told


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.postgres", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run", help="serve in the foreground until SIGTERM or SIGINT")
    running.add_argument("--data", type=Path, required=True, help="data directory, made if it is not there")
    ready = commands.add_parser("ready", help="exit 0 if the server answers a query, else 1")
    for command in (running, ready):
        command.add_argument("--port", type=int, required=True)
        command.add_argument("--password-file", type=Path, required=True)
    commands.add_parser("find", help="say which programs would be used")
    options = parser.parse_args(arguments)
    try:
        if options.command == "find":
            found = find()
            print(f"{found.bin} {found.version} {found.source}{'' if found.contrib else ' without contrib'}")
            return 0
        password = _password(options.password_file)
        if options.command == "ready":
            return 0 if is_ready(options.port, password) else 1
        return run(options.data, options.port, password)
    except PostgresError as error:
        print(f"postgres: {error}", file=sys.stderr)
        return 1


def _password(file: Path) -> str:
    try:
        text = file.read_text().strip()
    except OSError as error:
        raise PostgresError(f"cannot read the password file {file}: {error.strerror}") from None
    if not text:
        raise PostgresError(f"the password file {file} is empty")
    return text


if __name__ == "__main__":
    raise SystemExit(main())
