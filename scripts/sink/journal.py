"""Keeps notifications in a file of JSON lines, so that a restart shows them again and ids keep rising."""

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.sink.message import Notification

KEPT = 1000


class Journal:
    """The first line may be {"last_id": n}: ids go on from there although older lines were dropped."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "notifications.jsonl"
        self._lines = 0

    def load(self) -> tuple[list[Notification], int]:
        """The newest notifications and the last id given out; a line torn by a crash is left out."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        notifications: list[Notification] = []
        last_id = 0
        for line in self._read_lines():
            try:
                data = json.loads(line)
                last_id = max(last_id, int(data["last_id"] if "last_id" in data else data["id"]))
                if "last_id" not in data:
                    notifications.append(Notification.from_json(data))
            except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
                continue
        kept = sorted(notifications, key=lambda notification: notification.id)[-KEPT:]
        self.rewrite(kept, last_id)
        return kept, last_id

    def append(self, notification: Notification) -> None:
        """One write call for each line, so that a killed process tears at most the last one."""
        with self._path.open("ab", buffering=0) as file:
            file.write(_line(notification.to_json()))
        self._lines += 1

    def is_long(self) -> bool:
        return self._lines > 2 * KEPT

    def rewrite(self, notifications: Sequence[Notification], last_id: int) -> None:
        lines = [{"last_id": last_id}, *(notification.to_json() for notification in notifications)]
        handle, temporary = tempfile.mkstemp(dir=self._path.parent, prefix=".notifications-")  # mode 0600
        with os.fdopen(handle, "wb") as file:
            file.writelines(_line(line) for line in lines)
        Path(temporary).replace(self._path)
        self._lines = len(lines)

    def _read_lines(self) -> list[bytes]:
        try:
            return self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return []


def _line(data: dict[str, Any]) -> bytes:
    return json.dumps(data).encode("ascii") + b"\n"
