"""The services as a configuration of supervisord, which starts, restarts and stops them."""

import hashlib
import os
import shlex
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from scripts.stack.home import ROOT, Home, HomeError
from scripts.stack.services import Service

# A service whose supervisor is killed is killed too: nothing is ever left running. setpriv comes with
# util-linux, which every Debian has.
_DIE_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL", "--")
_STOP_SECONDS = 15
_INTERFACE = "supervisor.rpcinterface:make_main_rpcinterface"
# What Linux takes as a socket's path, less what supervisord appends to it while it makes one.
_LONGEST_SOCKET = 107 - len(".4194304")


def command(home: Home) -> list[str]:
    """Return the command that runs supervisord in the foreground; it stops in order when its parent dies."""
    config = str(home.path / "supervisord.conf")
    supervisord = [sys.executable, "-m", "supervisor.supervisord", "--nodaemon", "--configuration", config]
    return ["setpriv", "--pdeathsig", "TERM", "--", *supervisord]


def write_config(home: Home, services: Iterable[Service]) -> Path:
    """Write supervisord.conf into the home of the stack."""
    head = {
        "logfile": home.log("supervisord"),
        "logfile_maxbytes": "1MB",
        "logfile_backups": 1,
        "pidfile": home.path / "supervisord.pid",
        "childlogdir": home.path / "log",
    }
    control = _socket(home)
    sections = [
        _section("supervisord", head),
        # By this a runbook, or a person, starts and stops one service: supervisorctl -c FILE stop bot.
        _section("unix_http_server", {"file": control, "chmod": "0700"}),
        _section("rpcinterface:supervisor", {"supervisor.rpcinterface_factory": _INTERFACE}),
        _section("supervisorctl", {"serverurl": f"unix://{control}"}),
        *(_program(home, service, rank) for rank, service in enumerate(services, start=1)),
    ]
    file = home.path / "supervisord.conf"
    file.write_text("\n".join(sections), "utf-8")
    return file


def _socket(home: Home) -> Path:
    """In the home, or if its path is too long for a socket, in a folder of ours among the temporary ones."""
    near = home.path / "supervisor.sock"
    if len(os.fsencode(near)) <= _LONGEST_SOCKET:
        return near
    folder = Path(tempfile.gettempdir()) / f"tradewatch-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    told = folder.lstat()
    # Who owns the folder could put a socket of their own in its place.
    if folder.is_symlink() or told.st_uid != os.getuid() or told.st_mode & 0o077:
        raise HomeError(
            f"{folder} is not a folder that is yours alone; remove it, or use a home of a shorter name"
        )
    return folder / f"{hashlib.sha256(os.fsencode(home.path)).hexdigest()[:16]}.sock"


def _program(home: Home, service: Service, rank: int) -> str:
    environment = ",".join(f'{name}="{value}"' for name, value in service.environment.items())
    keys = {
        "command": shlex.join([*_DIE_WITH_PARENT, *service.command]),
        "directory": ROOT,
        "environment": environment,
        "priority": rank,  # the highest is stopped first
        "autorestart": "true",
        "startsecs": 1,
        "startretries": 3,
        "stopsignal": "TERM",
        "stopwaitsecs": _STOP_SECONDS,
        "stopasgroup": "false",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": home.log(service.name),
        "stdout_logfile_maxbytes": "5MB",
        "stdout_logfile_backups": 2,
    }
    return _section(f"program:{service.name}", {key: value for key, value in keys.items() if value != ""})


def _section(name: str, keys: dict[str, object]) -> str:
    lines = "".join(f"{key} = {str(value).replace('%', '%%')}\n" for key, value in keys.items())
    return f"[{name}]\n{lines}"
