"""Keeps the account over a SIGKILL: each change is a JSON line, written before the answer goes out."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


def as_line(record: Any) -> dict[str, Any]:
    """A flat dataclass with slots; dataclasses.asdict would copy every value deeply."""
    return {name: getattr(record, name) for name in record.__slots__}


class Journal:
    """os.write hands the line to the kernel at once; only a power cut could still lose it."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = file
        self._descriptor = self._open(file)

    def append(self, line: Mapping[str, Any]) -> None:
        data = json.dumps(line, separators=(",", ":"), default=str).encode() + b"\n"
        while data:
            data = data[os.write(self._descriptor, data) :]

    def lines(self) -> Iterator[dict[str, Any]]:
        """A kill in the middle of a line leaves a tail without its end; it was never answered."""
        with self._file.open("rb") as lines:
            for line in lines:
                if line.endswith(b"\n"):
                    yield json.loads(line)

    def rewrite(self, line: Mapping[str, Any]) -> None:
        """Put one line in the place of all; a kill leaves the old journal or the new one."""
        old, new = self._descriptor, self._file.with_suffix(".new")
        new.unlink(missing_ok=True)
        self._descriptor = self._open(new)
        self.append(line)
        os.replace(new, self._file)
        os.close(old)

    def close(self) -> None:
        os.close(self._descriptor)

    def _open(self, file: Path) -> int:
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
