"""The control directory: a file in it keeps trading closed even while everything else is broken."""

import os
import tempfile
from pathlib import Path
from shlex import quote

from bot.domain.switch import Halt, Level

MARKER, HALT = "tradewatch-control", "HALT"
_LARGEST = 1000  # bytes that are read of a HALT file
_LEVELS = {str(level.value): level for level in Level if level is not Level.OPEN}
# A name that is there closes, whatever it is: no waiting for a pipe's other end, no following to nowhere.
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


class ControlDirectory:
    """Implements bot.ports.Control. It makes neither directory nor marker: a lost mount must stay lost."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path / HALT
        self._marker = path / MARKER

    def read(self) -> Halt | None:
        """Asked before every entry: two calls to the system while trading is open."""
        return self._written() or self._missing()

    def halt(self, halt: Halt) -> None:
        """Never lowers the level of what is there. Whoever may write the directory can remove it."""
        if missing := self._missing():
            raise OSError(missing.reason)
        there = self._written()
        if there is None or there.level < halt.level:
            self._write(f"{halt.level:d} {halt.reason}\n")

    def take_away(self) -> str | None:
        """For a person who re-opens: what stood in the file, or None if there was none."""
        try:
            text = _start_of(self.file)
            self.file.unlink()
        except FileNotFoundError:
            return None
        return text

    def put_back(self, text: str) -> None:
        level, reason = _understood(text)
        self.halt(Halt(level=level, reason=reason))

    def _written(self) -> Halt | None:
        try:
            text = _start_of(self.file)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            why = f"cannot read {self.file}: {error.strerror}"
            return Halt(level=Level.NO_ENTRIES, reason=why, written=os.path.lexists(self.file))
        level, reason = _understood(text)
        return Halt(level=level, reason=f"{reason} (file {self.file})" if reason else f"file {self.file}")

    def _missing(self) -> Halt | None:
        try:
            self._marker.lstat()
        except OSError as error:
            made = f"mkdir -p {quote(str(self.path))} && touch {quote(str(self._marker))}"
            why = f"no {self._marker} ({error.strerror}); mount the control directory, or make it: {made}"
            return Halt(level=Level.NO_ENTRIES, reason=why, written=False)
        return None

    def _write(self, text: str) -> None:
        """Whole or not at all, and on the disk when this returns."""
        descriptor, name = tempfile.mkstemp(dir=self.path, prefix=f".{HALT}.")
        try:
            with open(descriptor, "w", encoding="utf-8", errors="replace") as file:
                file.write(text)
                os.fchmod(file.fileno(), 0o644)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self.file)
        except BaseException:
            os.unlink(name)
            raise
        directory = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _start_of(file: Path) -> str:
    descriptor = os.open(file, _READ)
    try:
        return os.read(descriptor, _LARGEST).decode("utf-8", "replace")
    finally:
        os.close(descriptor)


def _understood(text: str) -> tuple[Level, str]:
    """A level only as a word of its own: "3 hours pause" flattens, "30 minutes" does not."""
    words = "".join(letter if letter.isprintable() else " " for letter in text).split()
    level = _LEVELS.get(words[0].rstrip(":,.;")) if words else None
    return level or Level.NO_ENTRIES, " ".join(words[1:] if level else words)
