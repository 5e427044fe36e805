"""A log file that is rotated; what cannot be written into it is told once, and never stops the bot."""

import logging
import sys
from contextlib import suppress
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFile:
    """`count` older files are kept beside it, named .1 (the youngest), .2 and so on."""

    path: Path
    max_bytes: int
    count: int

    def problem(self) -> str:
        """Why it cannot be written; empty if it can."""
        if self.path.exists() and not self.path.is_file():
            return "it is no file"
        try:
            with self.path.open("ab"):
                return ""
        except OSError as error:
            return error.strerror or str(error)


class FileHandler(RotatingFileHandler):
    """Tries each line anew, so that it goes on by itself once there is room or a directory again."""

    def __init__(self, file: LogFile, logger: logging.Logger) -> None:
        super().__init__(
            file.path, maxBytes=file.max_bytes, backupCount=file.count, encoding="utf-8", delay=True
        )
        self._logger = logger
        self._failing = self._failed = False

    def emit(self, record: logging.LogRecord) -> None:
        self._failed = False
        super().emit(record)
        if self._failing and not self._failed:
            self._failing = False
            self._say(logging.INFO, "the log file is written again")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - as logging calls it
        reason = str(sys.exc_info()[1])
        self._failed = True
        if self.stream is not None:
            with suppress(OSError):  # it has a part of the line that it cannot write
                self.stream.close()
            self.stream = None  # as the library marks a file that is to be opened
        if not self._failing:
            self._failing = True
            self._say(logging.ERROR, "the log file cannot be written", reason=reason)

    def _say(self, level: int, event: str, **fields: str) -> None:
        """Through the same log: where it cannot be written either, nobody is told a second time."""
        self._logger.log(level, event, extra={"fields": {"file": self.baseFilename, **fields}})
