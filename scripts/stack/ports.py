"""The port of every service: fixed and settable for people, free ones for drills."""

import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, fields

HOST = "127.0.0.1"


class PortError(Exception):
    """A port cannot be used; the message says which variable changes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """One TCP port per service; the environment variable of `bot` is BOT_PORT, and so on."""

    bot: int = 8080
    simulator: int = 8090
    postgres: int = 15432
    prometheus: int = 9090
    alertmanager: int = 9093
    node_exporter: int = 9100
    postgres_exporter: int = 9187
    sink: int = 9080
    sink_smtp: int = 9025

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Ports":
        """Read `<SERVICE>_PORT`; raise PortError that names every variable that is no port."""
        given, wrong = {}, []
        for field in fields(cls):
            text = environment.get(variable(field.name), "")
            if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
                given[field.name] = int(text)
            elif text:
                wrong.append(f"{variable(field.name)}={text} is not a port from 1 to 65535")
        if wrong:
            raise PortError("; ".join(wrong))
        return cls(**given)

    @classmethod
    def free(cls) -> "Ports":
        """Take ports that nobody uses now."""
        with ExitStack() as stack:
            names = [field.name for field in fields(cls)]
            return cls(**{name: stack.enter_context(_bound(0)).getsockname()[1] for name in names})

    def refuse_busy(self) -> None:
        """Raise PortError that names every port in use, and every two services on one port."""
        problems, seen = [], dict[int, str]()
        for field in fields(self):
            port = getattr(self, field.name)
            if port in seen:
                problems.append(f"{variable(field.name)} and {variable(seen[port])} are both {port}")
            elif not _is_free(port):
                problems.append(
                    f"port {port} is in use; free it, or set {variable(field.name)} to another one"
                )
            seen[port] = field.name
        if problems:
            raise PortError("\n".join(problems))


def variable(service: str) -> str:
    """Return the environment variable that sets the port of a service."""
    return f"{service.upper()}_PORT"


def _is_free(port: int) -> bool:
    try:
        _bound(port).close()
    except OSError:
        return False
    return True


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # As servers do, so that connections of a run that has just ended do not count as in use.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener
