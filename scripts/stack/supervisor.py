"""The services as a configuration of supervisord, which starts, restarts and stops them."""

import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

from scripts.stack.home import ROOT, Home
from scripts.stack.services import Service

# A service whose supervisor is killed is killed too: nothing is ever left running. setpriv comes with
# util-linux, which every Debian has.
_DIE_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL", "--")
_STOP_SECONDS = 15


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
    sections = [
        _section("supervisord", head),
        *(_program(home, service, rank) for rank, service in enumerate(services, start=1)),
    ]
    file = home.path / "supervisord.conf"
    file.write_text("\n".join(sections), "utf-8")
    return file


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
