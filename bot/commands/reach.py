"""How a command reaches the bot: over HTTP with the admin token, and by the control directory."""

import getpass
import http.client
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.adapters.control import ControlDirectory
from bot.settings import CONTROL_DIR, Reader, Secret

PATIENCE = 5.0  # seconds for each step of a call
_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # what listens everywhere is asked here


class NoAnswerError(Exception):
    """Nobody answered, or somebody who is no bot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """`problems` says which of the variables could not be read."""

    host: str
    port: int
    token: Secret | None
    control: ControlDirectory
    problems: tuple[str, ...]

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        return self._call("GET", path, None, {})

    def post(self, path: str, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        headers = {"Content-Type": b"application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token.reveal()}".encode()
        return self._call("POST", path, json.dumps(body), headers)

    def _call(
        self, method: str, path: str, body: str | None, headers: dict[str, bytes]
    ) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            told = json.loads(answer.read())
        except (OSError, http.client.HTTPException) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise NoAnswerError(f"the bot does not answer at {self.url}: {why}") from None
        except (UnicodeDecodeError, json.JSONDecodeError):
            raise NoAnswerError(f"what answers at {self.url} is no bot") from None
        except ValueError:
            # Its text would show the token.
            raise NoAnswerError("the admin token has a letter that cannot be sent") from None
        finally:
            connection.close()
        if not isinstance(told, dict):
            raise NoAnswerError(f"what answers at {self.url} is no bot")
        return answer.status, told


def read_reach(environment: Mapping[str, str]) -> Reach:
    reader = Reader(environment)
    host = reader.text("HTTP_HOST", "127.0.0.1")
    return Reach(
        host=_HERE.get(host, host),
        port=reader.number("HTTP_PORT", 8080, 1, 65535),
        token=reader.secret("ADMIN_TOKEN"),
        control=ControlDirectory(Path(reader.text("CONTROL_DIR", str(CONTROL_DIR)))),
        problems=tuple(reader.problems),
    )


def somebody() -> str:
    """Who asks, unless they say so themselves."""
    try:
        return f"{os.environ.get('SUDO_USER') or getpass.getuser()}@{socket.gethostname()}"[:64]
    except (KeyError, OSError):  # a user whom the machine does not know
        return f"user {os.getuid()}"
