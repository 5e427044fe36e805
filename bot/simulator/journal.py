"""Keeps orders over a SIGKILL: each version of one is a JSON line, written before the answer goes out."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Journal:
    """os.write hands the line to the kernel at once; only a power cut could still lose it."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file
        self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._cut_torn_line()

    def append(self, line: dict[str, Any]) -> None:
        data = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        while data:
            data = data[os.write(self._descriptor, data) :]

    def lines(self) -> Iterator[dict[str, Any]]:
        with self._file.open("rb") as lines:
            for line in lines:
                yield json.loads(line)

    def close(self) -> None:
        os.close(self._descriptor)

    def _cut_torn_line(self) -> None:
        """A kill in the middle of a line leaves a tail without its end; it was never answered."""
        text = self._file.read_bytes()
        os.ftruncate(self._descriptor, text.rfind(b"\n") + 1)
